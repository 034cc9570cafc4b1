import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerService } from '../../../server/domains/ledger/index.ts';
import type { AccountActor, Actor } from '../../../server/kernel/actor.ts';
import { withApiKey } from '../../support/api-keys.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { cents, type FakeProvider, until } from '../../support/market.ts';
import { bodyOf, startOpenAiMarket } from '../../support/openai-market.ts';

type World = Awaited<ReturnType<typeof startOpenAiMarket>>;

let db: TestDatabase;
let world: World | null = null;
let market: World['market'];
let origin: string;
let client: OpenAI;
let post: World['post'];
let actors: Map<string, Actor>;

beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

const start = async (wrapLedger?: (ledger: LedgerService) => LedgerService) => {
  await world?.server.close();
  world = await startOpenAiMarket(db, wrapLedger === undefined ? {} : { wrapLedger });
  ({ market, origin, client, post, actors } = world);
};
beforeEach(() => start());
afterAll(() => world?.server.close());

const messages = [{ role: 'user' as const, content: 'Say hello.' }];
const serve = (provider: FakeProvider, pieces: readonly string[]) => {
  provider.onRequest = (request) => market.answer(provider, request, pieces, [100, 100]);
};

describe('POST /v1/chat/completions', () => {
  it('answers the official client as a whole, and the transaction can be found', async () => {
    const provider = await market.provider({ context: 512 });
    serve(provider, ['Hello', ' world']);
    const { data, response } = await client.chat.completions
      .create({ model: 'm', messages, max_tokens: 20, temperature: 0.5, user: 'secret-user' })
      .withResponse();
    expect(data.choices[0]).toMatchObject({
      index: 0,
      finish_reason: 'stop',
      message: { role: 'assistant', content: 'Hello world' },
    });
    // 3 to prime the answer, 3 for the message, 1 for its role, 3 for "Say hello."
    expect(data.usage).toEqual({
      prompt_tokens: 10,
      completion_tokens: 2,
      total_tokens: 12,
      cost: { value: '0.12', currency: 'EUR' },
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
    });
    const id = response.headers.get('x-yggdrasil-transaction-id') ?? '';
    expect(data.id).toBe(`chatcmpl-${id}`);
    const transaction = await market.transactions.getTransaction(
      actors.get('ygu_alice') as AccountActor,
      id as never,
    );
    expect(transaction).toMatchObject({ state: 'COMPLETED', costMicrocents: cents(12) });
    const body = JSON.parse(new TextDecoder().decode(provider.requests[0]?.body));
    expect(body).toEqual({ model: 'm', messages, max_tokens: 20, temperature: 0.5 });
    expect(provider.requests[0]?.completionTokensMax).toBe(20);
  });

  it('tells in a header what is left on the account, to whoever could ask for it', async () => {
    const provider = await market.provider({ context: 512 });
    serve(provider, ['Hello', ' world']);
    const ask = async (changes: object, token = 'ygu_alice') => {
      const body = JSON.stringify({ model: 'm', messages, max_tokens: 20, ...changes });
      const answer = await post(body, { authorization: `Bearer ${token}` });
      await answer.text();
      return answer.headers.get('x-yggdrasil-balance-cents');
    };
    expect(await ask({})).toBe('988');
    // 10 tokens of prompt and 20 of an answer are set aside while it runs.
    expect(await ask({ stream: true })).toBe('958');
    const alice = actors.get('ygu_alice') as AccountActor;
    actors.set('ygk_chats', await withApiKey(db.database, alice));
    const operations = ['openai.*', 'ledger.*'];
    actors.set('ygk_all', await withApiKey(db.database, alice, { operations }));
    expect(await ask({}, 'ygk_chats')).toBeNull();
    expect(await ask({}, 'ygk_all')).toBe('952');
  });

  it("takes OpenRouter's models to fall back to, and what it calls the provider", async () => {
    const dear = await market.provider({ model: 'small', price: 3_000 });
    const cheap = await market.provider({ model: 'small', price: 2_000 });
    for (const provider of [dear, cheap]) serve(provider, ['Hi']);
    const ask = (changes: object) => post(JSON.stringify({ messages, max_tokens: 5, ...changes }));
    const answers = [
      await ask({
        model: 'nobody-has-it',
        models: ['small:floor'],
        provider: { max_price: { prompt: '2000' } },
      }),
      await ask({
        models: ['nobody-has-it', 'small'],
        provider: { max_price: { completion: 2_000 } },
        route: 'fallback',
      }),
      await ask({ model: 'small:floor' }),
    ];
    for (const answer of answers) expect(await answer.json()).toMatchObject({ model: 'small' });
    expect([dear, cheap].map(({ requests }) => requests.length)).toEqual([0, 3]);
    expect(bodyOf(cheap)).toEqual({ model: 'small:floor', messages, max_tokens: 5 });
    const refusals = [
      { model: 'small', provider: { quantizations: ['fp8'] } },
      { model: 'small', provider: { data_collection: 'some' } },
      { model: 'small', provider: { max_price: { prompt: 'cheap' } } },
      { model: 'small', models: ['a', 'b', 'c', 'd'] },
    ];
    for (const refused of refusals)
      expect(await (await ask(refused)).json()).toMatchObject({ error: { type: 'invalid_request_error' } });
    const denied = await ask({ model: 'small', provider: { data_collection: 'deny' } });
    expect(await denied.json()).toMatchObject({ error: { code: 'no_provider_allowed' } });
    const none = await ask({ model: 'small', provider: { only: ['nobody'] } });
    expect([none.status, await none.json()]).toMatchObject([404, { error: { code: 'no_provider_allowed' } }]);
  });

  it('streams one answer of two providers, where the first breaks off', async () => {
    const first = await market.provider({ price: 1_000 });
    first.onRequest = async ({ requestId }) => {
      market.text(first, requestId, 0, 'Hello');
      const next = await market.provider({ price: 2_000, continuesAnswers: true });
      next.onRequest = (request) => market.answer(next, request, [' world'], [100, 100]);
      market.fail(first, requestId);
      await until(() => next.requests.length > 0);
      expect(bodyOf(next).messages).toEqual([...messages, { role: 'assistant', content: 'Hello' }]);
    };
    const stream = client.chat.completions.stream({
      model: 'm',
      messages,
      max_tokens: 20,
      stream_options: { include_usage: true },
    });
    const { choices, usage } = await stream.finalChatCompletion();
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'Hello world' } });
    expect(usage).toMatchObject({ completion_tokens: 2, cost: { value: '0.23', currency: 'EUR' } });
  });

  it('streams to the official client: role, text, reason, usage, done', async () => {
    serve(await market.provider({ context: 512 }), ['Hello', ' world']);
    const stream = await client.chat.completions.create({
      model: 'm',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content)).toEqual([
      '',
      'Hello',
      ' world',
      undefined,
      undefined,
    ]);
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([
      null,
      null,
      null,
      'stop',
      undefined,
    ]);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 2 } });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
  });

  it('ends the raw stream with [DONE] and sends no usage unless asked', async () => {
    serve(await market.provider({ context: 512 }), ['Hello']);
    const response = await post(JSON.stringify({ model: 'm', messages, stream: true }));
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const text = await response.text();
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(text).not.toContain('usage');
    for (const line of text.split('\n\n').filter((part) => part !== '' && part !== 'data: [DONE]')) {
      expect(JSON.parse(line.replace(/^data: /, ''))).toMatchObject({
        object: 'chat.completion.chunk',
        model: 'm',
      });
    }
  });

  it('ends a stream that breaks off with an error that the client throws, and bills nothing', async () => {
    const provider = await market.provider({ context: 512 });
    provider.onRequest = ({ requestId }) => {
      market.text(provider, requestId, 0, 'Hello');
    };
    const stream = await client.chat.completions.create({ model: 'm', messages, stream: true });
    const texts: string[] = [];
    await expect(
      (async () => {
        for await (const chunk of stream) {
          texts.push(chunk.choices[0]?.delta.content ?? '');
          if (texts.at(-1) === 'Hello') market.providers.disconnected(provider.actor.deviceId, provider.link);
        }
      })(),
    ).rejects.toMatchObject({ code: 'provider_vanished' });
    expect(texts).toEqual(['', 'Hello']);
    const balance = await market.balance(actors.get('ygu_alice') as AccountActor);
    expect(balance).toEqual({ available: 1_000, held: 0 });
  });

  it('cancels at the provider when the client goes away, and bills what was delivered', async () => {
    const provider = await market.provider({ context: 512 });
    provider.onRequest = ({ requestId }) => {
      market.text(provider, requestId, 0, 'Hello');
    };
    const stream = await client.chat.completions.create({ model: 'm', messages, stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content === 'Hello') break;
    await until(() => provider.cancelled.length === 1);
    const alice = actors.get('ygu_alice') as AccountActor;
    await until(async () => (await market.balance(alice)).held === 0);
    expect((await market.balance(alice)).available).toBe(989);
  });

  it.each([
    ['not JSON', '{', 400, 'malformed_json', null],
    ['no messages', '{"model":"m"}', 400, 'invalid_input', 'messages'],
    [
      'half of a character',
      '{"model":"m","messages":[{"role":"user","content":"x\\ud83d"}]}',
      400,
      'invalid_input',
      'messages.0.content',
    ],
    ['two choices', JSON.stringify({ model: 'm', messages, n: 2 }), 400, 'feature_not_supported', 'n'],
    [
      'what is not served',
      JSON.stringify({ model: 'm', messages, audio: { voice: 'alloy' } }),
      400,
      'feature_not_supported',
      'audio',
    ],
    [
      'a picture',
      JSON.stringify({ model: 'm', messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }),
      400,
      'invalid_input',
      'messages.0.content.0.image_url',
    ],
    [
      'an unknown role',
      JSON.stringify({ model: 'm', messages: [{ role: 'boss', content: 'x' }] }),
      400,
      'invalid_input',
      'messages.0.role',
    ],
    ['an unknown model', JSON.stringify({ model: 'none', messages }), 404, 'model_not_found', null],
    [
      'too long an answer',
      JSON.stringify({ model: 'm', messages, max_tokens: 8_190 }),
      400,
      'context_length_exceeded',
      null,
    ],
  ])('refuses %s in the shape of OpenAI', async (_, body, status, code, param) => {
    await market.provider({ context: 512 });
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      error: { message: expect.any(String), type: expect.any(String), param, code },
    });
  });

  it('refuses a body that is not called JSON, and one that is too large', async () => {
    expect((await post('{}', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post('x'.repeat(9_000_000))).status).toBe(413);
  });

  it('refuses the client with the error classes it knows', async () => {
    await market.provider({ context: 512 });
    const as = (apiKey: string, headers = {}) =>
      new OpenAI({ apiKey, baseURL: `${origin}/v1`, maxRetries: 0 }).chat.completions.create(
        { model: 'm', messages },
        { headers },
      );
    await expect(as('wrong')).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(as('ygu_poor')).rejects.toMatchObject({ status: 402, code: 'insufficient_balance' });
    await expect(as('ygu_alice', { 'X-Yggdrasil-Max-Cost-Cents': '3' })).rejects.toMatchObject({
      status: 402,
      code: 'maximum_cost_exceeded',
    });
    await expect(as('ygu_alice', { 'X-Yggdrasil-Max-Cost-Cents': '3.000001' })).rejects.toMatchObject({
      code: 'maximum_cost_exceeded',
    });
    await expect(as('ygu_alice', { 'X-Yggdrasil-Max-Cost-Cents': '-3' })).rejects.toMatchObject({
      status: 400,
    });
    const provider = await market.provider({ model: 'other' });
    actors.set('ygd_device', provider.actor);
    await expect(as('ygd_device')).rejects.toBeInstanceOf(OpenAI.PermissionDeniedError);
  });

  it('gives the answer again under the same Idempotency-Key, whole or as a stream, and says so', async () => {
    const provider = await market.provider({ context: 512 });
    serve(provider, ['Hello', ' world']);
    const headers = { 'Idempotency-Key': 'one' };
    const create = (more = {}) =>
      client.chat.completions.create({ model: 'm', messages, ...more }, { headers }).withResponse();
    const first = await create();
    expect(first.response.headers.get('idempotent-replayed')).toBeNull();
    const second = await create();
    expect(second.response.headers.get('idempotent-replayed')).toBe('true');
    expect(second.data).toEqual(first.data);
    const stream = await client.chat.completions.create({ model: 'm', messages, stream: true }, { headers });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe('Hello world');
    expect(provider.requests).toHaveLength(1);
    await expect(create({ temperature: 0.1 })).rejects.toMatchObject({
      status: 422,
      code: 'idempotency_key_reused',
    });
    const wrong = await post(JSON.stringify({ model: 'm', messages }), { 'Idempotency-Key': 'a b' });
    expect(wrong.status).toBe(400);
  });

  it('has a client that lost its connection ask again until the answer is there', async () => {
    const provider = await market.provider({ context: 512 });
    const headers = { 'Idempotency-Key': 'two' };
    const body = JSON.stringify({ model: 'm', messages });
    const controller = new AbortController();
    const url = `${origin}/v1/chat/completions`;
    const common = { 'content-type': 'application/json', authorization: 'Bearer ygu_alice', ...headers };
    const lost = fetch(url, { method: 'POST', body, headers: common, signal: controller.signal });
    await until(() => provider.requests[0]);
    controller.abort();
    await expect(lost).rejects.toThrow();
    const early = await post(body, headers);
    expect([early.status, early.headers.get('retry-after')]).toEqual([409, '5']);
    expect(await early.json()).toMatchObject({ error: { code: 'idempotency_key_in_flight' } });
    market.answer(provider, provider.requests[0] as never, ['Hello']);
    const answer = await until(async () => {
      const response = await post(body, headers);
      return response.status === 200 ? await response.json() : null;
    });
    expect(answer).toMatchObject({ choices: [{ message: { content: 'Hello' } }] });
    expect(provider.requests).toHaveLength(1);
  });

  describe('with a database that fails at the settlement', () => {
    const fail = async () => {
      throw new Error('the connection is gone');
    };
    /** Of a request's two commits the second one, its end, fails. */
    const serveWith = async () => {
      let commits = 0;
      await start((ledger) => ({
        ...ledger,
        commit: (unit) => (++commits % 2 === 0 ? fail() : ledger.commit(unit)),
      }));
      const provider = await market.provider({ context: 512 });
      serve(provider, ['Hello', ' world']);
      return provider;
    };
    // As anybody makes it: it repeats what failed.
    const repeating = () => new OpenAI({ apiKey: 'ygu_alice', baseURL: `${origin}/v1` });

    it('says when it does not know whether it is billed, and the client does not repeat it', async () => {
      const provider = await serveWith();
      const create = (stream: boolean) =>
        repeating().chat.completions.create({ model: 'm', messages, max_tokens: 20, stream });
      await expect(create(false)).rejects.toMatchObject({
        status: 500,
        code: 'outcome_unknown',
        message: expect.not.stringContaining('Nothing was billed'),
      });
      expect(provider.requests).toHaveLength(1);
      const stream = await create(true);
      await expect(
        (async () => {
          for await (const _ of stream as AsyncIterable<unknown>);
        })(),
      ).rejects.toMatchObject({ code: 'outcome_unknown' });
      expect(provider.requests).toHaveLength(2);
    });
  });

  it('says 503 with Retry-After when nobody can serve', async () => {
    const provider = await market.provider({ context: 512 });
    provider.onRequest = ({ requestId }) => market.fail(provider, requestId);
    for (let i = 0; i < 3; i++) {
      const failed = await post(JSON.stringify({ model: 'm', messages }));
      expect(failed.status).toBe(503);
      expect(failed.headers.get('x-yggdrasil-transaction-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
    const response = await post(JSON.stringify({ model: 'm', messages }));
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.json()).toMatchObject({
      error: { code: 'no_provider_available', type: 'server_error' },
    });
  });
});

describe('GET /v1/models', () => {
  it('lists what is served now, and gives one by its name, slashes and all', async () => {
    await market.provider({ model: 'meta/llama:3b', price: 30 });
    await market.provider({ model: 'meta/llama:3b', price: 20 });
    const { data } = await client.models.list();
    expect(data).toMatchObject([{ id: 'meta/llama:3b', object: 'model', providers: 2 }]);
    expect(await client.models.retrieve('meta/llama:3b')).toMatchObject({
      prices_cents_per_1000_tokens_min: { prompt: '20', cached_prompt: '20', completion: '20' },
    });
    await expect(client.models.retrieve('none')).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
    expect((await fetch(`${origin}/v1/models`)).status).toBe(401);
  });

  it('gives a part of the list to who asks for one, and says whether there is more', async () => {
    for (const model of ['c', 'a', 'b']) await market.provider({ model });
    const list = (query: object) => client.get('/models', { query }) as Promise<{ data: { id: string }[] }>;
    const idsOf = ({ data }: { data: { id: string }[] }) => data.map(({ id }) => id);
    const [first, rest, all] = [
      await list({ limit: 2 }),
      await list({ after: 'b' }),
      await list({ unknown: 1 }),
    ];
    expect([idsOf(first), idsOf(rest), idsOf(all)]).toEqual([['a', 'b'], ['c'], ['a', 'b', 'c']]);
    expect([first, rest]).toMatchObject([{ has_more: true }, { has_more: false }]);
    await expect(list({ limit: 0 })).rejects.toMatchObject({
      status: 400,
      code: 'invalid_input',
      param: 'limit',
    });
  });
});
