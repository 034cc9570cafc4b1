import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import type { FakeProvider } from '../../support/market.ts';
import { startOpenAiMarket } from '../../support/openai-market.ts';

/*
 * What clients send beside what they ask for, seen from both sides: the answer, and what the provider got.
 */
type World = Awaited<ReturnType<typeof startOpenAiMarket>>;

let db: TestDatabase;
let world: World;
let provider: FakeProvider;

beforeAll(async () => {
  db = await createTestDatabase();
});
beforeEach(async () => {
  await world?.server.close();
  world = await startOpenAiMarket(db);
  provider = await world.market.provider({ context: 512 });
  provider.onRequest = (request) => world.market.answer(provider, request, ['Hello'], [100, 100]);
});
afterAll(async () => {
  await world?.server.close();
  await db.close();
});

const user = { role: 'user', content: 'Say hello.' };
const call = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } };
const chat = (changes: object) =>
  world.post(JSON.stringify({ model: 'm', messages: [user], max_tokens: 50, ...changes }));
const handedOver = () => JSON.parse(new TextDecoder().decode(provider.requests.at(-1)?.body));

async function refusalOf(answer: Response): Promise<{ message: string; param: string }> {
  expect(answer.status).toBe(400);
  const { error } = (await answer.json()) as { error: { message: string; param: string } };
  return error;
}

describe('a chat completion', () => {
  it.each([
    [
      "a tool's name with its result",
      { role: 'tool', tool_call_id: 'call_1', content: 'Rain.', name: 'weather' },
    ],
    ['hints for a cache at a message', { ...user, cache_control: { type: 'ephemeral' } }],
    [
      'hints for a cache at a part',
      { role: 'user', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }] },
    ],
    ['a refusal as a part', { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }],
    ['an answer of no parts', { role: 'assistant', content: [], tool_calls: [call] }],
  ])('takes %s', async (_, message) => {
    expect((await chat({ messages: [user, message, user] })).status).toBe(200);
    expect(JSON.stringify(handedOver())).not.toContain('cache_control');
  });

  it('hands over no choice of tools where there are none, for some endpoints refuse it', async () => {
    const asked = { tools: [], tool_choice: 'auto', parallel_tool_calls: true, top_logprobs: 0 };
    expect((await chat(asked)).status).toBe(200);
    expect(handedOver()).toEqual({ model: 'm', messages: [user], max_tokens: 50 });
  });

  it('says which part of a message is wrong', async () => {
    const part = { type: 'video_url', video_url: { url: 'https://example.org/x.mp4' } };
    for (const [role, served] of [
      ['user', 'text, images and audio are served'],
      ['assistant', 'text is served'],
    ]) {
      const asked = { messages: [{ role, content: [{ type: 'text', text: 'a' }, part] }] };
      expect(await refusalOf(await chat(asked))).toMatchObject({
        message: `messages.0.content.1.type: only ${served}.`,
        param: 'messages.0.content.1.type',
      });
    }
  });

  it('is refused in few words, however long the name of what is wrong', async () => {
    const name = 'k'.repeat(1_000_000);
    for (const changes of [
      { [name]: 1 },
      { messages: [{ ...user, [name]: 1 }] },
      { tools: [{ type: 'function', [name]: '\ud800' }] },
    ]) {
      const { message, param } = await refusalOf(await chat(changes));
      expect(message.length + param.length).toBeLessThan(1_000);
    }
  });

  it('tells of a failure on the way in an event without choices, where every client looks for it', async () => {
    provider.onRequest = ({ requestId }) => {
      world.market.text(provider, requestId, 0, 'Hel');
      world.market.fail(provider, requestId);
    };
    const events = (await (await chat({ stream: true })).text()).trim().split('\n\n');
    expect(events.at(-1)).toBe('data: [DONE]');
    const { error, ...rest } = JSON.parse(events.at(-2)?.slice('data: '.length) ?? '');
    expect(error).toMatchObject({ code: 'provider_failed', type: 'server_error' });
    expect(rest).toEqual({});
  });
});
