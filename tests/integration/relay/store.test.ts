import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRelayStore } from '../../../server/domains/relay/index.ts';
import type { RelayStore } from '../../../server/domains/relay/ports.ts';
import type { FrameToStore, Peer } from '../../../server/domains/relay/types.ts';
import { asId, type DeviceId, type NetworkId, type TenantId } from '../../../server/kernel/ids.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { uuid } from '../../support/frames.ts';

const EPOCH = uuid(99);
const EARLY = new Date('2026-01-01T00:00:00Z');
const LATE = new Date('2026-01-02T00:00:00Z');
let testDatabase: TestDatabase;
let store: RelayStore;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  store = createRelayStore(testDatabase.database);
});
afterAll(() => testDatabase.close());

let networks = 0;

/** A tenant with a network, and a device of it that exists only as a source. */
async function newPeer(): Promise<{ peer: Peer; networkId: NetworkId }> {
  networks++;
  const tenantId = asId<TenantId>(uuid(1_000 + networks));
  const networkId = asId<NetworkId>(uuid(2_000 + networks));
  await testDatabase.database.system('relay', (sql) => sql`INSERT INTO tenants (id) VALUES (${tenantId})`);
  await testDatabase.database.tenant(
    tenantId,
    (sql) => sql`INSERT INTO networks (id, tenant_id, name) VALUES (${networkId}, ${tenantId}, 'Home')`,
  );
  const peer: Peer = {
    actor: {
      kind: 'device',
      tenantId,
      deviceId: asId<DeviceId>(uuid(4_000 + networks)),
    },
    memberships: new Map([[networkId, { networkId, tenantId, joinedAtMs: EARLY.getTime() }]]),
    signingKey: { algorithm: 'hmac-sha256' },
    number: 1,
    close() {},
  };
  return { peer, networkId };
}

const joinedAt = ({ actor: { tenantId } }: Peer, networkId: NetworkId, time: Date) => ({
  networkId,
  tenantId,
  joinedAtMs: time.getTime(),
});

const frame = (
  peer: Peer,
  networkId: NetworkId,
  number: number,
  destinationId: string | null = null,
): FrameToStore => ({
  peer,
  networkId,
  frameId: uuid(10_000 + number),
  destinationId,
  nonce: number,
  content: Uint8Array.of(number),
});

const append = async (frames: readonly FrameToStore[], at = LATE) =>
  (await store.appendFrames(frames, at, () => EPOCH)).map(({ streamOffset, duplicate }) =>
    duplicate ? -streamOffset : streamOffset,
  );

describe('the stream of a network', () => {
  it('gives every frame the next offset, whatever else is in the transaction', async () => {
    const [a, b] = [await newPeer(), await newPeer()];
    expect(
      await append([
        frame(a.peer, a.networkId, 1),
        frame(b.peer, b.networkId, 1),
        frame(a.peer, a.networkId, 2),
      ]),
    ).toEqual([1, 1, 2]);
    expect(await append([frame(a.peer, a.networkId, 3)])).toEqual([3]);
  });

  it('keeps the offset of a frame that comes again, in the same transaction or a later one', async () => {
    const { peer, networkId } = await newPeer();
    const [first, second] = [frame(peer, networkId, 1), frame(peer, networkId, 2)];
    expect(await append([first, { ...first }, second])).toEqual([1, -1, 2]);
    expect(await append([second, frame(peer, networkId, 3), first])).toEqual([-2, 3, -1]);
  });

  it('is read by a device in order, without its own frames and those for others', async () => {
    const { peer, networkId } = await newPeer();
    const reader = uuid(5_000);
    await append([
      frame(peer, networkId, 1),
      frame(peer, networkId, 2, reader),
      frame(peer, networkId, 3, uuid(5_001)),
      frame(peer, networkId, 4),
    ]);
    const { tenantId, deviceId } = peer.actor;
    const page = await store.readPage(tenantId, networkId, asId<DeviceId>(reader), 0, 2);
    expect(page.map(({ streamOffset, content }) => [streamOffset, [...content]])).toEqual([
      [1, [1]],
      [2, [2]],
    ]);
    const rest = await store.readPage(tenantId, networkId, asId<DeviceId>(reader), 2, 10);
    expect(rest.map(({ streamOffset }) => streamOffset)).toEqual([4]);
    expect(await store.readPage(tenantId, networkId, deviceId, 0, 10)).toEqual([]);
  });

  it('can not be read in the name of another tenant', async () => {
    const [a, b] = [await newPeer(), await newPeer()];
    await append([frame(a.peer, a.networkId, 1)]);
    const page = await store.readPage(b.peer.actor.tenantId, a.networkId, asId<DeviceId>(uuid(5_000)), 0, 10);
    expect(page).toEqual([]);
  });

  it('begins for a device where it joined, then goes on where it acknowledged', async () => {
    const { peer, networkId } = await newPeer();
    await append([frame(peer, networkId, 1), frame(peer, networkId, 2)], EARLY);
    await append([frame(peer, networkId, 3)], LATE);
    const state = () => store.readState(peer, joinedAt(peer, networkId, LATE), () => uuid(98));
    expect(await state()).toEqual({ epoch: EPOCH, head: 3, oldest: 1, cursor: 2 });
    const { tenantId, deviceId } = peer.actor;
    await store.saveProgress([{ tenantId, networkId, deviceId, streamOffset: 3 }], []);
    await store.saveProgress([{ tenantId, networkId, deviceId, streamOffset: 1 }], []);
    expect((await state()).cursor).toBe(3);
  });

  it('loses frames past their age and beyond its length, oldest first, and says so', async () => {
    const { peer, networkId } = await newPeer();
    await append([frame(peer, networkId, 1)], EARLY);
    await append(
      [2, 3, 4, 5].map((number) => frame(peer, networkId, number)),
      LATE,
    );
    await store.removeOldFrames(LATE, 100);
    expect((await store.readState(peer, joinedAt(peer, networkId, EARLY), () => EPOCH)).oldest).toBe(2);
    await store.removeOldFrames(LATE, 2);
    expect(await store.readState(peer, joinedAt(peer, networkId, EARLY), () => EPOCH)).toMatchObject({
      head: 5,
      oldest: 4,
    });
    await store.removeOldFrames(new Date(LATE.getTime() + 1), 100);
    expect(await store.readState(peer, joinedAt(peer, networkId, EARLY), () => EPOCH)).toMatchObject({
      head: 5,
      oldest: 6,
      cursor: 5,
    });
    expect(await append([frame(peer, networkId, 6)])).toEqual([6]);
  });
});

describe('nonces', () => {
  it('go into the transaction of their frames, and never back', async () => {
    const { peer, networkId } = await newPeer();
    const { tenantId, deviceId } = peer.actor;
    expect(await store.findLastNonce(deviceId)).toBe(0);
    await append([frame(peer, networkId, 7), frame(peer, networkId, 5)]);
    expect(await store.findLastNonce(deviceId)).toBe(7);
    await store.saveProgress([], [{ tenantId, deviceId, lastNonce: 6 }]);
    expect(await store.findLastNonce(deviceId)).toBe(7);
    await store.forgetDevice(deviceId);
    expect(await store.findLastNonce(deviceId)).toBe(0);
  });
});
