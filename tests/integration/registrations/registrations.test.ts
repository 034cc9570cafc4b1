import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TENANT_REGISTRATIONS_MAX } from '../../../server/domains/registrations/limits.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { asId, type DeviceId } from '../../../server/kernel/ids.ts';
import { addColleague, newOwner } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { cents, eventsOf, until } from '../../support/market.ts';
import { createRegisteredMarket, SOLD } from '../../support/registered-market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createRegisteredMarket>;
let alice: AccountActor;
beforeEach(async () => {
  market = createRegisteredMarket(db);
  alice = await market.customer(1_000);
});

const create = (changes = {}, actor = alice) => market.requests.createRequest(actor, market.order(changes));
const priceOf = async (id: string) =>
  (await market.providers.getProvider(alice, id)).models[0]?.prices.prompt ?? null;

describe('a program that connects without a registration', () => {
  it('is registered with what it announces, under one id for good, and its owner sees it', async () => {
    const provider = await market.device();
    await market.announce(provider, '12');
    const mine = await market.registrations.get(provider.owner, provider.actor.deviceId);
    expect(mine).toMatchObject({ origin: 'device', state: 'approved', isConnected: true, withheld: null });
    expect(mine.terms.models).toMatchObject([{ name: 'm', prices: { prompt: cents(12) } }]);
    expect(mine.decisions).toMatchObject([{ outcome: 'approved', rule: 'valid', decidedBy: null }]);
    expect(mine.providerId).not.toBe(provider.actor.deviceId);
    await market.announce(provider, '13');
    expect(await priceOf(mine.providerId)).toBe(cents(13));
    const again = await market.registrations.get(provider.owner, mine.providerId);
    expect(again.terms.models[0]?.prices.prompt).toBe(cents(13));
    expect(again.decisions).toHaveLength(1);
  });
});

describe('a registration', () => {
  it('made before its program connects binds what that announces', async () => {
    const provider = await market.device();
    const { providerId } = await market.registrations.register(
      provider.owner,
      provider.actor.deviceId,
      { ...SOLD, slots: 3, dataPolicy: { retentionDays: 0, trainsOnData: false, note: null } },
      true,
    );
    await market.announce(provider, '1000', ['m', 'unregistered']);
    const listed = await market.providers.getProvider(alice, providerId);
    expect(listed.dataPolicy).toEqual({ retentionDays: 0, trainsOnData: false, note: null });
    expect(listed).toMatchObject({ slots: 3, models: [{ name: 'm', prices: { prompt: cents(25) } }] });
  });

  it('whose price is changed in the middle of a request leaves that request its price', async () => {
    const provider = await market.device();
    await market.registrations.register(provider.owner, provider.actor.deviceId, SOLD, true);
    await market.announce(provider);
    const request = create({ completionTokensMax: 20 });
    const { requestId } = await until(() => provider.requests[0]);
    const dearer = { ...SOLD, models: [{ name: 'm', prices: '900', contextTokensMax: null }] };
    const changed = await market.registrations.update(provider.owner, provider.actor.deviceId, dearer, true);
    expect(await priceOf(changed.providerId)).toBe(cents(900));
    market.answer(provider, { requestId }, ['Hello', ' world']);
    // 12 tokens at 25 cents for 1000.
    expect((await eventsOf(await request)).at(-1)).toMatchObject({ costMicrocents: cents(0.3) });
  });

  it('whose owner could not be paid for a while sells again when that is confirmed', async () => {
    let canBePaid = true;
    market = createRegisteredMarket(db, 'rule', { canBePaid: () => canBePaid });
    const provider = await market.device();
    const { actor, owner } = provider;
    await market.registrations.register(owner, actor.deviceId, SOLD, true);
    await market.announce(provider);
    const withheld = async () => (await market.registrations.get(owner, actor.deviceId)).withheld;
    canBePaid = false;
    market.providers.payoutMethodLost(owner.tenantId);
    expect(await withheld()).toBe('payout_method_missing');
    canBePaid = true;
    await market.providers.payoutMethodConfirmed(owner.tenantId);
    expect(await withheld()).toBeNull();
  });

  it('that is paused gets no requests, finishes those it has, and sells again when it is resumed', async () => {
    const provider = await market.device();
    await market.registrations.register(provider.owner, provider.actor.deviceId, SOLD, true);
    await market.announce(provider);
    const running = create();
    const { requestId } = await until(() => provider.requests[0]);
    const paused = await market.registrations.setActive(provider.owner, provider.actor.deviceId, false);
    expect(paused).toMatchObject({ isActive: false, withheld: 'paused_by_owner' });
    await expect(create()).rejects.toMatchObject({ code: 'model_not_found' });
    market.answer(provider, { requestId }, ['Hello']);
    expect((await eventsOf(await running)).at(-1)).toMatchObject({ kind: 'end' });
    await market.registrations.setActive(provider.owner, provider.actor.deviceId, true);
    provider.onRequest = (order) => market.answer(provider, order, ['Hello']);
    expect((await eventsOf(await create())).at(-1)).toMatchObject({ kind: 'end' });
  });

  it('that is taken away ends the sale for good: running work is paid, and the program may not come back by itself', async () => {
    const provider = await market.device();
    const { deviceId } = provider.actor;
    const { providerId } = await market.registrations.register(provider.owner, deviceId, SOLD, true);
    await market.announce(provider);
    const running = create();
    const { requestId } = await until(() => provider.requests[0]);
    await market.registrations.unregister(provider.owner, providerId);
    market.answer(provider, { requestId }, ['Hello', ' world']);
    expect((await eventsOf(await running)).at(-1)).toMatchObject({ kind: 'end' });
    expect((await market.balance(provider.owner)).available).toBeGreaterThan(0);
    await expect(market.registrations.get(provider.owner, deviceId)).rejects.toMatchObject({
      code: 'provider_not_found',
    });
    await expect(market.announce(provider)).rejects.toMatchObject({ code: 'provider_unregistered' });
    const back = await market.registrations.register(provider.owner, deviceId, SOLD, true);
    expect(back.providerId).toBe(providerId);
    await market.announce(provider);
    expect(await priceOf(providerId)).toBe(cents(25));
  });

  it('is made once for a device, and takes the place of what its program announced', async () => {
    const provider = await market.device();
    const { deviceId } = provider.actor;
    await market.announce(provider, '7');
    const mine = await market.registrations.register(provider.owner, deviceId, SOLD, true);
    expect(mine).toMatchObject({ origin: 'owner', isConnected: true, withheld: null });
    expect(await priceOf(mine.providerId)).toBe(cents(25));
    await expect(market.registrations.register(provider.owner, deviceId, SOLD, true)).rejects.toMatchObject({
      code: 'provider_already_registered',
    });
  });

  it('names a model that its program does not have, and is told so', async () => {
    const provider = await market.device();
    await market.registrations.register(provider.owner, provider.actor.deviceId, SOLD, true);
    await expect(market.announce(provider, '25', ['other'])).rejects.toMatchObject({
      code: 'registered_models_missing',
    });
    expect(await market.registrations.explain(provider.owner, provider.actor.deviceId)).toMatchObject({
      withheld: 'models_not_announced',
    });
  });

  it('is open by its hours: it comes on the market and leaves it when they say', async () => {
    const provider = await market.device();
    market.clock.advance(Date.UTC(2036, 0, 15, 3) - market.clock.nowMs());
    const hours = {
      timeZone: 'Europe/Berlin',
      weekly: [
        { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const, from: '08:00', to: '20:00' },
      ],
    };
    const registered = await market.registrations.register(
      provider.owner,
      provider.actor.deviceId,
      { ...SOLD, hours },
      true,
    );
    expect(registered.nextChangeMs).toBe(Date.UTC(2036, 0, 15, 7));
    await market.announce(provider);
    await expect(create()).rejects.toMatchObject({ code: 'model_not_found' });
    market.clock.advance(4 * 3_600_000);
    await market.providers.reviewOffers();
    expect(await priceOf(registered.providerId)).toBe(cents(25));
    market.clock.advance(12 * 3_600_000);
    await market.providers.reviewOffers();
    await expect(priceOf(registered.providerId)).rejects.toMatchObject({ code: 'provider_not_found' });
    const why = await market.registrations.explain(provider.owner, registered.providerId);
    expect(why).toMatchObject({ withheld: 'outside_hours', quality: null, models: [] });
  });

  it('for its own tenant alone serves that, is seen by nobody else, and needs no way to be paid', async () => {
    market = createRegisteredMarket(db, 'rule', { canBePaid: () => false });
    const provider = await market.device();
    provider.onRequest = (order) => market.answer(provider, order, ['Hello']);
    const own = { ...SOLD, sharing: 'own_tenant' as const };
    const { providerId } = await market.registrations.register(
      provider.owner,
      provider.actor.deviceId,
      own,
      true,
    );
    await market.announce(provider);
    await expect(create()).rejects.toMatchObject({ code: 'model_not_found' });
    expect((await market.listed(alice)).map(({ id }) => id)).not.toContain(providerId);
    expect(await market.providers.findModel(alice, 'm')).toBeNull();
    await expect(priceOf(providerId)).rejects.toMatchObject({ code: 'provider_not_found' });
    expect((await market.listed(provider.owner)).map(({ id }) => id)).toEqual([providerId]);
    const answer = await create({}, provider.owner);
    expect((await eventsOf(answer)).at(-1)).toMatchObject({ kind: 'end', costMicrocents: 0n });
    const open = market.registrations.update(provider.owner, providerId, SOLD, true);
    expect(await open).toMatchObject({ withheld: 'payout_method_missing' });
  });

  it('does not sway the price that others are judged by while it is for its own tenant alone', async () => {
    market = createRegisteredMarket(db, 'rule', { priceGuard: 5 });
    const honest = await market.device();
    await market.announce(honest, '100');
    honest.onRequest = (order) => market.answer(honest, order, ['Hello']);
    for (let count = 0; count < 2; count++) {
      const cheap = await market.device();
      const own = { ...SOLD, models: [{ name: 'm', prices: '0.01', contextTokensMax: null }] };
      const terms = { ...own, sharing: 'own_tenant' as const };
      await market.registrations.register(cheap.owner, cheap.actor.deviceId, terms, true);
      await market.announce(cheap);
    }
    expect((await eventsOf(await create())).at(-1)).toMatchObject({ kind: 'end' });
  });

  it('stays away while its quality is below its owner’s own limit, and may show itself again later', async () => {
    const provider = await market.device();
    const picky = { ...SOLD, qualityMin: 0.79 };
    const { providerId } = await market.registrations.register(
      provider.owner,
      provider.actor.deviceId,
      picky,
      true,
    );
    await market.announce(provider);
    market.clock.advance(1);
    const request = create();
    const { requestId } = await until(() => provider.requests[0]);
    expect(() => market.text(provider, requestId, 5, 'x')).toThrow();
    await expect(request).rejects.toMatchObject({ code: 'provider_answer_malformed' });
    await market.providers.reviewOffers();
    expect(market.providers.saleOf(provider.actor.deviceId).withheld).toBe('quality_below_own_limit');
    market.clock.advance(599_000);
    await market.providers.reviewOffers();
    expect(market.providers.saleOf(provider.actor.deviceId).withheld).toBe('quality_below_own_limit');
    market.clock.advance(2_000);
    await market.providers.reviewOffers();
    expect(await priceOf(providerId)).toBe(cents(25));
  });

  it('is another tenant’s: nobody else reads, changes, pauses, tests or removes it', async () => {
    const provider = await market.device();
    const { deviceId } = provider.actor;
    const { providerId } = await market.registrations.register(provider.owner, deviceId, SOLD, true);
    await market.announce(provider);
    for (const id of [providerId, deviceId, '00000000-0000-4000-8000-00000000dead', 'no id']) {
      const refused = { code: 'provider_not_found' };
      await expect(market.registrations.get(alice, id)).rejects.toMatchObject(refused);
      await expect(market.registrations.update(alice, id, SOLD, false)).rejects.toMatchObject(refused);
      await expect(market.registrations.setActive(alice, id, false)).rejects.toMatchObject(refused);
      await expect(market.registrations.unregister(alice, id)).rejects.toMatchObject(refused);
      await expect(market.registrations.test(alice, id, null)).rejects.toMatchObject(refused);
      await expect(market.registrations.explain(alice, id)).rejects.toMatchObject(refused);
      expect(await market.registrations.find(alice, id)).toBeNull();
    }
    await expect(market.registrations.register(alice, deviceId, SOLD, true)).rejects.toMatchObject({
      code: 'device_not_found',
    });
    expect((await market.registrations.list(alice, null, 10)).items).toEqual([]);
    const colleague = await addColleague(db.database, provider.owner);
    expect((await market.registrations.list(colleague, null, 10)).items).toMatchObject([{ providerId }]);
    expect(await market.registrations.get(provider.owner, providerId)).toMatchObject({ isActive: true });
  });
});

describe('a decision', () => {
  const operator = newOwner(true);

  it('by hand keeps a provider waiting until an operator approves it; its owner reads why', async () => {
    market = createRegisteredMarket(db, 'hand');
    const provider = await market.device();
    const { providerId } = await market.registrations.register(
      provider.owner,
      provider.actor.deviceId,
      SOLD,
      true,
    );
    await market.announce(provider);
    await expect(create()).rejects.toMatchObject({ code: 'model_not_found' });
    const waiting = await market.registrations.listInState(operator, 'waiting', null, 200);
    expect(waiting.items.map((one) => one.providerId)).toContain(providerId);
    await market.registrations.decide(operator, providerId, 'approved', 'Looks good');
    expect(await priceOf(providerId)).toBe(cents(25));
    const mine = await market.registrations.get(provider.owner, providerId);
    expect(mine.decisions.map(({ outcome, rule, reason }) => [outcome, rule, reason])).toEqual([
      ['approved', 'operator', 'Looks good'],
      ['waiting', 'by_hand', 'An operator decides about every registration here.'],
    ]);
    const more = [...SOLD.models, { name: 'n', prices: '1', contextTokensMax: null }];
    await market.registrations.update(provider.owner, providerId, { ...SOLD, models: more }, true);
    await expect(create()).rejects.toMatchObject({ code: 'model_not_found' });
  });

  it('to refuse takes a provider from the market, tells its program, and is not undone by its owner', async () => {
    const provider = await market.device();
    await market.announce(provider);
    const { providerId } = await market.registrations.get(provider.owner, provider.actor.deviceId);
    await market.registrations.decide(operator, providerId, 'refused', 'It resells a model');
    await expect(create()).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(market.announce(provider)).rejects.toMatchObject({ code: 'registration_refused' });
    const changed = await market.registrations.update(provider.owner, providerId, SOLD, true);
    expect(changed).toMatchObject({ state: 'waiting', withheld: 'waiting_for_approval' });
    await market.registrations.unregister(provider.owner, providerId);
    const again = await market.registrations.register(provider.owner, provider.actor.deviceId, SOLD, true);
    expect(again).toMatchObject({ state: 'waiting' });
  });

  it('is an operator’s alone', async () => {
    const provider = await market.device();
    await market.announce(provider);
    const { providerId } = await market.registrations.get(provider.owner, provider.actor.deviceId);
    const decide = market.registrations.decide(provider.owner, providerId, 'approved', 'Mine');
    await expect(decide).rejects.toMatchObject({ code: 'forbidden' });
    const look = market.registrations.listInState(provider.owner, 'approved', null, 10);
    await expect(look).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('can not be written, nor a registration, by the role of a tenant', async () => {
    const provider = await market.device();
    await market.announce(provider);
    const { tenantId } = provider.owner;
    await expect(
      db.database.tenant(
        provider.owner,
        (sql) => sql`UPDATE marketplace_registrations SET state = 'approved' WHERE tenant_id = ${tenantId}`,
      ),
    ).rejects.toMatchObject({ code: '42501' });
    await expect(
      db.database.tenant(
        provider.owner,
        (sql) => sql`DELETE FROM marketplace_decisions WHERE tenant_id = ${tenantId}`,
      ),
    ).rejects.toMatchObject({ code: '42501' });
  });
});

describe('a test', () => {
  const tested = async () => {
    const provider = await market.device();
    const { providerId } = await market.registrations.register(
      provider.owner,
      provider.actor.deviceId,
      SOLD,
      true,
    );
    await market.announce(provider);
    return { provider, providerId };
  };

  it('measures a real request, stands in the registration, costs nobody, and teaches the market nothing', async () => {
    const { provider, providerId } = await tested();
    const before = await market.providers.getProvider(alice, providerId);
    provider.onRequest = ({ requestId }) => {
      market.clock.advance(400);
      market.text(provider, requestId, 0, '1 2');
      market.clock.advance(1_000);
      market.text(provider, requestId, 1, ' 3 4 5');
      market.result(provider, requestId);
    };
    const { lastTest } = await market.registrations.test(provider.owner, providerId, null);
    expect(lastTest).toMatchObject({ model: 'm', firstTokenMs: 400, connectionMs: null, failureCode: null });
    expect(lastTest?.tokensPerSecond).toBeGreaterThan(1);
    expect((await market.registrations.get(provider.owner, providerId)).lastTest).toEqual(lastTest);
    expect(JSON.parse(new TextDecoder().decode(provider.requests[0]?.body))).toMatchObject({ model: 'm' });
    expect(await market.balance(provider.owner)).toEqual({ available: 0, held: 0 });
    expect(await market.providers.getProvider(alice, providerId)).toEqual(before);
    expect(await market.registrations.explain(provider.owner, providerId)).toMatchObject({
      successRate: 1,
      models: [{ latencyMs: null, answers: 0 }],
    });
    await expect(market.registrations.test(provider.owner, providerId, null)).rejects.toMatchObject({
      code: 'rate_limited',
    });
    market.clock.advance(-3_600_000);
    provider.onRequest = (order) => market.answer(provider, order, ['1 2 3']);
    expect((await market.registrations.test(provider.owner, providerId, null)).lastTest?.atMs).toBeLessThan(
      lastTest?.atMs ?? 0,
    );
  });

  it('that fails says how, and puts nobody aside', async () => {
    const { provider, providerId } = await tested();
    provider.onRequest = ({ requestId }) => market.fail(provider, requestId);
    const { lastTest } = await market.registrations.test(provider.owner, providerId, 'm');
    expect(lastTest).toMatchObject({ failureCode: 'provider_failed', firstTokenMs: null });
    expect(await market.registrations.explain(provider.owner, providerId)).toMatchObject({ successRate: 1 });
  });

  it('is made by itself once a registered provider has come on the market', async () => {
    const { provider, providerId } = await tested();
    provider.onRequest = (order) => market.answer(provider, order, ['1 2 3']);
    await market.registrations.testNew();
    await until(async () => (await market.registrations.get(provider.owner, providerId)).lastTest);
    await market.registrations.testNew();
    expect(provider.requests).toHaveLength(1);
  });

  it('needs a program that is connected', async () => {
    const provider = await market.device();
    const { providerId } = await market.registrations.register(
      provider.owner,
      provider.actor.deviceId,
      SOLD,
      true,
    );
    await expect(market.registrations.test(provider.owner, providerId, null)).rejects.toMatchObject({
      code: 'provider_not_serving',
    });
  });
});

describe('the limit of registrations of a tenant', () => {
  it('counts those that are there, also when several are added at once and when one comes back', async () => {
    const { owner } = await market.device();
    const [gone = '', ...devices] = await addDevices(owner, TENANT_REGISTRATIONS_MAX + 8);
    const registered = devices.splice(0, TENANT_REGISTRATIONS_MAX - 1);
    await db.database.system('money', async (sql) => {
      await sql`
        INSERT INTO marketplace_registrations (provider_id, tenant_id, device_id, origin, terms, is_active, state, created_at,
          changed_at, removed_at)
        SELECT id, ${owner.tenantId}, id, 'owner', '{"models": [], "slots": 1}', true, 'approved', now(), now(),
          CASE WHEN id = ${gone} THEN now() END
        FROM unnest(${[gone, ...registered]}::uuid[]) AS id`;
    });
    const register = (id: string) =>
      market.registrations.register(owner, asId<DeviceId>(id), SOLD, true).then(
        () => 'registered',
        (error: { code?: string }) => error.code,
      );
    const outcomes = await Promise.all(devices.map(register));
    expect(outcomes.filter((outcome) => outcome === 'registered')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'limit_reached')).toHaveLength(7);
    expect(await register(gone)).toBe('limit_reached');
    await market.registrations.unregister(owner, registered[0] ?? '');
    expect(await register(gone)).toBe('registered');
  });

  async function addDevices(owner: AccountActor, count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => crypto.randomUUID());
    await db.database.tenant(
      owner,
      (sql) => sql`
        INSERT INTO devices (id, tenant_id, name, world_type, token_id, token_hash, signing_key_sealed)
        SELECT id, ${owner.tenantId}, id::text, 'midgard', id, sha256(convert_to(id::text, 'UTF8')), '\\x00'
        FROM unnest(${ids}::uuid[]) AS id`,
    );
    return ids;
  }
});
