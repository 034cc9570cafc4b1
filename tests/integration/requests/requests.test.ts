import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MODEL_WAITERS_MAX } from '../../../server/domains/providers/index.ts';
import { REQUEST_BODY_BYTES_MAX, REQUEST_TIMES } from '../../../server/domains/requests/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { newOwner } from '../../support/actors.ts';
import { turn } from '../../support/clock.ts';
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
describe('a request', () => {
  it('is held, served, priced by the smaller count, split and settled; both sides can read it, each its own', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' world'], [10, 2]);
    const answer = await create();
    const events = await eventsOf(answer);
    expect(events.map(({ kind }) => kind)).toEqual(['delta', 'delta', 'end']);
    // 12 tokens at 1000 cents for 1000; 12 % of 12 cents is 1.44.
    expect(events.at(-1)).toMatchObject({ promptTokens: 10, completionTokens: 2, costMicrocents: cents(12) });
    expect(await market.balance(alice)).toEqual({ available: 988, held: 0 });
    expect(await market.balance(provider.owner)).toEqual({ available: 10.56, held: 0 });
    const asked = await market.transactions.getTransaction(alice, answer.transactionId);
    expect(asked).toMatchObject({
      role: 'requester',
      state: 'COMPLETED',
      costMicrocents: cents(12),
      feeMicrocents: cents(1.44),
      earningsMicrocents: cents(10.56),
    });
    const served = await market.transactions.getTransaction(provider.owner, answer.transactionId);
    expect(served).toMatchObject({ role: 'provider', state: 'COMPLETED', earningsMicrocents: cents(10.56) });
    const shown = JSON.stringify(served, (_, part) => (typeof part === 'bigint' ? Number(part) : part));
    expect(shown).not.toContain(alice.accountId);
    expect(shown).not.toContain(alice.tenantId);
    await expect(market.transactions.getTransaction(newOwner(), answer.transactionId)).rejects.toMatchObject({
      code: 'transaction_not_found',
    });
    expect(new TextDecoder().decode(provider.requests[0]?.body)).toBe('{}');
  });

  it('pays an inflated claim by our count, and a small claim by the claim', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) =>
      market.answer(provider, request, ['Hello', ' world'], [9_000_000, 8_000_000]);
    expect((await eventsOf(await create())).at(-1)).toMatchObject({ costMicrocents: cents(12) });
    provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' world'], [4, 1]);
    expect((await eventsOf(await create())).at(-1)).toMatchObject({ costMicrocents: cents(5) });
    const [row] = await db.database.system(
      'money',
      (sql) =>
        sql`SELECT claimed_tokens, counted_tokens FROM marketplace_claims WHERE tenant_id = ${provider.owner.tenantId}`,
    );
    expect(row).toMatchObject({ claimed_tokens: 17_000_005n, counted_tokens: 24n });
  });

  it('never costs more than what was held, however much a provider sends', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['word '.repeat(60)], [10, 1_000]);
    expect((await eventsOf(await create({ completionTokensMax: 5 }))).at(-1)).toMatchObject({
      costMicrocents: cents(15),
    });
  });

  it('costs nothing where the price is nothing', async () => {
    const provider = await market.provider({ price: 0 });
    provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
    expect((await eventsOf(await create())).at(-1)).toMatchObject({ kind: 'end', costMicrocents: cents(0) });
    await market.expectUntouched(alice);
  });

  it('costs nothing and gives the hold back where the provider claims no token', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello'], [0, 0]);
    expect((await eventsOf(await create())).at(-1)).toMatchObject({ kind: 'end', costMicrocents: cents(0) });
    await market.expectUntouched(alice);
    expect(await market.lastTransaction(alice)).toMatchObject({ state: 'COMPLETED', billedTokens: 0 });
  });

  it.each([
    ['model_not_found', { models: ['nobody-has-it'] }],
    ['context_length_exceeded', { countPromptTokens: async () => 8_190 }],
    ['maximum_cost_exceeded', { costMicrocentsMax: cents(59) }],
    ['insufficient_balance', { completionTokensMax: 1_000 }],
    ['invalid_input', { completionTokensMax: 0 }],
    ['too_large', { encodeBody: () => new Uint8Array(REQUEST_BODY_BYTES_MAX + 1) }],
  ])('is refused with %s before anything is held or any provider hears of it', async (code, changes) => {
    const provider = await market.provider();
    await expect(create(changes)).rejects.toMatchObject({ code });
    expect(provider.requests).toEqual([]);
    expect(await market.lastTransaction(alice)).toBeUndefined();
    await market.expectUntouched(alice);
  });

  it('is refused for an unknown model before its body is made and its prompt is counted', async () => {
    let counted = 0;
    let encoded = 0;
    const countPromptTokens = async () => ++counted;
    const encodeBody = () => new Uint8Array(++encoded);
    const unknown = create({ models: ['unknown'], encodeBody, countPromptTokens });
    await expect(unknown).rejects.toMatchObject({ code: 'model_not_found' });
    expect([encoded, counted]).toEqual([0, 0]);
  });

  it('has its body made once, however many models it is tried with', async () => {
    const broken = await market.provider({ model: 'broken' });
    broken.onRequest = ({ requestId }) => market.fail(broken, requestId);
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
    let encoded = 0;
    const encodeBody = () => new Uint8Array(++encoded);
    await eventsOf(await create({ models: ['broken', 'm'], encodeBody }));
    expect([encoded, broken.requests.length, provider.requests.length]).toEqual([1, 1, 1]);
  });

  it('is not counted again where its answer is kept under its key', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
    let counted = 0;
    const order = { idempotencyKey: 'counted-once', countPromptTokens: async () => ++counted };
    await eventsOf(await create(order));
    expect((await create(order)).isReplay).toBe(true);
    expect(counted).toBe(1);
  });

  it('is refused to who has no money before its prompt is counted, from the second time on until there is some', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
    const poor = await market.customer(0);
    let counted = 0;
    const ask = (changes = {}) => {
      const countPromptTokens = async () => {
        counted++;
        return 10;
      };
      return create({ countPromptTokens, ...changes }, poor);
    };
    const refusal = { code: 'insufficient_balance', kind: 'payment_required' };
    await expect(ask()).rejects.toMatchObject(refusal);
    await expect(ask({ encodeBody: () => expect.unreachable() })).rejects.toMatchObject(refusal);
    await expect(ask({ idempotencyKey: 'poor' })).rejects.toMatchObject(refusal);
    expect(counted).toBe(1);
    await market.topUp(poor, 1_000);
    expect((await eventsOf(await ask())).at(-1)).toMatchObject({ kind: 'end' });
    expect(counted).toBe(2);
  });

  it('is refused to who has no money before a large prompt is counted, the first time too', async () => {
    await market.provider();
    let counted = 0;
    const countPromptTokens = async () => ++counted;
    const large = create(
      { encodeBody: () => new Uint8Array(100_000), countPromptTokens },
      await market.customer(0),
    );
    await expect(large).rejects.toMatchObject({ code: 'insufficient_balance' });
    expect(counted).toBe(0);
  });

  it('is served for nothing to who has no money', async () => {
    const poor = await market.customer(0);
    const dear = await market.provider({ price: 1_000 });
    await expect(create({}, poor)).rejects.toMatchObject({ code: 'insufficient_balance' });
    const free = await market.provider({ price: 0 });
    free.onRequest = (request) => market.answer(free, request, ['Hello']);
    expect((await eventsOf(await create({}, poor))).at(-1)).toMatchObject({ kind: 'end' });
    expect(dear.requests).toEqual([]);
  });

  it('is refused to a device', async () => {
    const provider = await market.provider();
    await expect(market.requests.createRequest(provider.actor, market.order())).rejects.toMatchObject({
      code: 'forbidden',
    });
  });

  it('goes to a cheaper provider where the balance does not reach for a dear one', async () => {
    const cheap = await market.provider({ price: 1_000 });
    for (let i = 0; i < 3; i++) await market.provider({ price: 100_000 });
    cheap.onRequest = (request) => market.answer(cheap, request, ['Hello']);
    for (let i = 0; i < 4; i++)
      expect((await eventsOf(await create())).at(-1)).toMatchObject({ kind: 'end' });
  });

  it('waits for a slot when all are busy, and is refused when none becomes free', async () => {
    const provider = await market.provider({ slots: 1 });
    const first = create();
    const request = await until(() => provider.requests[0]);
    const second = create();
    const third = create();
    const refusal = expect(third).rejects.toMatchObject({ code: 'no_provider_available' });
    await turn();
    expect(provider.requests).toHaveLength(1);
    market.answer(provider, request, ['one']);
    await eventsOf(await first);
    await until(() => provider.requests[1]);
    market.clock.advance(10_000);
    await refusal;
    market.answer(provider, provider.requests[1] as never, ['two']);
    await eventsOf(await second);
  });
});

describe('a user without money', () => {
  it('keeps nobody else from waiting for a slot', async () => {
    const broke = await market.customer(1);
    const provider = await market.provider({ slots: 1 });
    const first = create();
    const request = await until(() => provider.requests[0]);
    const refused = Array.from({ length: MODEL_WAITERS_MAX }, () =>
      expect(create({}, broke)).rejects.toMatchObject({ kind: expect.anything() }),
    );
    const waiting = create();
    await turn();
    provider.onRequest = (next) => market.answer(provider, next, ['two']);
    market.answer(provider, request, ['one']);
    await eventsOf(await first);
    expect((await eventsOf(await waiting)).at(-1)).toMatchObject({ kind: 'end' });
    await Promise.all(refused);
  });
});

describe('a request whose time is over', () => {
  const piecesUntil = async (endMs: number) => {
    const provider = await market.provider({ context: 100_000 });
    const request = create();
    const { requestId } = await until(() => provider.requests[0]);
    for (let index = 0; index * 10_000 < endMs; index++) {
      market.text(provider, requestId, index, 'word ');
      await request;
      market.clock.advance(10_000);
    }
    return { provider, events: await eventsOf(await request) };
  };

  it('ends as long enough, paid by our count, and its provider is told and not blamed', async () => {
    const { provider, events } = await piecesUntil(REQUEST_TIMES.requestTimeoutMs);
    expect(events.at(-1)).toMatchObject({ kind: 'end', finishReason: 'length', completionTokens: 50 });
    expect(await market.lastTransaction(alice)).toMatchObject({
      state: 'COMPLETED',
      finishReason: 'length',
      costMicrocents: cents(60),
    });
    expect((await market.balance(provider.owner)).available).toBe(52.8);
    expect(provider.cancelled).toHaveLength(1);
    expect((await market.listed(alice))[0]?.availability).toBeCloseTo(0.8);
  });

  it('before any text is refused, held against nobody, and no other provider is begun', async () => {
    const times = { ...REQUEST_TIMES, requestTimeoutMs: 20_000 };
    market = createMarket(db, { times });
    alice = await market.customer(1_000);
    const first = await market.provider();
    const request = create();
    const refused = expect(request).rejects.toMatchObject({ kind: 'unavailable', code: 'request_timed_out' });
    await until(() => first.requests[0]);
    const second = await market.provider();
    market.clock.advance(20_000);
    await refused;
    expect(second.requests).toEqual([]);
    for (const { availability } of await market.listed(alice)) {
      expect(availability).toBeCloseTo(0.8);
    }
    expect(await market.lastTransaction(alice)).toMatchObject({ failureCode: 'request_timed_out' });
    await market.expectUntouched(alice);
  });

  it('while a failed attempt was ended goes to no other provider', async () => {
    const times = { ...REQUEST_TIMES, requestTimeoutMs: 20_000, firstTokenTimeoutMs: 19_999 };
    market = createMarket(db, { times });
    alice = await market.customer(1_000);
    const first = await market.provider();
    const refused = expect(create()).rejects.toMatchObject({ code: 'request_timed_out' });
    await until(() => first.requests[0]);
    const second = await market.provider();
    market.clock.advance(20_000);
    await refused;
    expect(second.requests).toEqual([]);
    await market.expectUntouched(alice);
  });
});

describe('a requester that goes away', () => {
  it('before the first text pays for the prompt, which is being worked on', async () => {
    const provider = await market.provider();
    const abort = new AbortController();
    const request = create({ signal: abort.signal });
    const refused = expect(request).rejects.toMatchObject({ code: 'request_cancelled' });
    await until(() => provider.requests[0]);
    abort.abort();
    await refused;
    expect(provider.cancelled).toHaveLength(1);
    expect(await market.lastTransaction(alice)).toMatchObject({
      state: 'CANCELLED',
      costMicrocents: cents(10),
    });
    expect(await market.balance(alice)).toEqual({ available: 990, held: 0 });
  });

  it('before the first text of a provider that is late pays nothing', async () => {
    const provider = await market.provider();
    const abort = new AbortController();
    const request = create({ signal: abort.signal });
    const refused = expect(request).rejects.toMatchObject({ code: 'request_cancelled' });
    await until(() => provider.requests[0]);
    market.clock.advance(20_000);
    abort.abort();
    await refused;
    await market.expectUntouched(alice);
  });

  it('after it pays for the prompt and the text it was given', async () => {
    const provider = await market.provider();
    const abort = new AbortController();
    const request = create({ signal: abort.signal });
    await until(() => provider.requests[0]);
    const requestId = provider.requests[0]?.requestId ?? '';
    market.text(provider, requestId, 0, 'Hello');
    const answer = await request;
    abort.abort();
    expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code: 'request_cancelled' });
    expect(provider.cancelled).toEqual([answer.transactionId]);
    expect(await market.lastTransaction(alice)).toMatchObject({
      state: 'CANCELLED',
      costMicrocents: cents(11),
      completionTokens: 1,
    });
    expect(await market.balance(alice)).toEqual({ available: 989, held: 0 });
  });
});

describe('a failover to a dearer provider', () => {
  const failOver = async (price: number) => {
    alice = await market.customer(100);
    const bad = await market.provider({ price: 1_000 });
    const request = create();
    request.catch(() => {});
    const { requestId } = await until(() => bad.requests[0]);
    const dearer = await market.provider({ price });
    dearer.onRequest = (r) => market.answer(dearer, r, ['Hello', ' world']);
    market.fail(bad, requestId);
    return { request, dearer };
  };

  it('needs no more than the larger hold', async () => {
    // 60 cents are held, 66 needed, 100 there.
    const { request } = await failOver(1_100);
    expect((await eventsOf(await request)).at(-1)).toMatchObject({
      kind: 'end',
      costMicrocents: cents(13.2),
    });
    expect(await market.balance(alice)).toEqual({ available: 86.8, held: 0 });
  });

  it('that the balance does not reach for ends as the first provider failed, and nothing is held', async () => {
    const { request, dearer } = await failOver(2_000);
    await expect(request).rejects.toMatchObject({ code: 'provider_failed' });
    expect(dearer.requests).toEqual([]);
    expect(await market.balance(alice)).toEqual({ available: 100, held: 0 });
  });
});

describe('a hold whose request fails', () => {
  const fail = async () => {
    throw new Error('the connection is gone');
  };
  /** A market whose ledger commits the unit with this number and is not heard of. */
  const unheardAt = async (number: number) => {
    let commits = 0;
    market = createMarket(db, {
      wrapLedger: (ledger) => ({
        ...ledger,
        commit: async (unit) => (++commits === number ? ledger.commit(unit).then(fail) : ledger.commit(unit)),
      }),
    });
    alice = await market.customer(1_000);
  };

  it('is given back at once when the ledger took it and was not heard of', async () => {
    await unheardAt(1);
    const provider = await market.provider();
    await expect(create()).rejects.toThrow('the connection is gone');
    expect(provider.requests).toEqual([]);
    expect(await market.balance(alice)).toEqual({ available: 1_000, held: 0 });
    expect(await market.lastTransaction(alice)).toMatchObject({ state: 'FAILED' });
  });

  it('is given back at once when the answer can not be counted', async () => {
    market = createMarket(db, { countText: fail });
    alice = await market.customer(1_000);
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
    const events = await eventsOf(await create());
    expect(events.at(-1)).toEqual({ kind: 'failed', code: 'unavailable' });
    expect(await market.balance(alice)).toEqual({ available: 1_000, held: 0 });
    expect(await market.lastTransaction(alice)).toMatchObject({ state: 'FAILED' });
  });

  it('is given back at once, and the larger one too, when the failover was not heard of', async () => {
    await unheardAt(2);
    const cheap = await market.provider({ price: 1 });
    const refused = expect(create()).rejects.toThrow('the connection is gone');
    const { requestId } = await until(() => cheap.requests[0]);
    await market.provider({ price: 1_000 });
    market.fail(cheap, requestId);
    await refused;
    expect(await market.balance(alice)).toEqual({ available: 1_000, held: 0 });
    expect(await market.lastTransaction(alice)).toMatchObject({ state: 'FAILED' });
  });
});

describe('the database', () => {
  it('shows a tenant its own rows only, and a requester never who the provider is', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
    await eventsOf(await create());
    const { database } = db;
    const seenByAlice = await database.tenant(alice, async (sql) => ({
      providers: await sql`SELECT * FROM marketplace_providers`,
      served: await sql`SELECT transaction_id FROM marketplace_served`,
      transactions: await sql`SELECT id FROM marketplace_transactions`,
    }));
    expect(seenByAlice).toMatchObject({ providers: [], served: [] });
    expect(seenByAlice.transactions).toHaveLength(1);
    const seenByProvider = await database.tenant(provider.owner, async (sql) => ({
      served: await sql`SELECT transaction_id FROM marketplace_served`,
      transactions: await sql`SELECT id FROM marketplace_transactions`,
    }));
    expect(seenByProvider.served).toHaveLength(1);
    expect(seenByProvider.transactions).toHaveLength(0);
    for (const column of ['provider_tenant_id', 'provider_device_id']) {
      await expect(
        database.tenant(alice, (sql) => sql`SELECT ${sql(column)} FROM marketplace_transactions`),
      ).rejects.toMatchObject({ code: '42501' });
    }
  });
});
