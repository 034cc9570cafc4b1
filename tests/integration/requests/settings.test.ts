import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  NO_PREFERENCES,
  NO_SETTINGS,
  type ProviderPreferences,
  type RequestSettings,
  type UncountedOrder,
} from '../../../server/domains/requests/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { withApiKey } from '../../support/api-keys.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { cents, createMarket, eventsOf } from '../../support/market.ts';

/*
 * A request has 10 tokens of prompt and at most 50 of answer: at 1,000 cents for 1000 tokens it may cost 60 cents.
 */
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
beforeEach(async () => {
  market = createMarket(db);
  alice = await market.customer(100_000);
});

async function serving(offer: Parameters<typeof market.provider>[0]): Promise<string> {
  const known = new Set((await market.listed(alice)).map(({ id }) => id));
  const provider = await market.provider(offer);
  provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
  return (await market.listed(alice)).find(({ id }) => !known.has(id))?.id ?? '';
}

const choose = (
  preferences: Partial<ProviderPreferences>,
  others: Partial<RequestSettings> = {},
  account = alice,
) =>
  market.settings.setSettings(account, {
    ...NO_SETTINGS,
    ...others,
    preferences: { ...NO_PREFERENCES, ...preferences },
  });
const ask = async (changes: Partial<UncountedOrder> = {}, account = alice) => {
  const answer = await market.requests.createRequest(account, market.order(changes));
  await eventsOf(answer);
  return answer;
};
const by = (preferences: Partial<ProviderPreferences>) => ({
  preferences: { ...NO_PREFERENCES, ...preferences },
});

describe("an account's settings for its requests", () => {
  it('are what was set, for this account alone', async () => {
    const bob = await market.customer(1_000);
    expect(await market.settings.getSettings(alice)).toEqual(NO_SETTINGS);
    const settings: RequestSettings = {
      models: ['a', 'auto'],
      preferences: {
        only: ['own'],
        ignore: ['x'],
        order: ['own', 'y'],
        allowsOthers: false,
        sort: 'latency',
        promptPriceMax: 1n,
        completionPriceMax: 999_999_999_999_999_999n,
      },
      costMicrocentsMax: 0n,
    };
    await market.settings.setSettings(alice, settings);
    expect(await market.settings.getSettings(alice)).toEqual(settings);
    expect(await market.settings.getSettings(bob)).toEqual(NO_SETTINGS);
    await market.settings.setSettings(alice, NO_SETTINGS);
    expect(await market.settings.getSettings(alice)).toEqual(NO_SETTINGS);
  });

  it('name the model of a request that names none, and of no other', async () => {
    await serving({ model: 'cheap', price: 1 });
    await serving({ model: 'dear', price: 500 });
    expect((await ask({ models: ['auto'] })).model).toBe('cheap');
    await choose({}, { models: ['absent', 'dear'] });
    expect((await ask({ models: ['auto'] })).model).toBe('dear');
    expect((await ask({ models: ['cheap'] })).model).toBe('cheap');
    await choose({}, { models: ['absent', 'auto'] });
    expect((await ask({ models: ['auto'] })).model).toBe('cheap');
  });

  it('name no model of chats for what is none', async () => {
    await serving({ model: 'chats', price: 1 });
    const provider = await market.provider({ model: 'vectors', price: 500, features: ['embeddings'] });
    provider.onRequest = ({ requestId }) => {
      const fields = { embeddings: [{ index: 0, embedding: 'AAAAPw==' }] };
      market.providers.delta(provider.actor, { requestId, index: 0, delta: { fields, text: '', bytes: 40 } });
      market.result(provider, requestId);
    };
    const needs = [{ kind: 'feature' as const, name: 'embeddings' as const, param: 'model' }];
    const task = { api: 'embeddings' as const, choices: 1, needs };
    const order = market.order({ models: ['auto'], task });
    for (const models of [['chats'], ['chats', 'vectors'], ['chats', 'auto']]) {
      await choose({}, { models });
      const answer = await market.requests.createRequest(alice, order);
      await eventsOf(answer);
      expect(answer.model).toBe('vectors');
    }
  });

  it('leave an API key no model that it is not for', async () => {
    await serving({ model: 'cheap', price: 1 });
    await serving({ model: 'dear', price: 500 });
    await choose({}, { models: ['dear'] });
    const key = await withApiKey(db.database, alice, { operations: ['*'], models: ['cheap'] });
    await expect(market.settings.setSettings(key, NO_SETTINGS)).rejects.toMatchObject({ kind: 'forbidden' });
    expect((await ask({ models: ['auto'] }, alice)).model).toBe('dear');
    expect(await outcomeOf(ask({ models: ['dear'] }, key))).toBe('api_key_scope');
    expect((await ask({ models: ['auto'] }, key)).model).toBe('cheap');
  });

  it('say by whom, where the request says nothing of it', async () => {
    const [one, other] = [await serving({ price: 10 }), await serving({ price: 10 })];
    await choose({ only: [other], sort: 'price' });
    for (let time = 0; time < 4; time++) expect((await ask()).providerId).toBe(other);
    expect((await ask(by({ only: [one] }))).providerId).toBe(one);
    expect((await ask(by({ sort: 'latency' }))).providerId).toBe(other);
  });

  it('limit price and cost, which a request may lower and not raise', async () => {
    await serving({ price: 1_000 });
    await choose({ promptPriceMax: cents(999) });
    expect(await outcomeOf(ask())).toBe('no_provider_allowed');
    expect(await outcomeOf(ask(by({ promptPriceMax: cents(5_000) })))).toBe('no_provider_allowed');
    await choose({ promptPriceMax: cents(1_000) }, { costMicrocentsMax: cents(59) });
    expect(await outcomeOf(ask())).toBe('maximum_cost_exceeded');
    expect(await outcomeOf(ask({ costMicrocentsMax: cents(100) }))).toBe('maximum_cost_exceeded');
    await choose({}, { costMicrocentsMax: cents(60) });
    expect(await outcomeOf(ask())).toBe('served');
    expect(await outcomeOf(ask({ costMicrocentsMax: cents(59) }))).toBe('maximum_cost_exceeded');
  });

  it('leave the guard against prices far from the market in force', async () => {
    market = createMarket(db, { priceGuard: 5 });
    alice = await market.customer(100_000);
    for (let count = 0; count < 3; count++) await serving({ price: 10 });
    const gouger = await serving({ price: 500 });
    await choose({ promptPriceMax: cents(1_000), order: [gouger] });
    for (let time = 0; time < 8; time++) expect((await ask()).providerId).not.toBe(gouger);
    expect((await ask(by({ only: [gouger] }))).providerId).toBe(gouger);
  });

  it('may change between a request under a key and its repetition', async () => {
    await serving({ price: 1_000 });
    const idempotencyKey = crypto.randomUUID();
    const first = await ask({ idempotencyKey });
    await choose({ sort: 'price' }, { costMicrocentsMax: cents(1) });
    const again = await ask({ idempotencyKey });
    expect([again.isReplay, again.transactionId]).toEqual([true, first.transactionId]);
  });

  it('set in another process count after a few seconds', async () => {
    await serving({ price: 1_000 });
    expect(await outcomeOf(ask())).toBe('served');
    const elsewhere = createMarket(db).settings;
    await elsewhere.setSettings(alice, { ...NO_SETTINGS, costMicrocentsMax: 0n });
    expect(await outcomeOf(ask())).toBe('served');
    market.clock.advance(5_000);
    expect(await outcomeOf(ask())).toBe('maximum_cost_exceeded');
  });
});

const outcomeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => 'served',
    (error: { code?: string }) => error.code,
  );
