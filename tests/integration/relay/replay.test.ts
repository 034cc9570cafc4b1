import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Delivery, FrameType, REPLAY_WINDOW_NONCES } from '../../../proto/index.ts';
import { createMembershipStore } from '../../../server/domains/devices/index.ts';
import { createGroupStore } from '../../../server/domains/groups/index.ts';
import { createRelayStore } from '../../../server/domains/relay/index.ts';
import type { NodeLease } from '../../../server/kernel/lease.ts';
import { serverFor } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createMessagingWorld, frameOf } from '../../support/device-channels.ts';
import { uuid } from '../../support/frames.ts';
import { testLease } from '../../support/lease.ts';
import { testMembership, testNetworkId } from '../../support/relay-peer.ts';
import { NO_QUOTAS } from '../../support/relay-store.ts';

let testDatabase: TestDatabase;
const { networkTenantId: tenantId } = testMembership;
let devices = 30;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  await testDatabase.database.system('identity', (sql) => sql`INSERT INTO tenants (id) VALUES (${tenantId})`);
  await testDatabase.database.tenant(
    serverFor(tenantId),
    (sql) => sql`INSERT INTO networks (id, tenant_id, name) VALUES (${testNetworkId}, ${tenantId}, 'Home')`,
  );
});
afterAll(() => testDatabase.close());

/** The number of a new device of the network. */
async function newDevice(): Promise<number> {
  const device = ++devices;
  await testDatabase.database.tenant(serverFor(tenantId), async (sql) => {
    await sql`
      INSERT INTO devices (id, tenant_id, name, world_type, token_id, token_hash, signing_key_sealed)
      VALUES (${uuid(device)}, ${tenantId}, 'A', 'jotunheim', ${uuid(device)}, ${Buffer.alloc(32, device)}, ${Buffer.alloc(1)})`;
    await sql`
      INSERT INTO network_members (tenant_id, network_id, device_tenant_id, device_id)
      VALUES (${tenantId}, ${testNetworkId}, ${tenantId}, ${uuid(device)})`;
  });
  return device;
}

/** A node on the database. Nothing is left of it but what it wrote: the next one begins where a crash would leave it. */
const startNode = (lease: NodeLease = testLease) =>
  createMessagingWorld(
    createRelayStore(testDatabase.database, NO_QUOTAS, {
      lease,
      memberships: createMembershipStore(testDatabase.database),
      groups: createGroupStore(testDatabase.database),
    }),
  );

const storedOf = (device: number) =>
  testDatabase.database.system('relay', async (sql) => {
    const rows = await sql<{ frame_id: string }[]>`
      SELECT frame_id FROM relay_frames WHERE source_id = ${uuid(device)} ORDER BY stream_offset`;
    return rows.map((row) => row.frame_id);
  });
const idOf = (device: number, nonce: number) => uuid(100_000 * device + nonce);
const replays = (device: { received: readonly { header: { type: number } }[] }) =>
  device.received.filter(({ header }) => header.type === FrameType.ERROR).length;

describe('the replay window of a device', () => {
  it('is what it was right after a crash: what is kept is acknowledged, what is not is taken, what is old is refused', async () => {
    const device = await newDevice();
    const before = await startNode().connect('MQTT', device);
    for (const nonce of [5_000, 5_001, 5_003]) expect(await before.send(frameOf(device, nonce))).toBe(true);
    const after = await startNode().connect('MQTT', device);
    for (const nonce of [5_001, 5_002, 5_003]) expect(await after.send(frameOf(device, nonce))).toBe(true);
    const other = frameOf(device, 5_003, { id: uuid(77) });
    const old = frameOf(device, 5_003 - REPLAY_WINDOW_NONCES);
    for (const bytes of [other, old]) expect(await after.send(bytes)).toBe(false);
    expect(await storedOf(device)).toEqual([5_000, 5_001, 5_003, 5_002].map((nonce) => idOf(device, nonce)));
  });

  it('has the TRANSIENT frames that were saved, also beside a STORED one that could not be kept', async () => {
    const device = await newDevice();
    let isLost = false;
    const lease: NodeLease = {
      ...testLease,
      require: async (sql) => {
        if (isLost) throw new Error('the lease is lost');
        await testLease.require(sql);
      },
    };
    const node = startNode(lease);
    const before = await node.connect('MQTT', device);
    await before.send(frameOf(device, 1, { delivery: Delivery.TRANSIENT }));
    isLost = true;
    expect(await before.send(frameOf(device, 2))).toBe(false);
    isLost = false;
    await node.relay.saveProgress();
    const after = await startNode().connect('MQTT', device);
    await after.send(frameOf(device, 1, { delivery: Delivery.TRANSIENT }));
    expect(replays(after)).toBe(1);
    expect(await after.send(frameOf(device, 2))).toBe(true);
    expect(await storedOf(device)).toEqual([idOf(device, 2)]);
  });

  it('goes to the node that takes over: what the first one could not write is taken there, and what it wrote is not twice', async () => {
    const device = await newDevice();
    let hasLease = true;
    const lease: NodeLease = {
      ...testLease,
      require: async (sql) => {
        if (!hasLease) throw new Error('the lease is lost');
        await testLease.require(sql);
      },
    };
    const first = await startNode(lease).connect('MQTT', device);
    expect(await first.send(frameOf(device, 11))).toBe(true);
    hasLease = false;
    expect(await first.send(frameOf(device, 12))).toBe(false);
    const second = await startNode().connect('MQTT', device);
    for (const nonce of [13, 11, 12]) expect(await second.send(frameOf(device, nonce))).toBe(true);
    expect(await storedOf(device)).toEqual([11, 13, 12].map((nonce) => idOf(device, nonce)));
  });

  it('refuses again, after a crash, a frame that was refused for good', async () => {
    const device = await newDevice();
    const forNobody = frameOf(device, 21, { destinationId: uuid(9_999) });
    const before = await startNode().connect('MQTT', device);
    expect(await before.send(forNobody)).toBe(false);
    const after = await startNode().connect('MQTT', device);
    expect(await after.send(forNobody)).toBe(false);
    expect([replays(before), replays(after), await storedOf(device)]).toEqual([1, 1, []]);
  });
});
