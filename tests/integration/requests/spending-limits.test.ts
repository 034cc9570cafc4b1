import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAccountStore } from '../../../server/domains/accounts/index.ts';
import { createTenantRows } from '../../../server/domains/tenants/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { DAY_MS } from '../../../server/kernel/clock.ts';
import { withApiKey } from '../../support/api-keys.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { cents, createMarket, eventsOf, until } from '../../support/market.ts';

/*
 * A request of these could cost 60 cents (10 tokens of prompt, 50 of the answer) and costs 12 when it is answered.
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

/** A user with plenty of money, acting with an API key that may spend so much. */
async function keyWith(
  limitCents: number | null,
  of = market,
  { day = null, month = null }: { day?: number | null; month?: number | null } = {},
): Promise<AccountActor> {
  const inMicrocents = (limit: number | null) => (limit === null ? null : cents(limit));
  return withApiKey(db.database, await of.customer(100_000), {
    spendMicrocentsMax: inMicrocents(limitCents),
    dayMicrocentsMax: inMicrocents(day),
    monthMicrocentsMax: inMicrocents(month),
  });
}

/** The key as it is listed. */
const listed = async (key: AccountActor, nowMs = market.clock.nowMs()) =>
  (await createAccountStore(db.database, createTenantRows()).listApiKeys(key, null, 1, nowMs))[0];

/** What the key has spent, and what is held for it, in cents. */
async function useOf(key: AccountActor) {
  const found = await listed(key);
  return [Number(found?.spentMicrocents) / 1e6, Number(found?.heldMicrocents) / 1e6];
}

/** What the key has spent this day and this month, in cents. */
async function spentOf(key: AccountActor) {
  const found = await listed(key);
  return [Number(found?.daySpentMicrocents) / 1e6, Number(found?.monthSpentMicrocents) / 1e6];
}

/** Turns the clock to the 10th of the next month, so that the days that follow are of one month. */
function toNextMonth() {
  const now = new Date(market.clock.nowMs());
  market.clock.advance(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 10) - now.getTime());
}

const ask = (key: AccountActor, changes = {}, of = market) =>
  of.requests.createRequest(key, of.order(changes));
const outcomeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => 'served',
    (error: { code?: string }) => error.code,
  );
/** Waits until all but so many are refused for their limit. */
const untilOpen = (outcomes: readonly Promise<string | undefined>[], open: number) =>
  until(async () => {
    const now = await Promise.all(outcomes.map((each) => Promise.race([each, 'open'])));
    return countOf(now, 'spending_limit_reached') === outcomes.length - open && countOf(now, 'open') === open;
  });
const countOf = (outcomes: readonly unknown[], outcome: string) =>
  outcomes.filter((each) => each === outcome).length;

describe('the spending limit of an API key', () => {
  it('holds among requests that come at once, and counts what they come to cost afterwards', async () => {
    const provider = await market.provider({ slots: 20 });
    const key = await keyWith(150);
    const outcomes = Array.from({ length: 10 }, () => outcomeOf(ask(key)));
    await untilOpen(outcomes, 2);
    expect(provider.requests).toHaveLength(2);
    expect(await useOf(key)).toEqual([0, 120]);
    for (const request of provider.requests) market.answer(provider, request, ['Hello', ' world']);
    const settled = await Promise.all(outcomes);
    expect([countOf(settled, 'served'), countOf(settled, 'spending_limit_reached')]).toEqual([2, 8]);
    await until(async () => (await useOf(key))[1] === 0);
    expect(await useOf(key)).toEqual([24, 0]);
  });

  it('lets through what fits, to the last cent, and nothing after it', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' world']);
    const key = await keyWith(72);
    await eventsOf(await ask(key));
    await eventsOf(await ask(key));
    expect(await useOf(key)).toEqual([24, 0]);
    await expect(ask(key)).rejects.toMatchObject({
      kind: 'payment_required',
      code: 'spending_limit_reached',
    });
    // What could cost less still fits.
    await eventsOf(await ask(key, { completionTokensMax: 30 }));
    expect(await useOf(key)).toEqual([36, 0]);
    expect(await market.balance(key)).toEqual({ available: 100_000 - 36, held: 0 });
  });

  it('of one key is not another key of the same user, and a key without a limit counts all the same', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' world']);
    const key = await keyWith(0);
    await expect(ask(key)).rejects.toMatchObject({ code: 'spending_limit_reached' });
    const { scope: _, ...user } = key;
    await eventsOf(await ask(user));
    const open = await keyWith(null);
    await eventsOf(await ask(open));
    expect(await useOf(open)).toEqual([12, 0]);
  });

  it('chooses a cheaper provider where the dearer one could cost too much', async () => {
    const dear = await market.provider({ price: 10_000 });
    const cheap = await market.provider({ price: 100 });
    cheap.onRequest = (request) => market.answer(cheap, request, ['Hello']);
    const key = await keyWith(10);
    for (let count = 0; count < 4; count++) await eventsOf(await ask(key, { models: ['m'] }));
    expect([dear.requests.length, cheap.requests.length]).toEqual([0, 4]);
  });

  it('counts the larger hold once when a dearer provider takes a request over', async () => {
    const failing = await market.provider({ model: 'f', price: 1_000 });
    const key = await keyWith(100);
    const asked = ask(key, { models: ['f'] });
    const first = await until(() => failing.requests[0]);
    expect(await useOf(key)).toEqual([0, 60]);
    const dearer = await market.provider({ model: 'f', price: 1_100 });
    market.fail(failing, first.requestId);
    await until(() => dearer.requests[0]);
    expect(await useOf(key)).toEqual([0, 66]);
    for (const request of dearer.requests) market.answer(dearer, request, ['Hello', ' world']);
    await eventsOf(await asked);
    expect(await useOf(key)).toEqual([13.2, 0]);
  });

  it('still counts what a crash left open, until that is ended', async () => {
    const provider = await market.provider();
    const crashed = createMarket(db, { nodeId: 'spending-node' });
    const itsProvider = await crashed.provider();
    const key = await keyWith(100, crashed);
    ask(key, {}, crashed).catch(() => undefined);
    await until(() => itsProvider.requests[0]);
    expect(await useOf(key)).toEqual([0, 60]);
    // Nothing of the crashed market goes on; another begins on the same database.
    const next = createMarket(db, { nodeId: 'spending-node' });
    const nextProvider = await next.provider();
    nextProvider.onRequest = (request) => next.answer(nextProvider, request, ['Hello', ' world']);
    await expect(ask(key, {}, next)).rejects.toMatchObject({ code: 'spending_limit_reached' });
    expect(await next.requests.endAbandoned(true)).toBeGreaterThanOrEqual(1);
    expect(await useOf(key)).toEqual([0, 0]);
    await eventsOf(await ask(key, {}, next));
    expect(await useOf(key)).toEqual([12, 0]);
    provider.reachable = false;
  });

  it('counts a cost once where the commit of an end was not heard of', async () => {
    let commits = 0;
    const unheard = createMarket(db, {
      nodeId: 'unheard-node',
      wrapLedger: (ledger) => ({
        ...ledger,
        commit: async (unit) => {
          const outcome = await ledger.commit(unit);
          if (++commits === 2) throw new Error('the connection is gone');
          return outcome;
        },
      }),
    });
    const provider = await unheard.provider();
    provider.onRequest = (request) => unheard.answer(provider, request, ['Hello', ' world']);
    const key = await keyWith(100, unheard);
    expect((await eventsOf(await ask(key, {}, unheard))).at(-1)).toEqual({
      kind: 'failed',
      code: 'outcome_unknown',
    });
    await until(async () => {
      await unheard.clock.advance(10_000);
      return commits > 2;
    });
    expect(await useOf(key)).toEqual([12, 0]);
  });

  it('is not passed by two servers at once', async () => {
    const others = [createMarket(db), createMarket(db)];
    const key = await keyWith(150);
    for (const other of others) await other.provider({ slots: 20, model: 'two' });
    const outcomes = others.flatMap((other) =>
      Array.from({ length: 5 }, () => outcomeOf(ask(key, { models: ['two'] }, other))),
    );
    await untilOpen(outcomes, 2);
    expect(await useOf(key)).toEqual([0, 120]);
  });

  it('lets a revoked key take no hold, and a request that runs still ends and is paid', async () => {
    const provider = await market.provider();
    const key = await keyWith(100);
    const asked = ask(key);
    await until(() => provider.requests[0]);
    await db.database.tenant(key, (sql) => sql`DELETE FROM account_tokens WHERE id = ${key.credentialId}`);
    for (const request of provider.requests) market.answer(provider, request, ['Hello', ' world']);
    expect((await eventsOf(await asked)).at(-1)).toMatchObject({ kind: 'end' });
    await until(async () => (await market.balance(key)).held === 0);
    expect((await market.balance(key)).available).toBe(100_000 - 12);
    await expect(ask(key)).rejects.toMatchObject({ code: 'spending_limit_reached' });
  });
});

describe('what an API key may spend in a day and a month', () => {
  const quotaOf = (period: 'day' | 'month') => ({ code: 'spend_quota_exceeded', details: { period } });

  it('holds among requests that come at once on two servers', async () => {
    const others = [createMarket(db), createMarket(db)];
    const key = await keyWith(null, market, { day: 119 });
    for (const other of others) await other.provider({ slots: 20, model: 'days' });
    const asks = others.flatMap((other) =>
      Array.from({ length: 5 }, () => outcomeOf(ask(key, { models: ['days'] }, other))),
    );
    await until(async () => {
      const now = await Promise.all(asks.map((each) => Promise.race([each, 'open'])));
      return countOf(now, 'spend_quota_exceeded') === 9 && countOf(now, 'open') === 1;
    });
    expect(await useOf(key)).toEqual([0, 60]);
    const further = ask(key, { models: ['days'] }, others[0]);
    await expect(further).rejects.toMatchObject({ details: { retryAfterSeconds: 5 } });
  });

  it('is free again on the next day, and in the month only in the next one, and is shown', async () => {
    toNextMonth();
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' world']);
    const key = await keyWith(null, market, { day: 70, month: 90 });
    await eventsOf(await ask(key));
    expect(await spentOf(key)).toEqual([12, 12]);
    await expect(ask(key)).rejects.toMatchObject(quotaOf('day'));
    market.clock.advance(DAY_MS);
    expect(await spentOf(key)).toEqual([0, 12]);
    await eventsOf(await ask(key));
    market.clock.advance(DAY_MS);
    await eventsOf(await ask(key));
    expect(await spentOf(key)).toEqual([12, 36]);
    market.clock.advance(DAY_MS);
    await expect(ask(key)).rejects.toMatchObject(quotaOf('month'));
    market.clock.advance(31 * DAY_MS);
    expect(await spentOf(key)).toEqual([0, 0]);
    await eventsOf(await ask(key));
    expect(await spentOf(key)).toEqual([12, 12]);
    expect(await useOf(key)).toEqual([48, 0]);
  });

  it('counts a request on the day on which it ends', async () => {
    toNextMonth();
    market.clock.advance(DAY_MS - 1_000);
    const provider = await market.provider();
    const key = await keyWith(null);
    const asked = ask(key);
    const request = await until(() => provider.requests[0]);
    market.clock.advance(2_000);
    market.answer(provider, request, ['Hello', ' world']);
    await eventsOf(await asked);
    expect(await spentOf(key)).toEqual([12, 12]);
    expect(await listed(key, market.clock.nowMs() + DAY_MS)).toMatchObject({
      daySpentMicrocents: 0n,
      monthSpentMicrocents: cents(12),
    });
  });
});

describe('what a tenant may spend', () => {
  const limits = (day: number | null, month: number | null = null) => ({
    dayMicrocentsMax: day === null ? null : cents(day),
    monthMicrocentsMax: month === null ? null : cents(month),
  });

  it('in a day holds among requests that come at once, of a user and of a key, and says when to come again', async () => {
    const provider = await market.provider({ slots: 20 });
    const key = await keyWith(null);
    const { scope: _, ...user } = key;
    await market.spending.setLimits(user, limits(150));
    const outcomes = Array.from({ length: 10 }, (_, index) => outcomeOf(ask(index % 2 === 0 ? key : user)));
    await until(async () => {
      const now = await Promise.all(outcomes.map((each) => Promise.race([each, 'open'])));
      return countOf(now, 'spend_quota_exceeded') === 8 && countOf(now, 'open') === 2;
    });
    expect(await market.spending.getSpending(user)).toMatchObject({ heldMicrocents: cents(120) });
    await expect(ask(user)).rejects.toMatchObject({
      kind: 'rate_limited',
      code: 'spend_quota_exceeded',
      details: { period: 'day', retryAfterSeconds: 5 },
    });
    for (const request of provider.requests) market.answer(provider, request, ['Hello', ' world']);
    await Promise.all(outcomes);
    await until(async () => (await market.spending.getSpending(user)).heldMicrocents === 0n);
    expect(await market.spending.getSpending(user)).toMatchObject({
      daySpentMicrocents: cents(24),
      monthSpentMicrocents: cents(24),
    });
  });

  it('is free again on the next day, and in the month only in the next one; the smaller of limit and quota counts', async () => {
    toNextMonth();
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' world']);
    const user = await market.customer(100_000);
    const { spending } = market;
    await spending.setLimits(user, limits(70, 90));
    await eventsOf(await ask(user));
    const midnightMs = DAY_MS - (market.clock.nowMs() % DAY_MS);
    await expect(ask(user)).rejects.toMatchObject({
      details: { period: 'day', retryAfterSeconds: Math.ceil(midnightMs / 1000) },
    });
    await spending.setQuotas(market.administrator, user.tenantId, limits(60));
    market.clock.advance(DAY_MS);
    await eventsOf(await ask(user));
    market.clock.advance(DAY_MS);
    await spending.setQuotas(market.administrator, user.tenantId, limits(59));
    await expect(ask(user)).rejects.toMatchObject({ details: { period: 'day' } });
    await spending.setQuotas(market.administrator, user.tenantId, limits(null, 80));
    await expect(ask(user)).rejects.toMatchObject({ details: { period: 'month' } });
    const stranger = await market.customer(100_000);
    await eventsOf(await ask(stranger));
  });

  it('is unusual beyond eight times the mean of the week before and of five euros, and told once', async () => {
    const { tenantId } = await market.customer(0);
    const day = new Date(market.clock.nowMs()).toISOString().slice(0, 10);
    const spend = (ago: number, microcents: bigint) =>
      db.database.system('money', async (sql) => {
        await sql`
          INSERT INTO spending_days (tenant_id, day, spent_microcents) VALUES (${tenantId}, ${day}::date - ${ago}::int, ${microcents})
          ON CONFLICT (tenant_id, day) DO UPDATE SET spent_microcents = excluded.spent_microcents`;
      });
    const { spending } = market;
    const found = async () =>
      (await spending.findUnusual()).filter((unusual) => unusual.tenantId === tenantId);
    await spend(0, cents(4_000));
    expect(await found()).toEqual([]);
    await spend(0, cents(4_001));
    expect(await found()).toEqual([{ tenantId, day }]);
    expect(await found()).toEqual([]);
    await spend(3, cents(7_000));
    expect(await found()).toEqual([]);
  });
});
