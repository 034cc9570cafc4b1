import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createPairingService,
  createPairingStore,
  PermissionBook,
} from '../../../server/domains/pairings/index.ts';
import { OPEN_ASKS_MAX } from '../../../server/domains/pairings/limits.ts';
import type { Ask, Decision } from '../../../server/domains/pairings/types.ts';
import type { AccountActor, DeviceActor } from '../../../server/kernel/actor.ts';
import { asId, type DeviceId, type NetworkId } from '../../../server/kernel/ids.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { addOwner, newOwner, TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { silentLogger } from '../../support/logger.ts';

const random = createSystemRandom();
let testDatabase: TestDatabase;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterAll(() => testDatabase.close());

let world: Awaited<ReturnType<typeof createHome>>;
beforeEach(async () => {
  world = await createHome();
});

/** A device of the owner, in the network. */
async function addDevice({ tenantId, ...owner }: AccountActor, networkId: NetworkId): Promise<DeviceActor> {
  const deviceId = asId<DeviceId>(random.uuid());
  await testDatabase.database.tenant({ ...owner, tenantId }, async (sql) => {
    await sql`
      INSERT INTO devices (id, tenant_id, name, world_type, token_id, token_hash, signing_key_sealed)
      VALUES (${deviceId}, ${tenantId}, ${deviceId}, 'jotunheim', ${deviceId},
        ${Buffer.from(deviceId.replaceAll('-', '').repeat(2), 'hex')}, ${Buffer.alloc(1)})`;
    await sql`
      INSERT INTO network_members (tenant_id, network_id, device_tenant_id, device_id)
      VALUES (${tenantId}, ${networkId}, ${tenantId}, ${deviceId})`;
  });
  return { kind: 'device', tenantId, deviceId, credentialId: TEST_CREDENTIAL_ID } as DeviceActor;
}

/** A network under an open rule, and what asks and decides in it. */
async function createHome() {
  const { database } = testDatabase;
  const owner = newOwner();
  const networkId = asId<NetworkId>(random.uuid());
  await addOwner(database, owner);
  await database.tenant(
    owner,
    (sql) => sql`INSERT INTO networks (id, tenant_id, name) VALUES (${networkId}, ${owner.tenantId}, 'Home')`,
  );
  const clock = new FakeClock();
  const inDatabase = createPairingStore(database);
  const looked = { count: 0 };
  const store: typeof inDatabase = {
    ...inDatabase,
    expire(nowMs, limit) {
      looked.count++;
      return inDatabase.expire(nowMs, limit);
    },
  };
  const book = new PermissionBook(store, clock);
  const service = createPairingService(book, {
    store,
    devices: { getDevice: async () => ({ guest: false, networkIds: [networkId] }) as never },
    networks: { getNetwork: async () => ({}) as never },
    identities: { identify: async () => null },
    outlet: { ask: () => {}, tell: () => {} },
    presence: { heardAtMs: () => null, roundTripMs: () => null, direct: () => null },
    asks: { countAndCheck: () => null },
    disturbances: { countAndCheck: () => null },
    clock,
    random,
    logger: silentLogger,
  });
  const rules = await book.load(networkId);
  const newDevice = () => addDevice(owner, networkId);
  const ask = (source: DeviceActor, target: DeviceActor, changes: Partial<Ask> = {}) =>
    service.ask(source, {
      networkId,
      sourceId: source.deviceId,
      targetId: target.deviceId,
      operations: null,
      reason: '',
      waitMs: 60_000,
      ...changes,
    });
  const allow = (target: DeviceActor, id: string, changes: Partial<Decision> = {}) =>
    service.decide(target, id, {
      allow: true,
      reason: '',
      operations: null,
      untilMs: null,
      once: false,
      ...changes,
    });
  const [a, b] = [await newDevice(), await newDevice()];
  return { owner, networkId, clock, store, service, rules, looked, newDevice, ask, allow, a, b };
}

describe('a question that the database refuses', () => {
  it('leaves everybody else of the network connected', async () => {
    const { ask, a, b, rules } = world;
    await expect(ask(a, b, { reason: '\0' })).rejects.toThrow();
    expect(rules.isUnknown).toBe(false);
  });
});

describe('under an open rule', () => {
  it.each<[string, Partial<Decision>]>([
    ['used up', { once: true }],
    ['over', { untilMs: new FakeClock().nowMs() + 100 }],
    ['withdrawn by who asks', { operations: ['led.set'] }],
  ])('who asks again gets no more than the other side allowed: %s', async (_, permission) => {
    const { ask, allow, a, b, clock, rules, store, service } = world;
    const { id } = await ask(a, b);
    await allow(b, id, permission);
    if (permission.once) await store.use(id, random.uuid());
    clock.advance(200);
    if (permission.operations) await service.end(a, id, '');
    expect((await ask(a, b)).state).toBe('asked');
    expect(rules.isConnected(a.deviceId, b.deviceId)).toBe(false);
  });
});

describe('a user who asks for two devices of its own', () => {
  it('answers what one of them has asked already', async () => {
    const { ask, a, b, owner, networkId, service } = world;
    await ask(a, b);
    const { id } = await ask(a, b);
    await service.end(b, id, '');
    const { id: open } = await ask(a, b);
    const asked = { networkId, sourceId: a.deviceId, targetId: b.deviceId, operations: null, reason: '' };
    const decided = await service.ask(owner, { ...asked, waitMs: 1_000 });
    expect(decided).toMatchObject({ id: open, state: 'allowed', decidedBy: 'owner' });
  });
});

describe('a permission for one frame', () => {
  it('is still that of the frame that used it when the database could not say so', async () => {
    const { ask, allow, a, b, store } = world;
    const { id } = await ask(a, b);
    await allow(b, id, { once: true });
    const [frame, other] = [random.uuid(), random.uuid()];
    expect([await store.use(id, frame), await store.use(id, frame)]).toEqual([true, true]);
    expect(await store.use(id, other)).toBe(false);
  });
});

describe('many who ask at the same time', () => {
  it('get no more questions through than may be open for one device', async () => {
    const { ask, b, newDevice, service, owner, networkId } = world;
    await service.setAsking(owner, b.deviceId, true);
    const sources = await Promise.all(Array.from({ length: OPEN_ASKS_MAX + 3 }, newDevice));
    const outcomes = await Promise.allSettled(sources.map((source) => ask(source, b)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(OPEN_ASKS_MAX);
    const filter = { networkId, deviceId: b.deviceId, state: null };
    expect((await service.list(owner, filter, null, 100)).items).toHaveLength(OPEN_ASKS_MAX);
  });
});

describe('the job', () => {
  it('asks the database when a question may be over, and once a minute', async () => {
    const { ask, a, b, clock, service, looked, owner } = world;
    await service.setAsking(owner, b.deviceId, true);
    await service.expire();
    for (let second = 0; second < 30; second++) {
      clock.advance(1_000);
      await service.expire();
    }
    expect(looked.count).toBe(1);
    const { id } = await ask(a, b, { waitMs: 2_500 });
    for (let second = 0; second < 3; second++) {
      clock.advance(1_000);
      await service.expire();
    }
    expect(looked.count).toBe(2);
    expect((await service.get(owner, id)).state).toBe('timed_out');
  });

  it('forgets what is over for an hour, in memory too, and it can be asked anew', async () => {
    const { ask, allow, a, b, clock, service, rules, owner } = world;
    await service.setAsking(owner, b.deviceId, true);
    const { id, revision } = await ask(a, b, { waitMs: 1 });
    clock.advance(1_000);
    await service.expire();
    clock.advance(3_700_000);
    await service.expire();
    expect(rules.find(a.deviceId, b.deviceId)).toBeUndefined();
    await expect(service.get(owner, id)).rejects.toMatchObject({ code: 'connection_not_found' });
    const anew = await ask(a, b);
    expect(anew.revision).toBeGreaterThan(revision);
    await allow(b, anew.id);
    expect(rules.isConnected(a.deviceId, b.deviceId)).toBe(true);
  });
});
