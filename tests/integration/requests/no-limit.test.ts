import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderOrder } from '../../../server/domains/providers/index.ts';
import type { ComputeEvent, UncountedOrder } from '../../../server/domains/requests/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { cents, createMarket, eventsOf, type FakeProvider, until } from '../../support/market.ts';

/*
 * Requests that say nothing about how long their answer may become. A token costs a cent, the prompt has ten of them.
 */
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
beforeEach(() => {
  market = createMarket(db);
});

const ask = (user: AccountActor, changes: Partial<UncountedOrder> = {}) =>
  market.requests.createRequest(user, market.order({ completionTokensMax: null, ...changes }));

/** Sends as many tokens as `count`, as fast as the ledger confirms holds for them. */
async function speak(provider: FakeProvider, { requestId }: ProviderOrder, count: number): Promise<void> {
  for (let sent = 0; sent < count && !provider.cancelled.includes(requestId); sent++) {
    market.text(provider, requestId, sent, ' word');
    if (sent % 10 === 9) await until(async () => true);
  }
}

/** Speaks that long, and ends by itself. */
const speakAndEnd = (provider: FakeProvider, count: number) => async (request: ProviderOrder) => {
  await speak(provider, request, count);
  const claim = { promptTokens: 10, completionTokens: count };
  market.result(provider, request.requestId, { claim });
};

const lastOf = async (asked: ReturnType<typeof ask>): Promise<ComputeEvent | undefined> =>
  (await eventsOf(await asked)).at(-1);

describe('an answer whose length the requester did not limit', () => {
  it('goes to its own end, however much longer than what was held first', async () => {
    const user = await market.customer(10_000);
    const provider = await market.provider();
    provider.onRequest = speakAndEnd(provider, 3_000);
    expect(await lastOf(ask(user))).toMatchObject({
      kind: 'end',
      finishReason: 'stop',
      completionTokens: 3_000,
      costMicrocents: cents(3_010),
    });
    expect(provider.requests[0]?.completionTokensMax).toBeNull();
    await until(async () => (await market.balance(user)).held === 0);
    expect(await market.balance(user)).toEqual({ available: 6_990, held: 0 });
  });

  it('may come whole in one piece', async () => {
    const user = await market.customer(10_000);
    const provider = await market.provider();
    provider.onRequest = ({ requestId }) => {
      market.text(provider, requestId, 0, ' word'.repeat(4_000));
      market.result(provider, requestId, { claim: { promptTokens: 10, completionTokens: 4_000 } });
    };
    expect(await lastOf(ask(user))).toMatchObject({ finishReason: 'stop', costMicrocents: cents(4_010) });
  });

  it('is served where the balance reaches for a short one only', async () => {
    const user = await market.customer(90);
    const provider = await market.provider();
    provider.onRequest = speakAndEnd(provider, 20);
    expect(await lastOf(ask(user))).toMatchObject({ finishReason: 'stop', costMicrocents: cents(30) });
  });

  it('is cut where the balance ends, as one that reached its limit, and its provider is paid', async () => {
    const user = await market.customer(1_500);
    const provider = await market.provider();
    provider.onRequest = (request) => speak(provider, request, 6_000);
    const end = await lastOf(ask(user));
    expect(end).toMatchObject({ kind: 'end', finishReason: 'length' });
    await until(async () => (await market.balance(user)).held === 0);
    const { available } = await market.balance(user);
    expect(available).toBeGreaterThanOrEqual(0);
    // It got most of what the money was good for.
    expect(available).toBeLessThan(750);
    const served = await market.transactions.listTransactions(provider.owner, {
      role: 'provider',
      after: null,
      limit: 1,
    });
    expect(served.items[0]).toMatchObject({ state: 'COMPLETED', finishReason: 'length' });
    expect(provider.cancelled).toHaveLength(1);
  });

  it('leaves room for others of the same account that run beside it', async () => {
    const user = await market.customer(8_000);
    const provider = await market.provider();
    provider.onRequest = speakAndEnd(provider, 900);
    const ends = await Promise.all([ask(user), ask(user), ask(user)].map(lastOf));
    expect(ends.map((end) => end?.kind === 'end' && end.finishReason)).toEqual(['stop', 'stop', 'stop']);
    await until(async () => (await market.balance(user)).held === 0);
    expect(await market.balance(user)).toEqual({ available: 8_000 - 3 * 910, held: 0 });
  });

  it('costs no more than was allowed', async () => {
    const user = await market.customer(10_000);
    const provider = await market.provider();
    provider.onRequest = (request) => speak(provider, request, 6_000);
    const end = await lastOf(ask(user, { costMicrocentsMax: cents(300) }));
    expect(end).toMatchObject({ kind: 'end', finishReason: 'length' });
    expect(end?.kind === 'end' && end.costMicrocents).toBeLessThanOrEqual(cents(300));
  });

  it('has room in the context of whoever serves it, and no more', async () => {
    const user = await market.customer(100_000);
    const provider = await market.provider({ context: 600 });
    provider.onRequest = speakAndEnd(provider, 590);
    expect(await lastOf(ask(user))).toMatchObject({ finishReason: 'stop', costMicrocents: cents(600) });
  });

  it('is refused where the balance reaches for next to nothing', async () => {
    const user = await market.customer(12);
    const provider = await market.provider();
    await expect(ask(user)).rejects.toMatchObject({ code: 'insufficient_balance' });
    await expect(ask(user, { costMicrocentsMax: cents(12) })).rejects.toMatchObject({
      code: 'maximum_cost_exceeded',
    });
    expect(provider.requests).toEqual([]);
  });

  it('is not billed where the database is lost while more is held', async () => {
    let commits = 0;
    market = createMarket(db, {
      wrapLedger: (ledger) => ({
        ...ledger,
        commit: (unit) => (++commits === 2 ? Promise.reject(new Error('gone')) : ledger.commit(unit)),
      }),
    });
    const user = await market.customer(10_000);
    const provider = await market.provider();
    provider.onRequest = (request) => speak(provider, request, 3_000);
    expect(await lastOf(ask(user))).toMatchObject({ kind: 'failed', code: 'unavailable' });
    await until(async () => (await market.balance(user)).held === 0);
    expect(await market.balance(user)).toEqual({ available: 10_000, held: 0 });
  });
});
