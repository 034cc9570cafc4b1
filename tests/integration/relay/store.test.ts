import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ReplayWindow, type ReplayWindowContent } from '../../../proto/index.ts';
import { createMembershipStore } from '../../../server/domains/devices/index.ts';
import { createGroupStore } from '../../../server/domains/groups/index.ts';
import { createRelayStore } from '../../../server/domains/relay/index.ts';
import type { RelayStore } from '../../../server/domains/relay/ports.ts';
import type { FrameToStore, Membership } from '../../../server/domains/relay/types.ts';
import { asId, type DeviceId, type NetworkId, type TenantId } from '../../../server/kernel/ids.ts';
import { serverFor, TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { uuid } from '../../support/frames.ts';
import { testLease } from '../../support/lease.ts';
import { PlainWindow } from '../../support/plain-window.ts';
import { frameToStore } from '../../support/relay-peer.ts';
import { NO_QUOTAS } from '../../support/relay-store.ts';

const EPOCH = uuid(99);
const EARLY = Date.UTC(2026, 0, 1);
const LATE = Date.UTC(2026, 0, 2);
let testDatabase: TestDatabase;
let store: RelayStore;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  store = createRelayStore(testDatabase.database, NO_QUOTAS, {
    lease: testLease,
    memberships: createMembershipStore(testDatabase.database),
    groups: createGroupStore(testDatabase.database),
  });
});
afterAll(() => testDatabase.close());

let networks = 0;

/** A device in a network of its own. */
interface Home {
  readonly membership: Membership;
  readonly deviceId: DeviceId;
}

async function newHome(): Promise<Home> {
  networks++;
  const networkTenantId = asId<TenantId>(uuid(1_000 + networks));
  const networkId = asId<NetworkId>(uuid(2_000 + networks));
  await testDatabase.database.system(
    'identity',
    (sql) => sql`INSERT INTO tenants (id) VALUES (${networkTenantId})`,
  );
  await testDatabase.database.tenant(
    serverFor(networkTenantId),
    (sql) =>
      sql`INSERT INTO networks (id, tenant_id, name) VALUES (${networkId}, ${networkTenantId}, 'Home')`,
  );
  const membership = { networkId, networkTenantId, joinedAtMs: EARLY };
  return { membership, deviceId: await newMember(membership) };
}

let devices = 0;

/** A new device in a network, of the network's tenant or another one. */
async function newMember(
  { networkId, networkTenantId }: Membership,
  tenantId = networkTenantId,
): Promise<DeviceId> {
  devices++;
  const deviceId = asId<DeviceId>(uuid(4_000 + devices));
  await testDatabase.database.tenant(
    serverFor(tenantId),
    (sql) => sql`
      INSERT INTO devices (id, tenant_id, name, world_type, token_id, token_hash, signing_key_sealed)
      VALUES (${deviceId}, ${tenantId}, 'A', 'jotunheim', ${deviceId}, ${Buffer.alloc(32, devices)}, ${Buffer.alloc(1)})`,
  );
  if (tenantId === networkTenantId) {
    await testDatabase.database.tenant(
      serverFor(tenantId),
      (sql) => sql`
        INSERT INTO network_members (tenant_id, network_id, device_tenant_id, device_id)
        VALUES (${tenantId}, ${networkId}, ${tenantId}, ${deviceId})`,
    );
  }
  return deviceId;
}

const removeNetwork = ({ membership: { networkId, networkTenantId } }: Home) =>
  testDatabase.database.tenant(
    serverFor(networkTenantId),
    (sql) => sql`DELETE FROM networks WHERE tenant_id = ${networkTenantId} AND id = ${networkId}`,
  );

const frame = (
  { membership, deviceId }: Home,
  number: number,
  changes: Partial<FrameToStore> = {},
): FrameToStore =>
  frameToStore(number, {
    sourceId: deviceId,
    sourceTenantId: membership.networkTenantId,
    networkId: membership.networkId,
    tenantId: membership.networkTenantId,
    frameId: uuid(10_000 + number),
    ...changes,
  });
const to = (deviceId: string) => ({ destinationId: asId<DeviceId>(deviceId) });

const append = async (frames: readonly FrameToStore[], atMs = LATE) =>
  (await store.appendFrames(frames, atMs, () => EPOCH)).map((outcome) => {
    if (outcome.kind === 'refused') return outcome.reason;
    return outcome.duplicate ? -outcome.streamOffset : outcome.streamOffset;
  });
const page = async (
  { membership }: Home,
  deviceId: DeviceId,
  after: number,
  { limit = 10, tenantId = membership.networkTenantId } = {},
) =>
  (
    await store.readPage(
      { kind: 'device', credentialId: TEST_CREDENTIAL_ID, tenantId, deviceId },
      membership,
      after,
      limit,
    )
  ).map(({ streamOffset, content }) => [streamOffset, [...content]]);
const stateOf = (home: Home, joinedAtMs: number, epoch = EPOCH) =>
  store.readState({ ...home.membership, joinedAtMs }, home.deviceId, () => epoch);

describe('the stream of a network', () => {
  it('gives every frame the next offset, whatever else is in the transaction', async () => {
    const [a, b] = [await newHome(), await newHome()];
    expect(await append([frame(a, 1), frame(b, 1), frame(a, 2)])).toEqual([1, 1, 2]);
    expect(await append([frame(a, 3)])).toEqual([3]);
    const heads = await store.readHeads([a.membership.networkId, b.membership.networkId]);
    expect(new Map(heads.map(({ networkId, head }) => [networkId, head]))).toEqual(
      new Map([
        [a.membership.networkId, 3],
        [b.membership.networkId, 1],
      ]),
    );
  });

  it('keeps the offset of a frame that comes again, in the same transaction or a later one', async () => {
    const home = await newHome();
    const [first, second] = [frame(home, 1), frame(home, 2)];
    expect(await append([first, { ...first }, second])).toEqual([1, -1, 2]);
    expect(await append([second, frame(home, 3), first])).toEqual([-2, 3, -1]);
  });

  it('takes no frame whose destination is not of the network, and counts no offset for it', async () => {
    const home = await newHome();
    const member = await newMember(home.membership);
    const asked = { destinationUnknown: true };
    expect(
      await append([
        frame(home, 1, { ...to(member), ...asked }),
        frame(home, 2, { ...to(uuid(5_000)), ...asked }),
        frame(home, 3),
      ]),
    ).toEqual([1, 'frame_destination_unknown', 2]);
    expect(await page(home, member, 0)).toEqual([
      [1, [1]],
      [2, [3]],
    ]);
    expect(await noncesOf(home)).toEqual(kept(1, 2, 3));
  });

  it('is read by a device in order, without its own frames and those for others', async () => {
    const home = await newHome();
    const reader = await newMember(home.membership);
    await append([
      frame(home, 1),
      frame(home, 2, to(reader)),
      frame(home, 3, to(uuid(5_001))),
      frame(home, 4),
    ]);
    expect(await page(home, reader, 0, { limit: 2 })).toEqual([
      [1, [1]],
      [2, [2]],
    ]);
    expect(await page(home, reader, 2)).toEqual([[4, [4]]]);
    expect(await page(home, home.deviceId, 0)).toEqual([]);
  });

  it('can not be read in the name of another tenant', async () => {
    const [a, b] = [await newHome(), await newHome()];
    const reader = await newMember(a.membership);
    await append([frame(a, 1)]);
    const { networkTenantId } = b.membership;
    expect(await page({ ...a, membership: { ...a.membership, networkTenantId } }, reader, 0)).toEqual([]);
    expect(await page(a, reader, 0, { tenantId: networkTenantId })).toEqual([]);
  });

  it('is read and written by members of the network only, whatever the server believes of others', async () => {
    const home = await newHome();
    const member = await newMember(home.membership);
    const stranger = await newHome();
    const { networkTenantId: tenantId } = stranger.membership;
    await append([frame(home, 1), frame(home, 2, to(member))]);
    expect(await page(home, stranger.deviceId, 0, { tenantId })).toEqual([]);
    expect(await page(home, member, 0)).toHaveLength(2);
    const { sourceId, sourceTenantId } = frame(stranger, 1);
    expect(await append([frame(home, 3, { sourceId, sourceTenantId })])).toEqual(['network_not_found']);
  });

  it('takes the frames of other networks that wait together with those of one that was removed', async () => {
    const [a, gone] = [await newHome(), await newHome()];
    await append([frame(gone, 1)]);
    await removeNetwork(gone);
    expect(await append([frame(a, 1), frame(gone, 2), frame(a, 2)])).toEqual([1, 'network_not_found', 2]);
    const { networkId } = a.membership;
    await store.saveProgress(
      [gone, a].map(({ membership, deviceId }) => ({
        networkId: membership.networkId,
        tenantId: membership.networkTenantId,
        deviceId,
        streamOffset: 2,
      })),
      [],
    );
    expect(await stateOf(a, LATE)).toMatchObject({ cursor: 2 });
    expect(await store.readHeads([networkId, gone.membership.networkId])).toEqual([{ networkId, head: 2 }]);
  });

  it('knows no state and no beginning in a network that was removed at this moment', async () => {
    const gone = await newHome();
    await removeNetwork(gone);
    const { membership, deviceId } = gone;
    const refusal = { code: 'network_not_found', kind: 'not_found' };
    await expect(stateOf(gone, LATE)).rejects.toMatchObject(refusal);
    const device = { networkId: membership.networkId, deviceId };
    const begun = store.beginCursor(membership.networkTenantId, device, () => EPOCH);
    await expect(begun).rejects.toMatchObject(refusal);
  });

  it('takes the others also when a network is removed after the look at its members', async () => {
    const [a, gone] = [await newHome(), await newHome()];
    const memberships = createMembershipStore(testDatabase.database);
    let looks = 0;
    const late = createRelayStore(testDatabase.database, NO_QUOTAS, {
      groups: createGroupStore(testDatabase.database),
      lease: testLease,
      memberships: {
        ...memberships,
        async selectMembers(sql, asked) {
          const members = await memberships.selectMembers(sql, asked);
          if (++looks === 1) await removeNetwork(gone);
          return members;
        },
      },
    });
    const outcomes = await late.appendFrames([frame(gone, 1), frame(a, 1)], LATE, () => EPOCH);
    expect(outcomes).toEqual([
      { kind: 'refused', reason: 'network_not_found' },
      { kind: 'stored', streamOffset: 1, duplicate: false },
    ]);
    expect(looks).toBe(2);
  });

  it('begins for a device where it joined, then goes on where it acknowledged', async () => {
    const home = await newHome();
    await append([frame(home, 1), frame(home, 2)], EARLY);
    await append([frame(home, 3)], LATE);
    expect(await stateOf(home, LATE, uuid(98))).toEqual({
      epoch: EPOCH,
      head: 3,
      oldest: 1,
      trimmedOffset: 0,
      cursor: 2,
      joinedOffset: 0,
    });
    const { networkId, networkTenantId: tenantId } = home.membership;
    const { deviceId } = home;
    await store.saveProgress([{ tenantId, networkId, deviceId, streamOffset: 3 }], []);
    await store.saveProgress([{ tenantId, networkId, deviceId, streamOffset: 1 }], []);
    expect((await stateOf(home, LATE)).cursor).toBe(3);
  });

  it('is for a device from where it joined the last time, also if it was there before', async () => {
    const home = await newHome();
    const { networkId, networkTenantId: tenantId } = home.membership;
    const { deviceId } = home;
    await append([frame(home, 1), frame(home, 2)]);
    await store.saveProgress([{ tenantId, networkId, deviceId, streamOffset: 1 }], []);
    await store.beginCursor(tenantId, { networkId, deviceId }, () => EPOCH);
    expect(await stateOf(home, LATE)).toMatchObject({ cursor: 1, joinedOffset: 2 });
    await store.forgetDevice(deviceId, networkId);
    await store.beginCursor(tenantId, { networkId, deviceId }, () => EPOCH);
    expect(await stateOf(home, LATE)).toMatchObject({ cursor: 2, joinedOffset: 2 });
  });

  it('loses frames past their age and beyond its length, oldest first, and says so', async () => {
    const home = await newHome();
    await append([frame(home, 1)], EARLY);
    await append(
      [2, 3, 4, 5].map((number) => frame(home, number)),
      LATE,
    );
    await store.removeOldFrames(LATE, 100);
    expect((await stateOf(home, EARLY)).oldest).toBe(2);
    await store.removeOldFrames(LATE, 2);
    expect(await stateOf(home, EARLY)).toMatchObject({ head: 5, oldest: 4 });
    await store.removeOldFrames(LATE + 1, 100);
    expect(await stateOf(home, EARLY)).toMatchObject({ head: 5, oldest: 6, cursor: 5 });
    expect(await append([frame(home, 6)])).toEqual([6]);
  });

  it('tells which frames for one device are gone that it never had, and no others', async () => {
    const home = await newHome();
    const { networkId, networkTenantId: tenantId } = home.membership;
    const away = await newMember(home.membership);
    await store.beginCursor(tenantId, { networkId, deviceId: away }, () => EPOCH);
    await append([
      frame(home, 1, to(away)),
      frame(home, 2),
      frame(home, 3, to(away)),
      frame(home, 4, { ...to(uuid(77)), destinationUnknown: false }),
      frame(home, 5, to(away)),
    ]);
    await store.saveProgress([{ tenantId, networkId, deviceId: away, streamOffset: 1 }], []);
    const removed: unknown[] = [];
    await store.removeOldFrames(EARLY, 1, (frames) => removed.push(...frames));
    const lost = { networkId, tenantId, sourceId: home.deviceId, destinationId: away };
    expect(removed).toEqual([{ ...lost, frameId: uuid(10_003) }]);
  });
});

/** What is kept of these nonces. */
function kept(...nonces: number[]): ReplayWindowContent {
  const window = new PlainWindow();
  for (const nonce of nonces) window.use(nonce);
  return window.content();
}

const noncesOf = async (home: Home) => new ReplayWindow(await store.findNonces(home.deviceId)).content();

describe('nonces', () => {
  it('go into the transaction of their frames, in any order, and never back', async () => {
    const home = await newHome();
    const { deviceId, membership } = home;
    const { networkTenantId: tenantId } = membership;
    expect(await noncesOf(home)).toEqual(kept());
    await append([frame(home, 7), frame(home, 5)]);
    expect(await noncesOf(home)).toEqual(kept(5, 7));
    await store.saveProgress([], [{ tenantId, deviceId, ...kept(3, 6) }]);
    expect(await noncesOf(home)).toEqual(kept(3, 5, 6, 7));
    await store.forgetDevice(deviceId, null);
    expect(await noncesOf(home)).toEqual(kept());
  });

  it('are kept as a window that knows what a plain set knows, wherever its two halves lie', async () => {
    const home = await newHome();
    const { deviceId, membership } = home;
    const { networkTenantId: tenantId } = membership;
    const plain = new PlainWindow();
    const start = 1_790_000_000_000_000;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -1_100, max: 1_100 }),
        fc.uniqueArray(fc.integer({ min: -1_030, max: 0 }), { maxLength: 20 }),
        fc.boolean(),
        async (ahead, below, isReleased) => {
          const used = new PlainWindow();
          const last = Math.max(plain.last, start) + ahead;
          for (const distance of [0, ...below]) used.use(last + distance);
          if (isReleased) used.release(last);
          plain.add(used.content());
          await store.saveProgress([], [{ tenantId, deviceId, ...used.content() }]);
          expect(await noncesOf(home)).toEqual(plain.content());
        },
      ),
      { numRuns: 60 },
    );
  });

  it('of a repetition say nothing: it is found, or refused, and never stored', async () => {
    const home = await newHome();
    await append([frame(home, 2)]);
    const repetition = (number: number) => ({
      ...frame(home, number),
      isRepetition: true,
      content: new Uint8Array(0),
    });
    expect(await append([repetition(2), repetition(1), frame(home, 3), repetition(3)])).toEqual([
      -1,
      'frame_replayed',
      2,
      -2,
    ]);
    expect(await noncesOf(home)).toEqual(kept(2, 3));
    expect(await page(home, await newMember(home.membership), 0)).toEqual([
      [1, [2]],
      [2, [3]],
    ]);
  });
});
