import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import type { FakeProvider } from '../../support/market.ts';
import { bodyOf, startOpenAiMarket } from '../../support/openai-market.ts';

type World = Awaited<ReturnType<typeof startOpenAiMarket>>;

let db: TestDatabase;
let world: World;
let provider: FakeProvider;

beforeAll(async () => {
  db = await createTestDatabase();
  world = await startOpenAiMarket(db);
  provider = await world.market.provider();
  world.answerWith(provider, [{ content: 'Hello' }], 'stop');
});
afterAll(async () => {
  await world?.server.close();
  await db.close();
});

const user = '{"role":"user","content":"Hello?"}';
const body = (messages: string, more = '') => `{"model":"m","max_tokens":9,"messages":${messages}${more}}`;
const PATHS = ['/v1/chat/completions', '/v1/responses', '/v1/messages'];
const headers = { 'content-type': 'application/json', authorization: 'Bearer ygu_alice' };
const post = (path: string, text: string) =>
  fetch(`${world.origin}${path}`, { method: 'POST', body: text, headers });

it.each<[string, string, number]>([
  ['a model name of 1 MB', body(`[${user}]`).replace('"m"', `"${'m'.repeat(1_048_576)}"`), 400],
  ['a model with a NUL in its name', body(`[${user}]`).replace('"m"', '"m\\u0000"'), 404],
  ['a model that is a list', body(`[${user}]`).replace('"m"', '["m"]'), 400],
  ['messages in a list of their own', body(`[[${user}]]`), 400],
  ['messages in each other', body('['.repeat(10_000) + ']'.repeat(10_000)), 400],
  ['no messages', body('[]'), 400],
  ['a message that is null', body('[null]'), 400],
  ['messages that are an object', body(`{"0":${user},"length":1}`), 400],
  ['100,000 messages', body(`[${`${user},`.repeat(99_999)}${user}]`), 400],
  ['half of a character', body('[{"role":"user","content":"\\ud800"}]'), 400],
  ['a field __proto__', body(`[${user}]`, ',"__proto__":{"stream":true}'), 400],
  ['calls that are no list', body(`[${user},{"role":"assistant","tool_calls":"x"}]`), 400],
])('%s is refused in the form of its API, whichever that is, and costs nothing', async (_, text, status) => {
  for (const path of PATHS) {
    const asked = path === '/v1/responses' ? text.replace('"messages"', '"input"') : text;
    const answer = await post(
      path,
      asked.replace(
        path === '/v1/responses' ? '"max_tokens"' : '',
        path === '/v1/responses' ? '"max_output_tokens"' : '',
      ),
    );
    const said = await answer.text();
    expect([path, answer.status]).toEqual([path, status]);
    expect(said.length).toBeLessThan(2_000);
    expect(JSON.parse(said)).toMatchObject({
      error: { type: expect.any(String), message: expect.any(String) },
    });
  }
  expect(provider.requests).toHaveLength(0);
  await world.market.expectUntouched(world.alice);
});

it('a key twice counts as the last one, as JSON is read everywhere, for what is asked and what is paid', async () => {
  const answer = await post(
    '/v1/chat/completions',
    body(`[${user}]`, ',"max_tokens":7,"model":"m"').replace('"m"', '"none"'),
  );
  expect(answer.status).toBe(200);
  expect(bodyOf(provider)).toEqual({
    model: 'm',
    max_tokens: 7,
    messages: [{ role: 'user', content: 'Hello?' }],
  });
});

it('arguments of a tool that are no JSON are handed over as the text that they are, and a NUL is', async () => {
  const call = '{"id":"c","type":"function","function":{"name":"f","arguments":"{not"}}';
  const turn = `{"role":"assistant","content":null,"tool_calls":[${call}]},{"role":"tool","tool_call_id":"c","content":"a\\u0000b"}`;
  expect((await post('/v1/chat/completions', body(`[${user},${turn}]`))).status).toBe(200);
  const [, called, result] = bodyOf(provider).messages as { tool_calls: { function: object }[] }[];
  expect(called?.tool_calls[0]?.function).toEqual({ name: 'f', arguments: '{not' });
  expect(result).toMatchObject({ content: 'a\u0000b' });
});
