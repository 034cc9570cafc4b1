import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReleaseService, createReleaseStore } from '../../../server/domains/releases/index.ts';
import { createRolloutService, createRolloutStore } from '../../../server/domains/rollouts/index.ts';
import type { ReportedState, RolloutOrder, RolloutTarget } from '../../../server/domains/rollouts/types.ts';
import type { AccountActor, DeviceActor } from '../../../server/kernel/actor.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { asId, type DeviceId, type NetworkId } from '../../../server/kernel/ids.ts';
import { ed25519 } from '../../../server/platform/secrets/index.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { addOwner, newOwner, TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { testLease } from '../../support/lease.ts';
import { silentLogger } from '../../support/logger.ts';
import { makeRelease, publisherKey } from '../../support/releases.ts';

const DEVICES = 6;
const random = createSystemRandom();
let testDatabase: TestDatabase;
let home: Awaited<ReturnType<typeof createHome>>;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterAll(() => testDatabase.close());
beforeEach(async () => {
  home = await createHome();
});

/** An owner with a network and devices. */
async function addHome(
  owner: AccountActor,
  networkId: NetworkId,
  deviceIds: readonly DeviceId[],
): Promise<void> {
  const { database } = testDatabase;
  const { tenantId } = owner;
  await addOwner(database, owner);
  await database.tenant(owner, async (sql) => {
    await sql`INSERT INTO networks (id, tenant_id, name) VALUES (${networkId}, ${tenantId}, 'Home')`;
    for (const id of deviceIds) {
      await sql`
        INSERT INTO devices (id, tenant_id, name, world_type, token_id, token_hash, signing_key_sealed)
        VALUES (${id}, ${tenantId}, ${id}, 'jotunheim', ${id},
          ${Buffer.from(id.replaceAll('-', '').repeat(2), 'hex')}, ${Buffer.alloc(1)})`;
    }
  });
}

/** What the job told the audit. */
const recorded: string[] = [];
const recordEnd = async (_: unknown, { id }: { id: string }, state: string) =>
  void recorded.push(`${id} ${state}`);

/** Nobody asks what is in it. */
const nothing = async () => ({}) as never;

/** Devices in a network, a release for them, and what rolls it out; `server` is another server on the same database. */
async function createHome() {
  const { database } = testDatabase;
  const owner = newOwner();
  const { tenantId } = owner;
  const networkId = asId<NetworkId>(random.uuid());
  const deviceIds = Array.from({ length: DEVICES }, () => asId<DeviceId>(random.uuid())).sort();
  await addHome(owner, networkId, deviceIds);
  const clock = new FakeClock();
  const online = new Set<DeviceId>(deviceIds);
  const offered: DeviceId[] = [];
  const lease = { ...testLease };
  const page = deviceIds.map((id) => ({ id, guest: false, networkIds: [networkId], capabilities: null }));
  const server = () => {
    const store = createRolloutStore(database, { lease, recordEnd });
    const releases = createReleaseService({
      store: createReleaseStore(database, { tenantBytesMax: 100 }, store),
      networks: { getNetwork: nothing },
      ed25519,
      clock,
      random,
    });
    const rollouts = createRolloutService({
      store,
      releases,
      devices: { getDevice: nothing, listDevices: async () => ({ items: page, next: null }) as never },
      groups: { listMembers: async () => ({ items: deviceIds.slice(0, 2), next: null }) as never },
      outlet: {
        isOnline: (deviceId) => online.has(deviceId),
        offer: ({ deviceId }: RolloutTarget) => void offered.push(deviceId),
      },
      clock,
      random,
      logger: silentLogger,
    });
    return { releases, rollouts };
  };
  const { releases, rollouts } = server();
  await releases.addKey(owner, { name: 'Key', publicKey: publisherKey, networkId: null });
  const { content, ...signed } = makeRelease('an image');
  const { id: releaseId } = await releases.create(owner, signed);
  await releases.putPart(owner, releaseId, 0, content);
  const start = (changes: Partial<RolloutOrder> = {}) =>
    rollouts.start(owner, {
      releaseId,
      filter: { networkId, worldType: null, firmware: null, deviceIds: null, groupId: null },
      allowOlder: false,
      atOnceMax: 2,
      perMinuteMax: 100,
      failedPercentMax: 50,
      failedAfter: 2,
      deviceTimeoutSeconds: 60,
      ...changes,
    });
  const device = (deviceId: DeviceId | undefined): DeviceActor => ({
    kind: 'device',
    tenantId,
    deviceId: deviceId as DeviceId,
    credentialId: TEST_CREDENTIAL_ID,
  });
  const report = (rolloutId: string, deviceId: DeviceId | undefined, state: ReportedState) =>
    rollouts.report(device(deviceId), { rolloutId, state, errorCode: null, byteCount: 0 });
  const countsOf = async (id: string) => {
    const { state, counts } = await rollouts.get(owner, id);
    return [state, Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))];
  };
  const base = { owner, networkId, deviceIds, clock, online, offered, lease, releases, rollouts, server };
  return { ...base, releaseId, start, device, report, countsOf };
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof AppError ? error.code : error),
  );

describe('a rollout', () => {
  it('starts as many as may be at work, and the next where one is done', async () => {
    const { id } = await home.start();
    await home.rollouts.advance();
    await home.rollouts.advance();
    expect(home.offered).toEqual(home.deviceIds.slice(0, 2));
    await home.report(id, home.deviceIds[0], 'updated');
    await home.rollouts.advance();
    expect(home.offered).toEqual(home.deviceIds.slice(0, 3));
    expect(await home.countsOf(id)).toEqual(['running', { updated: 1, initiated: 2, queued: 3 }]);
  });

  it('starts no more in a minute than it may', async () => {
    await home.start({ atOnceMax: 100, perMinuteMax: 4 });
    await home.rollouts.advance();
    await home.rollouts.advance();
    expect(home.offered).toHaveLength(4);
    home.clock.advance(60_000 - 1);
    await home.rollouts.advance();
    expect(new Set(home.offered).size).toBe(4);
    home.clock.advance(1);
    await home.rollouts.advance();
    expect(new Set(home.offered).size).toBe(6);
  });

  it('goes on, and offers again, where the clock is set back', async () => {
    await home.start({ atOnceMax: 100, perMinuteMax: 4 });
    await home.rollouts.advance();
    home.clock.advance(-3_600_000);
    await home.rollouts.advance();
    const first = home.deviceIds.slice(0, 4);
    expect(home.offered).toEqual([...first, ...first, ...home.deviceIds.slice(4)]);
  });

  it('that is paused for long gives nobody up who was only told of it, and tells them again when it goes on', async () => {
    const { id } = await home.start();
    await home.rollouts.advance();
    await home.rollouts.change(home.owner, id, 'paused');
    home.clock.advance(3_600_000);
    await home.rollouts.advance();
    expect(await home.countsOf(id)).toEqual(['paused', { initiated: 2, queued: 4 }]);
    await home.rollouts.change(home.owner, id, 'running');
    await home.rollouts.advance();
    expect(home.offered).toEqual([...home.deviceIds.slice(0, 2), ...home.deviceIds.slice(0, 2)]);
    expect(await home.countsOf(id)).toEqual(['running', { initiated: 2, queued: 4 }]);
  });

  it('passes over devices that are offline, and comes back to them', async () => {
    const { id } = await home.start();
    for (const deviceId of home.deviceIds.slice(0, 5)) home.online.delete(deviceId);
    await home.rollouts.advance();
    expect(home.offered).toEqual([home.deviceIds[5]]);
    home.online.add(home.deviceIds[1] as DeviceId);
    await home.rollouts.advance();
    expect(home.offered).toEqual([home.deviceIds[5], home.deviceIds[1]]);
    expect((await home.countsOf(id))[1]).toEqual({ initiated: 2, queued: 4 });
  });

  it('offers again to who says nothing, and gives up who is silent for too long', async () => {
    const { id } = await home.start({ atOnceMax: 1 });
    await home.rollouts.advance();
    home.clock.advance(10_001);
    await home.rollouts.advance();
    expect(home.offered).toEqual([home.deviceIds[0], home.deviceIds[0]]);
    await home.report(id, home.deviceIds[0], 'downloading');
    home.clock.advance(60_000);
    await home.rollouts.advance();
    expect((await home.countsOf(id))[1]).toMatchObject({ downloading: 1 });
    home.clock.advance(1);
    await home.rollouts.advance();
    expect((await home.countsOf(id))[1]).toEqual({ failed: 1, initiated: 1, queued: 4 });
    // It was only slow.
    await home.report(id, home.deviceIds[0], 'updated');
    expect((await home.countsOf(id))[1]).toMatchObject({ updated: 1 });
  });

  it('is aborted past its threshold, not before enough are over, and completed otherwise', async () => {
    const { id } = await home.start();
    await home.rollouts.advance();
    await home.report(id, home.deviceIds[0], 'rolled_back');
    await home.rollouts.advance();
    expect((await home.countsOf(id))[0]).toBe('running');
    await home.report(id, home.deviceIds[1], 'refused');
    await home.rollouts.advance();
    expect(await home.countsOf(id)).toEqual(['aborted', { rolled_back: 1, refused: 1, cancelled: 4 }]);
    const filter = {
      networkId: home.networkId,
      worldType: null,
      firmware: null,
      deviceIds: null,
      groupId: random.uuid(),
    };
    const other = await home.start({ filter });
    expect(other.counts.queued).toBe(2);
    await home.rollouts.advance();
    for (const deviceId of home.deviceIds.slice(0, 2)) await home.report(other.id, deviceId, 'updated');
    await home.rollouts.advance();
    expect(await home.countsOf(other.id)).toEqual(['completed', { updated: 2 }]);
    expect(recorded.at(-1)).toBe(`${other.id} completed`);
  });

  it('lets a device do one update at a time', async () => {
    await home.start({ atOnceMax: 100 });
    await home.rollouts.advance();
    const { id } = await home.start({ atOnceMax: 100 });
    await home.rollouts.advance();
    expect([home.offered.length, (await home.countsOf(id))[1]]).toEqual([6, { queued: 6 }]);
  });

  it('takes reports that come twice, late or from nobody for what they are', async () => {
    const { id } = await home.start();
    await home.rollouts.advance();
    const [first, , last] = home.deviceIds;
    await home.report(id, first, 'verified');
    await home.report(id, first, 'downloading');
    expect((await home.countsOf(id))[1]).toMatchObject({ verified: 1 });
    await home.report(id, first, 'updated');
    await home.report(id, first, 'failed');
    await home.report(id, last, 'updated');
    expect((await home.countsOf(id))[1]).toEqual({ updated: 1, initiated: 1, queued: 4 });
    expect(await codeOf(home.report(random.uuid(), first, 'updated'))).toBe('rollout_not_found');
    expect(await codeOf(home.report(id, asId<DeviceId>(random.uuid()), 'updated'))).toBe('rollout_not_found');
  });

  it('gives its bytes to devices that are at work on it, and to nobody else', async () => {
    const { id } = await home.start();
    await home.rollouts.advance();
    const read = (deviceId: DeviceId | undefined, offset = 0, length = 100) =>
      home.rollouts.readPiece(home.device(deviceId), { rolloutId: id, offset, length });
    const text = async (bytes: Promise<Uint8Array>) => new TextDecoder().decode(await bytes);
    expect([await text(read(home.deviceIds[0])), await text(read(home.deviceIds[0], 3, 2))]).toEqual([
      'an image',
      'im',
    ]);
    expect(await codeOf(read(home.deviceIds[0], 8))).toBe('release_part_wrong');
    expect(await codeOf(read(home.deviceIds[3]))).toBe('rollout_state_wrong');
    expect(await codeOf(read(asId<DeviceId>(random.uuid())))).toBe('rollout_not_found');
    await home.rollouts.change(home.owner, id, 'cancelled');
    expect(await codeOf(read(home.deviceIds[0]))).toBe('rollout_state_wrong');
  });

  it('is carried on by another server, and no more by one that has lost its lease', async () => {
    const { id } = await home.start();
    const other = home.server().rollouts;
    home.lease.require = async () => {
      throw new AppError('unavailable', 'unavailable', 'lost');
    };
    expect(await codeOf(home.rollouts.advance())).toBe('unavailable');
    expect([home.offered, (await home.countsOf(id))[1]]).toEqual([[], { queued: 6 }]);
    home.lease.require = testLease.require;
    await home.rollouts.advance();
    await home.report(id, home.deviceIds[0], 'updated');
    await other.advance();
    expect(home.offered).toEqual(home.deviceIds.slice(0, 3));
  });

  it('and releases are bounded: bytes of a tenant, rollouts that are under way', async () => {
    const { content: _, ...signed } = makeRelease('x'.repeat(93), { version: 2 });
    expect(await codeOf(home.releases.create(home.owner, signed))).toBe('storage_quota_exceeded');
    for (let count = 0; count < 10; count++) await home.start();
    expect(await codeOf(home.start())).toBe('limit_reached');
  });
});
