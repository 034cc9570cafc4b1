import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DataPolicy } from '../../../server/domains/providers/types.ts';
import {
  NO_PREFERENCES,
  type ProviderPreferences,
  type UncountedOrder,
} from '../../../server/domains/requests/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { cents, createMarket, eventsOf, type FakeProvider } from '../../support/market.ts';
import { sellsWhatItAnnounces } from '../../support/selling.ts';

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

/** A provider that answers, or says that it failed. */
async function serving(
  offer: Parameters<typeof market.provider>[0] = {},
  fails = false,
): Promise<FakeProvider & { id: string }> {
  const known = new Set((await market.listed(alice)).map(({ id }) => id));
  const provider = await market.provider(offer);
  provider.onRequest = (request) =>
    fails ? market.fail(provider, request.requestId) : market.answer(provider, request, ['Hello']);
  const id = (await market.listed(alice)).find((listed) => !known.has(listed.id))?.id ?? '';
  return Object.assign(provider, { id });
}

const ask = async (preferences: Partial<ProviderPreferences>, changes: Partial<UncountedOrder> = {}) => {
  const order = market.order({ preferences: { ...NO_PREFERENCES, ...preferences }, ...changes });
  const answer = await market.requests.createRequest(alice, order);
  await eventsOf(answer);
  return { model: answer.model, providerId: answer.providerId };
};
/** A market in which each provider's owner has said what is the next of these. */
const whereOwnersSay = (policies: (DataPolicy | null)[]) =>
  createMarket(db, {
    registrations: {
      termsOf: async (...asked) => ({
        ...(await sellsWhatItAnnounces.termsOf(...asked)),
        declared: { dataPolicy: policies.shift() ?? null, hardware: null },
      }),
    },
  });
const often = async (preferences: Partial<ProviderPreferences>): Promise<ReadonlySet<string>> => {
  const ids = new Set<string>();
  for (let time = 0; time < 6; time++) ids.add((await ask(preferences)).providerId);
  return ids;
};

describe('a requester who says by whom it wants to be served', () => {
  it('is served by those alone who say that they keep nothing, and by its own, where it says so', async () => {
    const policy = { retentionDays: 0, trainsOnData: false, note: null };
    market = whereOwnersSay([
      null,
      { ...policy, retentionDays: 1 },
      { ...policy, trainsOnData: true },
      policy,
    ]);
    alice = await market.customer(1_000);
    await serving({ price: 1 });
    await serving({ price: 1 });
    await serving({ price: 1 });
    const none = ask({ deniesKeeping: true });
    await expect(none).rejects.toMatchObject({ code: 'no_provider_allowed' });
    const keepsNothing = await serving({ price: 900 });
    expect(await often({ deniesKeeping: true })).toEqual(new Set([keepsNothing.id]));
    expect(await often({})).not.toContain(keepsNothing.id);
    const own = await serving({ model: 'own' });
    alice = { ...own.owner };
    expect(await ask({ deniesKeeping: true }, { models: ['own'] })).toMatchObject({ model: 'own' });
  });

  it('is served by nobody else, or not by these, and never at a higher price', async () => {
    const [cheap, dear] = [await serving({ price: 1_000 }), await serving({ price: 2_000 })];
    expect(await often({ only: [dear.id] })).toEqual(new Set([dear.id]));
    expect(await often({ ignore: [dear.id] })).toEqual(new Set([cheap.id]));
    expect(await often({ promptPriceMax: cents(1_500) })).toEqual(new Set([cheap.id]));
    expect(await often({ completionPriceMax: cents(1_000) })).toEqual(new Set([cheap.id]));
    for (const nobody of [{ only: ['x'] }, { promptPriceMax: cents(1) }, { ignore: [cheap.id, dear.id] }]) {
      await expect(ask(nobody)).rejects.toMatchObject({ code: 'no_provider_allowed', kind: 'not_found' });
    }
  });

  it('has them asked in its order, then others, or nobody', async () => {
    const [first, second] = [await serving({}, true), await serving()];
    const third = await serving();
    expect(await ask({ order: [first.id, second.id] })).toMatchObject({ providerId: second.id });
    expect(first.requests).toHaveLength(1);
    expect(await often({ order: [third.id] })).toEqual(new Set([third.id]));
    await expect(ask({ order: [first.id], allowsOthers: false })).rejects.toMatchObject({
      code: 'provider_failed',
    });
  });

  it('gets the cheapest where only the price counts', async () => {
    await serving({ price: 3_000 });
    const cheapest = await serving({ price: 1_000 });
    await serving({ price: 2_000 });
    expect(await often({ sort: 'price' })).toEqual(new Set([cheapest.id]));
  });

  it('may want its own', async () => {
    await serving();
    const own = await serving({ price: 0 });
    const owner = { ...alice, tenantId: own.owner.tenantId, accountId: own.owner.accountId };
    const order = market.order({ preferences: { ...NO_PREFERENCES, only: ['own'] } });
    const { providerId } = await market.requests.createRequest(owner, order);
    expect(providerId).toBe(own.id);
    await expect(ask({ only: ['own'] })).rejects.toMatchObject({ code: 'no_provider_allowed' });
  });
});

describe('a requester who names several models', () => {
  it('gets the first that somebody serves, and is told which', async () => {
    await serving({ model: 'broken' }, true);
    const provider = await serving({ model: 'small' });
    const answer = await ask({}, { models: ['nobody-has-it', 'broken', 'small', 'never-asked'] });
    expect(answer).toEqual({ model: 'small', providerId: provider.id });
    const { items } = await market.transactions.listTransactions(alice, {
      role: 'requester',
      after: null,
      limit: 10,
    });
    expect(new Set(items.map(({ model, state }) => `${model} ${state}`))).toEqual(
      new Set(['small COMPLETED', 'broken FAILED']),
    );
  });

  it('gets the same answer under the same key, with the model that gave it', async () => {
    await serving({ model: 'small' });
    const keyed = { models: ['nobody-has-it', 'small'], idempotencyKey: 'k' };
    const first = await ask({}, keyed);
    expect(await ask({}, keyed)).toEqual(first);
    await expect(ask({}, { ...keyed, models: ['small'] })).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
  });

  it('is refused as the last of them is, and pays nothing', async () => {
    await serving({ model: 'broken' }, true);
    await expect(ask({}, { models: ['nobody-has-it', 'broken'] })).rejects.toMatchObject({
      code: 'provider_failed',
    });
    await market.expectUntouched(alice);
  });
});
