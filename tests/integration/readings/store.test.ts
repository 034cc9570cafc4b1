import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createMembershipStore } from '../../../server/domains/devices/index.ts';
import { createDropStore, type DropNotice } from '../../../server/domains/drops/index.ts';
import {
  HOUR_BYTES,
  LAST_READINGS_MAX,
  POINT_BYTES,
  SERIES_PER_DEVICE_MAX,
} from '../../../server/domains/readings/limits.ts';
import type { ReadingStore } from '../../../server/domains/readings/ports.ts';
import { createReadingService } from '../../../server/domains/readings/service.ts';
import { createReadingStore } from '../../../server/domains/readings/store.postgres.ts';
import { AGGREGATES, type Aggregate } from '../../../server/domains/readings/types.ts';
import { createShadowStore } from '../../../server/domains/shadow/index.ts';
import type { Report } from '../../../server/domains/shadow/types.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { asId, type NetworkId } from '../../../server/kernel/ids.ts';
import { serverFor } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { uuid } from '../../support/frames.ts';
import { PLENTY } from '../../support/storage-room.ts';
import { addHome, type Home, readingOf as reading } from './homes.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 31);
let testDatabase: TestDatabase;
let store: ReadingStore;
let networks = 0;

let home: Home;
let neighbour: Home;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  store = createReadingStore(testDatabase.database, createMembershipStore(testDatabase.database));
});
afterAll(() => testDatabase.close());
beforeEach(async () => {
  home = await addHome(testDatabase);
  neighbour = await addHome(testDatabase);
});

const timesOf = async ({ owner, source }: Home, name = 't') =>
  (
    await store.listHistory(owner, source.deviceId, {
      name,
      fromMs: 0,
      toMs: NOW + DAY_MS,
      step: null,
      limit: 1_000,
    })
  ).map(({ atMs }) => atMs);

it('removes what is older than its tenant chose, or than all have it, and keeps the last value', async () => {
  const days = [9, 5, 2, 1].map((ago) => NOW - ago * DAY_MS);
  for (const each of [home, neighbour]) await store.save(days.map((atMs) => reading(each, atMs)));
  await store.saveRetentionDays(home.owner, 3);
  expect([await store.findRetentionDays(home.owner), await store.findRetentionDays(neighbour.owner)]).toEqual(
    [3, null],
  );
  expect(await store.removeOld(NOW, 7)).toBe(3);
  expect(await store.removeOld(NOW, 7)).toBe(0);
  expect([await timesOf(home), await timesOf(neighbour)]).toEqual([days.slice(2), days.slice(1)]);
  expect(await store.removeOld(NOW + 30 * DAY_MS, 7)).toBe(5);
  expect(await store.listLast(home.owner, home.source.deviceId)).toMatchObject([{ atMs: days[3], value: 1 }]);
});

it('removes the oldest of a network that keeps more than it may, and of no other', async () => {
  const times = Array.from({ length: 10 }, (_, index) => NOW + index);
  await store.save(times.map((atMs, index) => reading(home, atMs, { name: index % 2 ? 'odd' : 'even' })));
  await store.save(times.slice(0, 6).map((atMs) => reading(neighbour, atMs)));
  expect(await store.removeBeyond(6 * POINT_BYTES)).toBe(4);
  expect(await store.removeBeyond(6 * POINT_BYTES)).toBe(0);
  expect([await timesOf(home, 'even'), await timesOf(home, 'odd'), await timesOf(neighbour)]).toEqual([
    [NOW + 4, NOW + 6, NOW + 8],
    [NOW + 5, NOW + 7, NOW + 9],
    times.slice(0, 6),
  ]);
  // What is no number counts its text, too.
  await store.save([reading(neighbour, NOW + 9, { value: 'x'.repeat(POINT_BYTES - 2) })]);
  expect(await store.removeBeyond(7 * POINT_BYTES)).toBe(1);
});

const HOUR_MS = 3_600_000;

/** The history in steps of two hours, by what becomes of the values. */
const stepsOf = async ({ owner, source }: Home, aggregate: Aggregate) =>
  (
    await store.listHistory(owner, source.deviceId, {
      name: 't',
      fromMs: NOW - 2 * HOUR_MS,
      toMs: NOW + DAY_MS,
      step: { seconds: 7_200, aggregate },
      limit: 1_000,
    })
  ).map(({ value }) => value);

it('makes one row of an old hour, which answers what its points did, and takes in what comes late', async () => {
  const values = [5, 1, 9, 4, 6, 2];
  const said = values.map((value, index) =>
    reading(home, NOW - 2 * HOUR_MS + index * 20 * 60_000, { value }),
  );
  await store.save([...said, reading(home, NOW + 1, { value: 7 })]);
  await store.save([reading(neighbour, NOW - HOUR_MS, { value: 'open' })]);
  const answers = () => Promise.all(AGGREGATES.map((aggregate) => stepsOf(home, aggregate)));
  const before = await answers();
  expect(before).toEqual([
    [1, 7],
    [9, 7],
    [4.5, 7],
    [2, 7],
  ]);
  expect([await store.condense(NOW), await store.condense(NOW)]).toEqual([7, 0]);
  expect(await answers()).toEqual(before);
  expect(await timesOf(home)).toEqual([NOW - 2 * HOUR_MS, NOW - HOUR_MS, NOW + 1]);
  expect(await timesOf(neighbour)).toEqual([NOW - HOUR_MS]);
  // A device that was away says what it measured then.
  await store.save([
    reading(home, NOW - 2 * HOUR_MS + 1, { value: 11 }),
    reading(home, NOW - 1, { value: 8 }),
  ]);
  const late = await answers();
  expect(late).toEqual([
    [1, 7],
    [11, 7],
    [46 / 8, 7],
    [8, 7],
  ]);
  expect(await store.condense(NOW)).toBe(2);
  expect(await answers()).toEqual(late);
  expect(await store.listLast(home.owner, home.source.deviceId)).toMatchObject([{ value: 7 }]);
});

it('counts hours as what they take, removes the oldest by age and by room, and all with their device', async () => {
  const at = (hour: number) => NOW + hour * HOUR_MS;
  await store.save(
    [0, 1, 2, 3].flatMap((hour) => [at(hour), at(hour) + 1]).map((atMs) => reading(home, atMs)),
  );
  await store.condense(at(3));
  const keptBytes = async () => {
    const [row] = await testDatabase.database.system(
      'relay',
      (sql) => sql<{ kept: bigint }[]>`
      SELECT kept_bytes AS kept FROM readings_series WHERE network_id = ${home.source.networkId}`,
    );
    return Number(row?.kept);
  };
  expect(await keptBytes()).toBe(3 * HOUR_BYTES + 2 * POINT_BYTES);
  await store.saveRetentionDays(home.owner, 7);
  expect(await store.removeOld(at(1) + 7 * DAY_MS, 3_650)).toBe(1);
  await store.removeBeyond(HOUR_BYTES + 2 * POINT_BYTES);
  expect([await timesOf(home), await keptBytes()]).toEqual([
    [at(2), at(3), at(3) + 1],
    HOUR_BYTES + 2 * POINT_BYTES,
  ]);
  await testDatabase.database.tenant(serverFor(home.source.tenantId), async (sql) => {
    await sql`DELETE FROM network_members WHERE device_id = ${home.source.deviceId}`;
  });
  const left = await testDatabase.database.system(
    'relay',
    (sql) => sql`
    SELECT FROM readings_hours WHERE network_id = ${home.source.networkId}`,
  );
  expect(left).toHaveLength(0);
});

it('takes the mean of what no sensor measures, and nothing of others waits for it', async () => {
  const extremes = [1e200, -1e200, Number.MAX_VALUE, Number.MAX_VALUE, Number.MIN_VALUE];
  const say = (from: number) =>
    store.save(extremes.map((value, index) => reading(home, NOW + from + index, { value })));
  await say(0);
  await store.save([reading(neighbour, NOW)]);
  expect(await stepsOf(home, 'mean')).toEqual([expect.any(Number)]);
  expect(await store.condense(NOW + HOUR_MS)).toBe(extremes.length + 1);
  await say(10);
  expect(await store.condense(NOW + HOUR_MS)).toBe(extremes.length);
  expect(await stepsOf(home, 'max')).toEqual([Number.MAX_VALUE]);
  const tiny = [Number.MIN_VALUE, 0];
  for (const [index, value] of tiny.entries()) {
    await store.save([reading(neighbour, NOW + 2 * HOUR_MS + index, { value, name: 'tiny' })]);
    expect(await store.condense(NOW + 3 * HOUR_MS)).toBe(1);
  }
});

it('shows no hour to a neighbour', async () => {
  await store.save([reading(home, NOW)]);
  await store.condense(NOW + 1);
  const asked = (actor: AccountActor) =>
    testDatabase.database.tenant(
      actor,
      (sql) => sql`SELECT FROM readings_history WHERE at = ${new Date(NOW)}`,
    );
  expect([(await asked(home.owner)).length, (await asked(neighbour.owner)).length]).toEqual([1, 0]);
});

it('counts a point once that comes again, with another value or with new ones', async () => {
  const times = [NOW, NOW + 1, NOW + 2];
  for (let time = 0; time < 5; time++)
    await store.save(times.map((atMs) => reading(home, atMs, { value: time })));
  await store.save([...times, NOW + 3].map((atMs) => reading(home, atMs)));
  await store.removeBeyond(4 * POINT_BYTES);
  expect(await timesOf(home)).toEqual([...times, NOW + 3]);
  await store.removeBeyond(3 * POINT_BYTES);
  expect(await timesOf(home)).toEqual([NOW + 1, NOW + 2, NOW + 3]);
});

it('keeps nothing of a device that is not in the network, and nothing of others fails with it', async () => {
  const stranger = { ...neighbour.source, networkId: home.source.networkId };
  expect(await store.save([reading(home, NOW), reading({ ...neighbour, source: stranger }, NOW)])).toEqual([
    true,
    false,
  ]);
});

it('of a batch that fails, those of each network are tried by themselves', async () => {
  const failing: ReadingStore = {
    ...store,
    save: async (readings) => {
      if (readings.some(({ networkId }) => networkId === neighbour.source.networkId)) throw new Error('no');
      return store.save(readings);
    },
  };
  const clock = new FakeClock();
  const service = createReadingService(
    { retentionDays: 7, networkBytesMax: 1_000 },
    { store: failing, devices: {} as never, clock, room: PLENTY },
  );
  const said = { name: 't', value: 1, unit: '', measuredAtMs: 0 };
  const first = service.record(home.source, [{ ...said, name: 'first' }]);
  const outcomes = await Promise.allSettled([
    service.record(neighbour.source, [said]),
    service.record(home.source, [said]),
  ]);
  await first;
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  await service.stop();
});

it('takes no more of a tenant than may wait, and what a database has no place for not at all', async () => {
  const slow: ReadingStore = { ...store, save: () => new Promise(() => undefined) };
  const service = createReadingService(
    { retentionDays: 7, networkBytesMax: 1_000 },
    { store: slow, devices: {} as never, clock: new FakeClock(), room: PLENTY },
  );
  const said = { name: 't', value: 1, unit: '', measuredAtMs: 0 };
  for (const wrong of [
    { value: Number.NaN },
    { value: 'a\0' },
    { name: '' },
    { name: '\ud800' },
    { unit: 'x'.repeat(33) },
  ]) {
    await expect(service.record(home.source, [{ ...said, ...wrong }])).rejects.toMatchObject({
      code: 'invalid_input',
    });
  }
  void service.record(home.source, Array(20_000).fill(said));
  await expect(service.record(home.source, [said])).rejects.toMatchObject({ code: 'unavailable' });
  const other = service.record(neighbour.source, [said]);
  expect(await Promise.race([other.catch((error) => error), Promise.resolve('waits')])).toBe('waits');
});

it('gives the last values of so many readings, however many networks a device says others in', async () => {
  const { tenantId, deviceId } = home.source;
  for (const prefix of ['a', 'b', 'c']) {
    const networkId = asId<NetworkId>(uuid(95_000 + ++networks));
    await testDatabase.database.tenant(serverFor(tenantId), async (sql) => {
      await sql`INSERT INTO networks (id, tenant_id, name) VALUES (${networkId}, ${tenantId}, ${prefix})`;
      await sql`
        INSERT INTO network_members (tenant_id, network_id, device_tenant_id, device_id)
        VALUES (${tenantId}, ${networkId}, ${tenantId}, ${deviceId})`;
    });
    const names = Array.from({ length: SERIES_PER_DEVICE_MAX }, (_, index) => `${prefix}${index}`);
    await store.save(names.map((name) => reading(home, NOW, { networkId, name })));
  }
  expect(await store.listLast(home.owner, deviceId)).toHaveLength(LAST_READINGS_MAX);
});

/** Memberships that lose a device right after the first look at them. */
function leavingAfterFirstLook({ source }: Home) {
  const memberships = createMembershipStore(testDatabase.database);
  let looks = 0;
  return {
    async selectMembers(...asked: Parameters<typeof memberships.selectMembers>) {
      const members = await memberships.selectMembers(...asked);
      if (++looks > 1) return members;
      await testDatabase.database.tenant(
        serverFor(source.tenantId),
        (sql) => sql`DELETE FROM network_members WHERE device_id = ${source.deviceId}`,
      );
      return members;
    },
  };
}

it('keeps the readings of others where a device leaves at that moment', async () => {
  const late = createReadingStore(testDatabase.database, leavingAfterFirstLook(neighbour));
  expect(await late.save([reading(neighbour, NOW), reading(home, NOW)])).toEqual([false, true]);
  expect(await timesOf(home)).toEqual([NOW]);
});

it('keeps the notices of others where a device leaves at that moment', async () => {
  const late = createDropStore(testDatabase.database, leavingAfterFirstLook(neighbour));
  const noticeOf = ({ source }: Home): DropNotice => ({
    ...source,
    end: 'receiver',
    cause: 'queue_full',
    count: 1,
    topics: [],
    frameIds: [],
    sinceMs: NOW,
    atMs: NOW,
  });
  expect(await late.save([noticeOf(neighbour), noticeOf(home)])).toEqual([noticeOf(home)]);
  expect(await late.list(home.owner, home.source.deviceId)).toEqual([noticeOf(home)]);
});

it('keeps the states of others where a device leaves at that moment, and wants nothing of it', async () => {
  const shadowsWhile = (leaves: Home) =>
    createShadowStore(testDatabase.database, leavingAfterFirstLook(leaves), async () => {});
  const reportOf = ({ source }: Home): Report => ({ ...source, change: { on: true }, expectedVersion: null });
  const late = shadowsWhile(neighbour);
  expect(await late.saveReports([reportOf(neighbour), reportOf(home)], NOW)).toMatchObject([
    { ok: false },
    { ok: true },
  ]);
  expect((await late.find(home.owner, home.source))?.reported.state).toEqual({ on: true });

  const wanted = await shadowsWhile(home).changeDesired(
    home.owner,
    home.source,
    { on: false },
    { version: null, lock: null },
    NOW,
  );
  expect(wanted).toEqual({ ok: false, reason: 'not_found' });
});
