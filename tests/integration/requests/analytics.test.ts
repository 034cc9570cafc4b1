import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AskedAnalytics } from '../../../server/domains/transactions/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { DAY_MS, HOUR_MS } from '../../../server/kernel/clock.ts';
import { newOwner } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { cents, createMarket, eventsOf } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
beforeEach(async () => {
  market = createMarket(db);
  alice = await market.customer(10_000);
});

const ask = async (actor: AccountActor) =>
  await eventsOf(await market.requests.createRequest(actor, market.order()));
const analyse = (actor: AccountActor, asked: Partial<AskedAnalytics> = {}) =>
  market.analytics.analyse(actor, {
    role: 'requester',
    fromMs: null,
    toMs: null,
    step: 'day',
    model: null,
    keyId: null,
    providerId: null,
    ...asked,
  });

describe('analytics', () => {
  it('say to the cent what each side did, by step, model, key and provider, and compare it with the time before', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' world'], [10, 2]);
    await ask(alice);
    market.clock.advance(3 * HOUR_MS);
    await ask(alice);
    await ask(alice);
    provider.onRequest = ({ requestId }) => market.fail(provider, requestId);
    await expect(ask(alice)).rejects.toThrow();
    const other = await market.customer(1_000);
    await expect(ask(other)).rejects.toThrow();

    const asked = await analyse(alice, { step: 'hour' });
    const spent = { completed: 3, failed: 1, costMicrocents: cents(36), feeMicrocents: cents(4.32) };
    expect(asked.totals).toMatchObject({ ...spent, billedTokens: 36, promptTokens: 40 });
    expect(asked.before).toMatchObject({ completed: 0, costMicrocents: 0n });
    expect(asked.steps.map(({ completed, failed }) => [completed, failed])).toEqual([
      [1, 0],
      [2, 1],
    ]);
    expect(asked.steps.every(({ atMs }) => atMs % HOUR_MS === 0)).toBe(true);
    expect(asked.models).toEqual([{ ...asked.totals, model: market.order().models[0] }]);
    expect(asked.keys).toEqual([{ ...asked.totals, keyId: null }]);
    expect(asked.providers.map(({ completed }) => completed)).toEqual([3]);
    expect(asked.hoursOfDay.reduce((sum, requests) => sum + requests, 0)).toBe(4);
    expect(asked.durations).toEqual({ p50Ms: 1, p90Ms: 1, p99Ms: 1 });

    const served = await analyse(provider.owner, { role: 'provider' });
    expect(served.totals).toMatchObject({ completed: 3, failed: 2, earningsMicrocents: cents(31.68) });
    expect(
      JSON.stringify(served, (_, part) => (typeof part === 'bigint' ? Number(part) : part)),
    ).not.toContain(alice.accountId);
    expect((await analyse(alice, { role: 'provider' })).totals.completed).toBe(0);
    expect((await analyse(newOwner())).totals.completed).toBe(0);
    expect((await analyse(alice, { model: 'another' })).totals.completed).toBe(0);

    market.clock.advance(2 * DAY_MS);
    const toMs = market.clock.nowMs();
    const later = await analyse(alice, { fromMs: toMs - DAY_MS, toMs });
    expect([later.totals.completed, later.durations]).toEqual([0, null]);
    const since = await analyse(alice, { fromMs: toMs - 2 * DAY_MS + HOUR_MS, toMs });
    expect([since.totals.completed, since.before.completed]).toEqual([0, 3]);
  });

  it('of days are what hours say, wherever in a day a period begins and ends', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' world'], [10, 2]);
    const beganMs = market.clock.nowMs();
    for (let round = 0; round < 12; round++) {
      await ask(alice);
      market.clock.advance(7 * HOUR_MS);
    }
    // What is asked of one model is read from the hours.
    const periods = [
      [0, 84],
      [5, 60],
      [3, 9],
      [24, 48],
      [1, 2],
    ] as const;
    for (const [from, to] of periods) {
      const period = { fromMs: beganMs + from * HOUR_MS, toMs: beganMs + to * HOUR_MS };
      for (const step of ['hour', 'day', 'month'] as const) {
        const asked = { ...period, step };
        expect(await analyse(alice, asked)).toEqual(await analyse(alice, { ...asked, model: 'm' }));
        const served = { ...asked, role: 'provider' } as const;
        expect(await analyse(provider.owner, served)).toEqual(
          await analyse(provider.owner, { ...served, model: 'm' }),
        );
      }
    }
  });

  it('refuse what is no period, or too long for its step', async () => {
    const toMs = market.clock.nowMs();
    for (const asked of [
      { fromMs: toMs + DAY_MS, toMs },
      { fromMs: toMs - 40 * DAY_MS, toMs, step: 'hour' as const },
      { fromMs: toMs - 4_000 * DAY_MS, toMs, step: 'month' as const },
    ]) {
      await expect(analyse(alice, asked)).rejects.toMatchObject({ code: 'invalid_input' });
    }
  });

  it('are forgotten when they are older than two years are compared with', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello'], [10, 1]);
    await ask(alice);
    await market.analytics.removeOld();
    expect((await analyse(alice)).totals.completed).toBe(1);
    market.clock.advance(800 * DAY_MS);
    const toMs = market.clock.nowMs();
    const asked = { fromMs: toMs - 801 * DAY_MS, toMs: toMs - 750 * DAY_MS, step: 'day' as const };
    expect((await analyse(alice, asked)).totals.completed).toBe(1);
    await market.analytics.removeOld();
    expect((await analyse(alice, asked)).totals.completed).toBe(0);
  });
});
