import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DELTA_BYTES_MAX } from '../../../server/domains/providers/index.ts';
import {
  ACCOUNT_ANSWER_BYTES_MAX,
  ACCOUNT_RUNNING_MAX,
  REQUEST_BODY_BYTES_MAX,
  REQUEST_TIMES,
} from '../../../server/domains/requests/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { cents, createMarket, eventsOf, until } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
beforeEach(async () => {
  market = createMarket(db);
  alice = await market.customer(1_000);
});

const create = (changes = {}, actor = alice) => market.requests.createRequest(actor, market.order(changes));

describe('a request that is served', () => {
  const countingCommits = async () => {
    let commits = 0;
    let transactions = 0;
    const counting = {
      ...db,
      database: {
        ...db.database,
        tenant: ((...args) => {
          transactions++;
          return db.database.tenant(...args);
        }) as typeof db.database.tenant,
        system: ((...args) => {
          transactions++;
          return db.database.system(...args);
        }) as typeof db.database.system,
      },
    };
    market = createMarket(counting, {
      wrapLedger: (ledger) => ({
        ...ledger,
        commit(unit) {
          commits++;
          return ledger.commit(unit);
        },
      }),
    });
    alice = await market.customer(1_000);
    return { commits: () => commits, transactions: () => transactions };
  };

  it('commits once before its provider hears of it and once at its end, and does nothing else on the database', async () => {
    const counted = await countingCommits();
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
    // The accounts of both sides are known from here on.
    await eventsOf(await create());
    provider.onRequest = () => {};
    const before = [counted.commits(), counted.transactions()];
    const request = create();
    const { requestId } = await until(() => provider.requests[1]);
    const dispatched = [counted.commits(), counted.transactions()];
    market.text(provider, requestId, 0, 'Hello');
    const answer = await request;
    market.result(provider, requestId);
    expect((await eventsOf(answer)).at(-1)).toMatchObject({ kind: 'end' });
    const ended = [counted.commits(), counted.transactions()];
    expect([dispatched, ended]).toEqual([before.map((n) => n + 1), before.map((n) => n + 2)]);
  });

  it('costs what each kind of token costs, exactly, and its fee is 12 % of that', async () => {
    const provider = await market.provider({
      price: { prompt: '0.03', cachedPrompt: '0.003', completion: '0.12' },
    });
    provider.onRequest = ({ requestId }) => {
      market.text(provider, requestId, 0, 'Hello');
      market.result(provider, requestId, { claim: { cachedPromptTokens: 4 } });
    };
    expect((await eventsOf(await create())).at(-1)).toMatchObject({ costMicrocents: 180n + 12n + 120n });
    const transaction = await market.lastTransaction(alice);
    expect(transaction).toMatchObject({ feeMicrocents: 37n, earningsMicrocents: 275n });
  });

  it('costs whole cents where that is configured', async () => {
    market = createMarket(db, { prices: { roundingUnitMicrocents: 1_000_000n } });
    const provider = await market.provider({ price: 25 });
    provider.onRequest = (request) => market.answer(provider, request, ['Hello'], [280, 1]);
    const order = { countPromptTokens: async () => 280 };
    expect((await eventsOf(await create(order))).at(-1)).toMatchObject({ costMicrocents: cents(8) });
  });

  it.each([
    ['a stop word that came first', 'stop'],
    ['a limit reached while nothing was said', 'length'],
    ['a reason that only its endpoint knows', 'content_filter'],
  ])('ends without text for %s, and its prompt is billed', async (_, finishReason) => {
    const provider = await market.provider();
    provider.onRequest = ({ requestId }) =>
      market.result(provider, requestId, { finishReason, claim: { completionTokens: 0 } });
    const events = await eventsOf(await create());
    expect(events).toMatchObject([{ kind: 'end', finishReason, costMicrocents: cents(10) }]);
    const [listed] = await market.listed(alice);
    expect(listed).toMatchObject({ availability: 0.8, quality: 0.8 });
  });

  it('carries deltas as they come: reasoning, refusals, tool calls', async () => {
    const provider = await market.provider();
    const fields = {
      reasoning_content: 'hm',
      tool_calls: [{ index: 0, function: { name: 'look', arguments: '{}' } }],
    };
    provider.onRequest = ({ requestId }) => {
      market.providers.delta(provider.actor, {
        requestId,
        index: 0,
        delta: { fields, text: 'hmlook{}', bytes: 60 },
      });
      market.result(provider, requestId, { finishReason: 'tool_calls', claim: null });
    };
    const events = await eventsOf(await create());
    expect(events).toMatchObject([
      { kind: 'delta', fields },
      { kind: 'end', finishReason: 'tool_calls' },
    ]);
  });
});

describe('a reader', () => {
  const piece = 'x'.repeat(DELTA_BYTES_MAX);
  const begin = async (changes = {}) => {
    const provider = await market.provider({ price: 0, context: 1_000_000 });
    const request = create({ completionTokensMax: 500_000, ...changes });
    const { requestId } = await until(() => provider.requests[0]);
    market.text(provider, requestId, 0, piece);
    return { provider, requestId, answer: await request };
  };

  it('that reads lets its provider send as much more, and one that does not holds it up', async () => {
    const { provider, requestId, answer } = await begin();
    market.text(provider, requestId, 1, piece);
    expect(provider.grantedBytes).toBe(0);
    const reader = answer.events[Symbol.asyncIterator]();
    await reader.next();
    expect(provider.grantedBytes).toBe(DELTA_BYTES_MAX);
    market.text(provider, requestId, 2, piece);
    expect(() => market.text(provider, requestId, 3, 'x')).toThrow(
      expect.objectContaining({ code: 'provider_answer_malformed' }),
    );
  });

  it('that stops reading ends its request, billed for what was delivered, and its provider is not blamed', async () => {
    const { provider, requestId, answer } = await begin();
    market.text(provider, requestId, 1, piece);
    market.clock.advance(REQUEST_TIMES.readerStallTimeoutMs);
    expect(provider.cancelled).toEqual([requestId]);
    await until(async () => (await market.lastTransaction(alice))?.state === 'CANCELLED');
    expect(await market.lastTransaction(alice)).toMatchObject({ failureCode: 'reader_stalled' });
    expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code: 'reader_stalled' });
    expect((await market.listed(alice))[0]?.availability).toBeCloseTo(0.8);
  });

  it('that leaves a request under an idempotency key leaves it running', async () => {
    const { provider, requestId, answer } = await begin({ idempotencyKey: 'unread' });
    market.text(provider, requestId, 1, piece);
    market.clock.advance(REQUEST_TIMES.readerStallTimeoutMs);
    expect(provider.cancelled).toEqual([]);
    expect(provider.grantedBytes).toBe(2 * DELTA_BYTES_MAX);
    market.result(provider, requestId, { claim: null });
    await until(async () => (await market.lastTransaction(alice))?.state === 'COMPLETED');
    expect(await eventsOf(answer)).toEqual([]);
  });
});

describe('an account', () => {
  it('gets the memory back that its requests took, while they were counted and while they ran', async () => {
    const provider = await market.provider({ price: 0 });
    provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
    const body = new Uint8Array(REQUEST_BODY_BYTES_MAX);
    const encodeBody = () => body;
    const inMemory = Math.floor(ACCOUNT_ANSWER_BYTES_MAX / REQUEST_BODY_BYTES_MAX);
    for (let request = 0; request <= inMemory; request++) {
      expect((await eventsOf(await create({ encodeBody }))).at(-1)).toMatchObject({ kind: 'end' });
    }
    const countPromptTokens = () => Promise.reject(new Error('not counted'));
    for (let request = 0; request <= inMemory; request++) {
      await expect(create({ encodeBody, countPromptTokens })).rejects.toThrow('not counted');
    }
    expect((await eventsOf(await create({ encodeBody }))).at(-1)).toMatchObject({ kind: 'end' });
  });

  it('has a bounded number of requests at work, also where they cost nothing', async () => {
    await market.provider({ price: 0, slots: 1_000 });
    const aborts = Array.from({ length: ACCOUNT_RUNNING_MAX + 1 }, () => new AbortController());
    const signals = aborts.map(({ signal }) => signal);
    const running = signals.slice(1).map((signal) => create({ signal }));
    await expect(create()).rejects.toMatchObject({ kind: 'rate_limited', code: 'rate_limited' });
    const other = await market.customer(0);
    const others = create({ signal: signals[0] }, other);
    for (const abort of aborts) abort.abort();
    const outcomes = await Promise.allSettled([...running, others]);
    expect(outcomes.every((outcome) => outcome.status === 'rejected')).toBe(true);
    await market.expectUntouched(alice);
  });
});
