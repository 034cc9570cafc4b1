import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NO_PREFERENCES } from '../../../server/domains/requests/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import type { TransactionId } from '../../../server/kernel/ids.ts';
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
  alice = await market.customer(1_000);
});

const create = (changes = {}, actor = alice) => market.requests.createRequest(actor, market.order(changes));

describe('what a provider sends to be paid more', () => {
  it('is not paid: 4,000 characters that nobody sees', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) =>
      market.answer(provider, request, ['Hello', '\u200b'.repeat(4_000)], [10, 4_000]);
    await eventsOf(await create({ completionTokensMax: 500 }));
    expect(await market.lastTransaction(alice)).toMatchObject({ billedTokens: 11 });
  });
});

describe('what an owner asks of its own device', () => {
  it('costs nothing, needs no money, and teaches the market nothing', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' again']);
    const events = await eventsOf(await market.requests.createRequest(provider.owner, market.order()));
    expect(events.at(-1)).toMatchObject({ kind: 'end', costMicrocents: 0n });
    const [offer] = market.providers.offersOf('m');
    const { standing } = offer?.provider ?? {};
    expect(standing?.debtTokens(0)).toBe(0);
    expect(standing?.health.samples).toBe(0);
    expect(standing?.latencyMs('m', 0)).toBeNull();
    await eventsOf(await create());
    expect(standing?.health.samples).toBe(1);
    expect(await market.lastTransaction(alice)).toMatchObject({ costMicrocents: cents(12) });
  });

  it("costs the operator's flat price where there is one, which is the platform's and can't be disputed away", async () => {
    market = createMarket(db, { prices: { ownRequestMicrocents: cents(3) }, earningsReleaseDelayMs: 1_000 });
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' again']);
    const ask = (changes = {}) => market.requests.createRequest(provider.owner, market.order(changes));
    await expect(ask()).rejects.toMatchObject({ code: 'insufficient_balance' });
    await market.topUp(provider.owner, 10);
    await expect(ask({ costMicrocentsMax: cents(2) })).rejects.toMatchObject({
      code: 'maximum_cost_exceeded',
    });
    expect((await eventsOf(await ask())).at(-1)).toMatchObject({ kind: 'end', costMicrocents: cents(3) });
    expect(await market.lastTransaction(provider.owner)).toMatchObject({ costMicrocents: cents(3) });
    expect(await market.balance(provider.owner)).toMatchObject({ available: 7, held: 0 });
    const id = (await market.lastTransaction(provider.owner))?.id as TransactionId;
    await expect(market.disputes.open(provider.owner, id, 'other', 'Mine.')).rejects.toMatchObject({
      code: 'transaction_unpaid',
    });
    // Who fails is paid by nobody, and what others serve has no flat price.
    provider.onRequest = ({ requestId }) => market.fail(provider, requestId);
    await expect(ask()).rejects.toMatchObject({ code: 'provider_failed' });
    expect(await market.balance(provider.owner)).toMatchObject({ available: 7, held: 0 });
    const other = await market.customer(100);
    provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' again']);
    await eventsOf(await market.requests.createRequest(other, market.order()));
    expect(await market.lastTransaction(other)).toMatchObject({ costMicrocents: cents(12) });
  });
});

describe('a provider that asks many times the median price', () => {
  beforeEach(async () => {
    market = createMarket(db, { priceGuard: 5 });
    alice = await market.customer(1_000);
  });

  it('is not asked when others are busy or have failed, but when the request says what it would pay', async () => {
    const [fair, gouger] = [await market.provider({ price: 1 }), await market.provider({ price: 1_000 })];
    fair.onRequest = ({ requestId }) => market.fail(fair, requestId);
    await expect(create()).rejects.toMatchObject({ code: 'provider_failed' });
    expect(gouger.requests).toEqual([]);
    gouger.onRequest = (request) => market.answer(gouger, request, ['Hello']);
    const preferences = { ...NO_PREFERENCES, promptPriceMax: cents(1_000), ignore: [await idOf(fair)] };
    await eventsOf(await create({ preferences }));
    expect(gouger.requests).toHaveLength(1);
  });

  const idOf = async ({ actor }: { actor: { deviceId: string } }) =>
    market.providers.offersOf('m').find(({ provider }) => provider.deviceId === actor.deviceId)?.provider
      .id ?? '';
});

describe('whose requests fail everywhere', () => {
  it('puts no provider aside, however often', async () => {
    const providers = [await market.provider(), await market.provider(), await market.provider()];
    for (const provider of providers) {
      provider.onRequest = ({ requestId }) => market.fail(provider, requestId, { status: 500 });
    }
    for (let count = 0; count < 6; count++)
      await expect(create()).rejects.toMatchObject({ code: 'provider_failed' });
    for (const { provider } of market.providers.offersOf('m')) {
      expect(provider.standing.health.pausedUntilMs).toBeNull();
    }
  });
});

describe('who asks for what no provider can answer, which costs nothing', () => {
  it('gets a receipt, and writes nothing into the log of the provider', async () => {
    const provider = await market.provider();
    provider.onRequest = ({ requestId }) =>
      market.fail(provider, requestId, { fault: 'requester', status: 400 });
    await expect(create()).rejects.toMatchObject({ code: 'request_rejected' });
    const kept = await db.database.system(
      'money',
      (sql) => sql<{ tenant_id: string }[]>`
        SELECT tenant_id FROM audit_receipts WHERE tenant_id IN (${alice.tenantId}, ${provider.owner.tenantId})`,
    );
    expect(kept.map(({ tenant_id: tenantId }) => tenantId)).toEqual([alice.tenantId]);
  });
});

describe('who asks why', () => {
  it('is told who could have had its request, and by what; an owner what keeps work from its device', async () => {
    const [cheap, dear] = [await market.provider({ price: 1 }), await market.provider({ price: 3 })];
    for (const provider of [cheap, dear])
      provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
    const answer = await create();
    const { transactionId } = answer;
    await eventsOf(answer);
    const [choice] = await market.providers.explainRequest(alice, transactionId);
    expect(choice?.candidates).toHaveLength(2);
    expect(choice?.candidates.map(({ price }) => price).sort()).toEqual([0.333, 1]);
    const stranger = await market.customer(0);
    await expect(market.providers.explainRequest(stranger, transactionId)).rejects.toMatchObject({
      code: 'transaction_not_found',
    });
    const own = await market.providers.explainProvider(dear.owner, dear.actor.deviceId);
    expect(own.models[0]).toMatchObject({ name: 'm', reasons: ['dearer_than_most'], medianPriceCents: 1 });
    await expect(market.providers.explainProvider(alice, own.providerId)).rejects.toMatchObject({
      code: 'provider_not_found',
    });
  });
});
