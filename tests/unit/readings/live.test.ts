import { describe, expect, it } from 'vitest';
import { FOLLOWER_READINGS_MAX, FOLLOWERS_PER_ACCOUNT_MAX } from '../../../server/domains/readings/limits.ts';
import { liveReadings, tellAll } from '../../../server/domains/readings/live-readings.ts';
import type { KeptReading, ReadingPoint } from '../../../server/domains/readings/types.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { asId, type DeviceId, type NetworkId } from '../../../server/kernel/ids.ts';
import { newOwner } from '../../support/actors.ts';

const DEVICE = asId<DeviceId>('00000000-0000-4000-8000-000000000001');
const NETWORK = asId<NetworkId>('00000000-0000-4000-8000-000000000002');
const OTHER = asId<NetworkId>('00000000-0000-4000-8000-000000000003');
const noHistory = async () => [];

function setUp(owner = newOwner()) {
  const live = liveReadings();
  const reading = (value: number, change: Partial<KeptReading> = {}): KeptReading => ({
    networkId: NETWORK,
    tenantId: owner.tenantId,
    deviceId: DEVICE,
    name: 't',
    unit: '',
    value,
    atMs: value,
    ...change,
  });
  const open = (
    actor: AccountActor = owner,
    begin: () => Promise<readonly ReadingPoint[]> = noHistory,
    signal = new AbortController().signal,
  ) => live.follow(actor, [DEVICE], begin, signal)[Symbol.asyncIterator]();
  return { live, owner, reading, open };
}

describe('who follows readings', () => {
  it('gets what is kept first, then what comes, of its device and the networks that it sees', async () => {
    const { live, owner, reading, open } = setUp();
    const follower = open({ ...owner, networkIds: [NETWORK] }, async () => {
      tellAll(live, [reading(2)]);
      return [reading(1)];
    });
    expect((await follower.next()).value).toMatchObject({ value: 1 });
    tellAll(live, [
      reading(3, { networkId: OTHER }),
      reading(4, { deviceId: asId<DeviceId>(OTHER) }),
      reading(5, { tenantId: newOwner().tenantId }),
      reading(6),
    ]);
    expect((await follower.next()).value).toMatchObject({ value: 2 });
    expect((await follower.next()).value).toMatchObject({ value: 6 });
  });

  it('and reads too slowly is cut off, and takes no place any more', async () => {
    const { live, owner, reading, open } = setUp();
    const follower = open();
    const first = follower.next();
    tellAll(live, [reading(0)]);
    await first;
    for (let value = 0; value < FOLLOWER_READINGS_MAX; value++) tellAll(live, [reading(value)]);
    const others = Array.from({ length: FOLLOWERS_PER_ACCOUNT_MAX - 1 }, () => open().next());
    expect(() => live.requireRoom(owner)).toThrow('As many');
    tellAll(live, [reading(1)]);
    expect(() => live.requireRoom(owner)).not.toThrow();
    await expect(follower.next()).rejects.toMatchObject({ code: 'consumer_too_slow' });
    expect(await Promise.all(others)).toHaveLength(FOLLOWERS_PER_ACCOUNT_MAX - 1);
  });

  it('is not cut off for what was kept before it came, however much that is', async () => {
    const { live, reading, open } = setUp();
    const follower = open(undefined, async () =>
      Array.from({ length: FOLLOWER_READINGS_MAX }, (_, value) => reading(value)),
    );
    expect((await follower.next()).value).toMatchObject({ value: 0 });
    tellAll(live, [reading(-1), reading(-2)]);
    for (let value = 1; value < FOLLOWER_READINGS_MAX; value++) await follower.next();
    expect((await follower.next()).value).toMatchObject({ value: -1 });
  });

  it('is one of a few of its account, counted from when it reads until it ends, however that comes', async () => {
    const { live, owner, open } = setUp();
    const abort = new AbortController();
    for (let unread = 0; unread < 100; unread++) open();
    const followers = Array.from({ length: FOLLOWERS_PER_ACCOUNT_MAX }, () =>
      open(owner, noHistory, abort.signal),
    );
    const ends = followers.map((follower) => follower.next());
    await expect(open().next()).rejects.toMatchObject({ code: 'limit_reached' });
    abort.abort();
    expect((await Promise.all(ends)).every(({ done }) => done)).toBe(true);
    const failing = open(owner, async () => Promise.reject(new Error('no database')));
    await expect(failing.next()).rejects.toThrow('no database');
    const another = open();
    const end = another.next();
    live.close();
    expect((await end).done).toBe(true);
    expect(() => live.requireRoom(owner)).not.toThrow();
  });
});
