import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type FakeProvider, until } from '../../support/market.ts';
import { startOpenAiMarket } from '../../support/openai-market.ts';

type World = Awaited<ReturnType<typeof startOpenAiMarket>>;

let db: TestDatabase;
let world: World;
let market: World['market'];
let client: World['client'];
let provider: FakeProvider;

beforeAll(async () => {
  db = await createTestDatabase();
  world = await startOpenAiMarket(db);
});
beforeEach(async () => {
  await world.server.close();
  world = await startOpenAiMarket(db);
  ({ market, client } = world);
  provider = await market.provider();
});
afterAll(async () => {
  await world.server.close();
  await db.close();
});

const asked = { model: 'm', input: 'Say hello.', max_output_tokens: 50, background: true };
const requestId = async () => {
  await until(() => provider.requests.length > 0);
  return provider.requests.at(-1)?.requestId as string;
};
/** The texts of a stream of server-sent events as they come, until one of them has this. */
async function eventsUntil(response: Response, wanted: string): Promise<string> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  while (!text.includes(wanted)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`it ended without ${wanted}: ${text}`);
    text += new TextDecoder().decode(value);
  }
  await reader.cancel();
  return text;
}

describe('a response in the background', () => {
  it('is there at once, goes on by itself, and is read as it stands and from any event on, for one bill', async () => {
    const begun = await client.responses.create(asked);
    expect(begun).toMatchObject({ id: expect.stringMatching(/^resp_/), status: 'queued', background: true });
    const id = await requestId();
    market.text(provider, id, 0, 'Hello');
    await until(async () => (await client.responses.retrieve(begun.id)).status === 'in_progress');
    const stream = await client.responses.retrieve(begun.id, { stream: true });
    const types: string[] = [];
    for await (const event of stream) {
      types.push(event.type);
      if (event.type === 'response.output_text.delta') break;
    }
    expect(types).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
    ]);
    stream.controller.abort();
    expect((await client.responses.retrieve(begun.id)).status).toBe('in_progress');
  });

  it('is whole at its end, and taken up again behind the last event that was read', async () => {
    const begun = await client.responses.create(asked);
    market.answer(provider, { requestId: await requestId() }, ['Hello', ' world']);
    const ended = await until(async () => {
      const response = await client.responses.retrieve(begun.id);
      return response.status === 'completed' ? response : null;
    });
    expect(ended).toMatchObject({ id: begun.id, output_text: 'Hello world', usage: { output_tokens: 2 } });
    const rest = await client.responses.retrieve(begun.id, { stream: true, starting_after: 4 });
    const texts: string[] = [];
    for await (const event of rest) {
      expect(event.sequence_number).toBeGreaterThan(4);
      if (event.type === 'response.output_text.delta') texts.push(event.delta);
    }
    expect(texts).toEqual([' world']);
    expect(await market.balance(world.alice)).toEqual({ available: 988, held: 0 });
    expect(await client.responses.delete(begun.id)).toMatchObject({ deleted: true });
    await expect(client.responses.retrieve(begun.id)).rejects.toMatchObject({ code: 'response_not_found' });
  });

  it('is cancelled, and what was delivered is billed', async () => {
    const begun = await client.responses.create(asked);
    market.text(provider, await requestId(), 0, 'Hello');
    await until(async () => (await client.responses.retrieve(begun.id)).status === 'in_progress');
    expect(await client.responses.cancel(begun.id)).toMatchObject({ status: 'cancelled', error: null });
    expect(provider.cancelled).toHaveLength(1);
    await until(async () => (await market.balance(world.alice)).held === 0);
    expect((await market.lastTransaction(world.alice))?.state).toBe('CANCELLED');
  });

  it('says why it failed, and costs nothing', async () => {
    const begun = await client.responses.create({ ...asked, model: 'none' });
    const failed = await until(async () => {
      const response = await client.responses.retrieve(begun.id);
      return response.status === 'failed' ? response : null;
    });
    expect(failed.error).toMatchObject({ code: 'model_not_found' });
    await market.expectUntouched(world.alice);
  });

  it('of another is like one that never was', async () => {
    const begun = await client.responses.create(asked);
    const poor = client.withOptions({ apiKey: 'ygu_poor' });
    const refusalOf = (answer: Promise<unknown>) => answer.catch(({ status, error }) => ({ status, error }));
    const unknown = await refusalOf(client.responses.retrieve('resp_none'));
    for (const answer of [
      poor.responses.retrieve(begun.id),
      poor.responses.cancel(begun.id),
      poor.responses.delete(begun.id),
    ])
      expect(await refusalOf(answer)).toEqual(unknown);
    expect(unknown).toMatchObject({ status: 404, error: { code: 'response_not_found' } });
  });
});

describe('a stream under an Idempotency-Key', () => {
  const body = JSON.stringify({
    model: 'm',
    messages: [{ role: 'user', content: 'Say hello.' }],
    stream: true,
    max_tokens: 20,
  });
  const key = { 'idempotency-key': 'stream-1' };

  it('goes on without its reader, who takes it up again behind what it has, for one bill', async () => {
    const first = world.post(body, key);
    const id = await requestId();
    market.text(provider, id, 0, 'Hello');
    const read = await eventsUntil(await first, 'Hello');
    expect(read.match(/^id: \d+$/gm)).toEqual(['id: 0', 'id: 1']);
    market.text(provider, id, 1, ' world');
    market.result(provider, id);
    const again = await world.post(body, { ...key, 'last-event-id': '1' });
    const rest = await again.text();
    expect(rest).not.toContain('Hello');
    expect(rest).toMatch(/^id: 2\n.* world/);
    expect(rest).toMatch(/data: \[DONE\]\n\n$/);
    expect(provider.requests).toHaveLength(1);
    await until(async () => (await market.balance(world.alice)).held === 0);
    const other = await world.post(body.replace('20', '21'), { ...key, 'last-event-id': '1' });
    expect([other.status, await other.json()]).toMatchObject([
      422,
      { error: { code: 'idempotency_key_reused' } },
    ]);
    const gone = await world.post(body, { 'idempotency-key': 'never', 'last-event-id': '1' });
    expect([gone.status, await gone.json()]).toMatchObject([404, { error: { code: 'response_not_found' } }]);
    const wrong = await world.post(body, { ...key, 'last-event-id': 'x' });
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { error: { param: 'Last-Event-ID' } }]);
  });

  it("has no numbers without one, as official clients don't ask for them", async () => {
    provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
    expect(await (await world.post(body)).text()).not.toContain('id: ');
  });
});
