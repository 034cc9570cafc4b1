import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createPairingService,
  createPairingStore,
  PermissionBook,
} from '../../../server/domains/pairings/index.ts';
import { OPEN_ASKS_MAX } from '../../../server/domains/pairings/limits.ts';
import type { Ask, Decision } from '../../../server/domains/pairings/types.ts';
import type { DeviceActor } from '../../../server/kernel/actor.ts';
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
  const store = createPairingStore(database);
  const book = new PermissionBook(store, clock);
  const service = createPairingService(book, {
    store,
    devices: { getDevice: async () => ({ guest: false, networkIds: [networkId] }) as never },
    networks: { getNetwork: async () => ({}) as never },
    identities: { identify: async () => null },
    outlet: { ask: () => {}, tell: () => {} },
    presence: { heardAtMs: () => null, roundTripMs: () => null },
    asks: { countAndCheck: () => null },
    disturbances: { countAndCheck: () => null },
    clock,
    random,
    logger: silentLogger,
  });
  const rules = await book.load(networkId);

  async function newDevice(): Promise<DeviceActor> {
    const deviceId = asId<DeviceId>(random.uuid());
    const { tenantId } = owner;
    await database.tenant(owner, async (sql) => {
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
  return { owner, networkId, clock, store, service, rules, newDevice, ask, allow, a, b };
}

describe('a question that the database refuses', () => {
  it('leaves everybody else of the network connected', async () => {
    const { ask, a, b, rules } = world;
    await expect(ask(a, b, { reason: '\0' })).rejects.toThrow();
    expect(rules.isUnknown).toBe(false);
  });
});
