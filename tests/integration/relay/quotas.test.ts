import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMembershipStore } from '../../../server/domains/devices/index.ts';
import { createGroupStore } from '../../../server/domains/groups/index.ts';
import { createRelayStore } from '../../../server/domains/relay/index.ts';
import { STORED_FRAME_BYTES } from '../../../server/domains/relay/limits.ts';
import type { RelayStore } from '../../../server/domains/relay/ports.ts';
import type { FrameToStore, Membership } from '../../../server/domains/relay/types.ts';
import { asId, type DeviceId, type NetworkId, type TenantId } from '../../../server/kernel/ids.ts';
import { serverFor, TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { uuid } from '../../support/frames.ts';
import { testLease } from '../../support/lease.ts';
import { frameToStore } from '../../support/relay-peer.ts';

const NOW = Date.UTC(2026, 0, 2);
const CONTENT_BYTES = 1_000 - STORED_FRAME_BYTES;
/** Four frames of a network, six of a tenant. */
const QUOTAS = { streamBytesMax: 4_000, tenantBytesMax: 6_000 };
let testDatabase: TestDatabase;
let store: RelayStore;
let ids = 0;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  store = createRelayStore(testDatabase.database, QUOTAS, {
    lease: testLease,
    memberships: createMembershipStore(testDatabase.database),
    groups: createGroupStore(testDatabase.database),
  });
});
afterAll(() => testDatabase.close());

let tenantId: TenantId;
let home: Membership;
let sensor: DeviceId;
let reader: DeviceId;
beforeEach(async () => {
  tenantId = await newTenant();
  home = await newNetwork(tenantId);
  sensor = await newDevice(home);
  reader = await newDevice(home);
});

const newId = () => uuid(50_000 + ++ids);

async function newTenant(): Promise<TenantId> {
  const id = asId<TenantId>(newId());
  await testDatabase.database.system('identity', (sql) => sql`INSERT INTO tenants (id) VALUES (${id})`);
  return id;
}

async function newNetwork(owner: TenantId): Promise<Membership> {
  const networkId = asId<NetworkId>(newId());
  await testDatabase.database.tenant(
    serverFor(owner),
    (sql) => sql`INSERT INTO networks (id, tenant_id, name) VALUES (${networkId}, ${owner}, ${networkId})`,
  );
  return { networkId, networkTenantId: owner, joinedAtMs: 0 };
}

async function newDevice({ networkId, networkTenantId }: Membership): Promise<DeviceId> {
  const deviceId = asId<DeviceId>(newId());
  await testDatabase.database.tenant(serverFor(networkTenantId), async (sql) => {
    await sql`
      INSERT INTO devices (id, tenant_id, name, world_type, token_id, token_hash, signing_key_sealed)
      VALUES (${deviceId}, ${networkTenantId}, ${deviceId}, 'jotunheim', ${deviceId},
        ${Buffer.from(deviceId.replaceAll('-', '').repeat(2), 'hex')}, ${Buffer.alloc(1)})`;
    await sql`
      INSERT INTO network_members (tenant_id, network_id, device_tenant_id, device_id)
      VALUES (${networkTenantId}, ${networkId}, ${networkTenantId}, ${deviceId})`;
  });
  await store.beginCursor(networkTenantId, { networkId, deviceId }, () => uuid(99));
  return deviceId;
}

let nonce = 0;
const frame = (membership: Membership, sourceId: DeviceId, changes: Partial<FrameToStore> = {}) => {
  nonce++;
  return frameToStore(nonce, {
    sourceId,
    sourceTenantId: membership.networkTenantId,
    networkId: membership.networkId,
    tenantId: membership.networkTenantId,
    frameId: uuid(900_000 + nonce),
    content: new Uint8Array(CONTENT_BYTES),
    ...changes,
  });
};
const append = async (...frames: FrameToStore[]) =>
  (await store.appendFrames(frames, NOW, () => uuid(99))).map((outcome) =>
    outcome.kind === 'refused' ? outcome.reason : outcome.streamOffset,
  );
const acknowledge = (deviceId: DeviceId, streamOffset: number) =>
  store.saveProgress([{ tenantId, networkId: home.networkId, deviceId, streamOffset }], []);
const stateOf = (deviceId: DeviceId) => store.readState(home, deviceId, () => uuid(99));
/** What is counted beside what is there. */
const counted = () =>
  testDatabase.database.system('relay', async (sql) => {
    const [row] = await sql<{ streams: bigint; tenant: bigint; there: bigint }[]>`
      SELECT coalesce((SELECT sum(stored_bytes) FROM relay_streams WHERE tenant_id = ${tenantId}), 0)::bigint AS streams,
        coalesce((SELECT stored_bytes FROM relay_tenants WHERE tenant_id = ${tenantId}), 0) AS tenant,
        coalesce((SELECT sum(octet_length(content) + ${STORED_FRAME_BYTES}) FROM relay_frames
          WHERE tenant_id = ${tenantId}), 0)::bigint AS there`;
    return [row?.streams, row?.tenant, row?.there].map(Number);
  });

const FULL = 'storage_quota_exceeded';
const four = () => [1, 2, 3, 4].map(() => frame(home, sensor));

describe('what a network may store', () => {
  it('is refused past its bytes, in one transaction or several, and a smaller frame still finds its room', async () => {
    expect(await append(...four(), frame(home, sensor))).toEqual([1, 2, 3, 4, FULL]);
    expect(await append(frame(home, sensor))).toEqual([FULL]);
    expect(await counted()).toEqual([4_000, 4_000, 4_000]);
  });

  it('lets the frame that found no room come again with its nonce, and what is kept be found', async () => {
    const [first, ...others] = four();
    const late = frame(home, sensor);
    await append(first as FrameToStore, ...others);
    expect(await append(late, first as FrameToStore)).toEqual([FULL, 1]);
    const { lastNonce } = await store.findNonces(sensor);
    expect(lastNonce).toBe(others.at(-1)?.nonce);
  });

  it('says nothing to another tenant', async () => {
    const neighbour = await newNetwork(await newTenant());
    const other = await newDevice(neighbour);
    await append(...four());
    expect(await append(frame(home, sensor), frame(neighbour, other))).toEqual([FULL, 1]);
  });

  it('counts for all networks of a tenant', async () => {
    const second = await newNetwork(tenantId);
    const other = await newDevice(second);
    await append(...four());
    expect(await append(...[1, 2, 3].map(() => frame(second, other)))).toEqual([1, 2, FULL]);
    expect(await counted()).toEqual([6_000, 6_000, 6_000]);
  });
});

describe('room', () => {
  it('comes back when frames expire', async () => {
    await append(...four());
    await store.removeOldFrames(NOW + 1, 100);
    expect(await counted()).toEqual([0, 0, 0]);
    expect(await append(frame(home, sensor))).toEqual([5]);
  });

  it('comes back when a stream is shortened', async () => {
    await append(...four());
    expect(await store.removeOldFrames(NOW, 1)).toBe(3);
    expect(await counted()).toEqual([1_000, 1_000, 1_000]);
    expect((await stateOf(reader)).oldest).toBe(4);
    expect(await store.removeOldFrames(NOW, 1)).toBe(0);
  });

  it('comes back when the network is removed', async () => {
    await append(...four());
    await testDatabase.database.tenant(
      serverFor(tenantId),
      (sql) => sql`DELETE FROM networks WHERE id = ${home.networkId}`,
    );
    expect(await counted()).toEqual([0, 0, 0]);
  });

  it('is made by what everybody acknowledged, and by nothing that somebody has not read', async () => {
    const third = await newDevice(home);
    const toThird = frame(home, sensor, { destinationId: third });
    await append(frame(home, sensor), toThird, frame(home, sensor), frame(home, sensor));
    expect(await store.removeAcknowledged(tenantId)).toBe(false);
    expect(await counted()).toEqual([4_000, 4_000, 4_000]);
    await acknowledge(reader, 3);
    await store.removeAcknowledged(tenantId);
    expect(await counted()).toEqual([4_000, 4_000, 4_000]);
    await acknowledge(third, 2);
    await store.removeAcknowledged(tenantId);
    expect(await counted()).toEqual([2_000, 2_000, 2_000]);
    const actor = { kind: 'device' as const, credentialId: TEST_CREDENTIAL_ID, tenantId, deviceId: third };
    expect((await store.readPage(actor, home, 0, 9)).map(({ streamOffset }) => streamOffset)).toEqual([3, 4]);
  });

  it('is made by what all members of a group acknowledged that were in it', async () => {
    const [sender, late] = [sensor, await newDevice(home)];
    const groupId = newId();
    const { networkId } = home;
    const join = (deviceId: DeviceId, joinedOffset: number) =>
      testDatabase.database.tenant(
        serverFor(tenantId),
        (sql) => sql`
          INSERT INTO device_group_members (group_id, network_id, tenant_id, device_id, joined_offset)
          VALUES (${groupId}, ${networkId}, ${tenantId}, ${deviceId}, ${joinedOffset})`,
      );
    await testDatabase.database.tenant(
      serverFor(tenantId),
      (sql) => sql`
        INSERT INTO device_groups (id, network_id, tenant_id, name, created_at)
        VALUES (${groupId}, ${networkId}, ${tenantId}, 'Lamps', ${new Date(NOW)})`,
    );
    await join(sender, 0);
    await join(reader, 0);
    await join(late, 2);
    const toGroup = () => frame(home, sender, { destinationId: asId<DeviceId>(groupId) });
    await append(toGroup(), toGroup(), toGroup(), toGroup());
    await store.removeAcknowledged(tenantId);
    expect(await counted()).toEqual([4_000, 4_000, 4_000]);
    await acknowledge(reader, 3);
    await store.removeAcknowledged(tenantId);
    expect(await counted()).toEqual([2_000, 2_000, 2_000]);
    await acknowledge(late, 4);
    await acknowledge(reader, 4);
    await store.removeAcknowledged(tenantId);
    expect(await counted()).toEqual([0, 0, 0]);
  });

  it('is made without a word to who has read it, and is told to who asks for it again', async () => {
    await append(...four());
    await acknowledge(reader, 3);
    await store.removeAcknowledged(tenantId);
    expect(await stateOf(reader)).toMatchObject({ head: 4, oldest: 1, cursor: 3, trimmedOffset: 3 });
  });
});
