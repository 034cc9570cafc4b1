import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMembershipStore } from '../../../server/domains/devices/index.ts';
import { renewParts } from '../../../server/domains/readings/ageing.postgres.ts';
import { HOUR_BYTES, PARTS_PAUSE_MS, POINT_BYTES } from '../../../server/domains/readings/limits.ts';
import type { ReadingStore } from '../../../server/domains/readings/ports.ts';
import { createReadingService } from '../../../server/domains/readings/service.ts';
import { createReadingStore } from '../../../server/domains/readings/store.postgres.ts';
import { connect } from '../../../server/platform/database/connect.ts';
import { readingsByTime } from '../../../server/platform/database/migrations/0210-readings-by-time.ts';
import { migrations } from '../../../server/platform/database/migrations/index.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { addHome, type Home, readingOf } from './homes.ts';

const DAY_MS = 86_400_000;
let database: TestDatabase;
let store: ReadingStore;
let home: Home;
let neighbour: Home;

beforeEach(async () => {
  database = await createTestDatabase();
  store = createReadingStore(database.database, createMembershipStore(database.database));
  home = await addHome(database);
  neighbour = await addHome(database);
});
afterEach(() => database.close());

/** Asks as the owner, past the policies of the parents. */
async function askOwner<Row extends object>(query: string): Promise<Row[]> {
  const sql = connect(database.url, { connectionsMax: 1 });
  try {
    return [...(await sql.unsafe<Row[]>(query))];
  } finally {
    await sql.end();
  }
}

/** The parts that have rows, each with how many. */
async function filledParts(): Promise<Record<string, number>> {
  const rows = await askOwner<{ part: string; rows: bigint }>(`
    SELECT tableoid::regclass::text AS part, count(*) AS rows
    FROM (SELECT tableoid FROM readings_points UNION ALL SELECT tableoid FROM readings_hours) AS row GROUP BY 1 ORDER BY 1`);
  return Object.fromEntries(rows.map(({ part, rows }) => [part, Number(rows)]));
}

const partNames = async (parent: string): Promise<string[]> =>
  (
    await askOwner<{ name: string }>(`
      SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = '${parent}'::regclass ORDER BY 1`)
  ).map(({ name }) => name);

async function keptBytes({ source }: Home): Promise<number> {
  const [row] = await database.database.system(
    'relay',
    (sql) => sql<{ kept: bigint }[]>`
      SELECT sum(kept_bytes) AS kept FROM readings_series WHERE network_id = ${source.networkId}`,
  );
  return Number(row?.kept ?? 0);
}

const dayOf = (atMs: number) =>
  `readings_points_${new Date(atMs).toISOString().slice(0, 10).replaceAll('-', '')}`;
const monthOf = (atMs: number) =>
  `readings_hours_${new Date(atMs).toISOString().slice(0, 7).replaceAll('-', '')}01`;

const history = ({ owner, source }: Home) =>
  store.listHistory(owner, source.deviceId, {
    name: 't',
    fromMs: 0,
    toMs: 8_000_000_000_000,
    step: null,
    limit: 1_000,
  });

it('puts what is measured into the part of its day, and what is older than all of them into one', async () => {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const times = [today - 400 * DAY_MS, today - DAY_MS, today, today + 1];
  await store.save(times.map((atMs) => readingOf(home, atMs)));
  expect(await filledParts()).toEqual({
    readings_points_other: 1,
    [dayOf(today - DAY_MS)]: 1,
    [dayOf(today)]: 2,
  });
  expect((await history(home)).map(({ atMs }) => atMs)).toEqual(times);
});

it('makes the parts of two days ahead, carries over what came before its part, and makes none twice', async () => {
  const later = Math.floor(Date.now() / DAY_MS) * DAY_MS + 40 * DAY_MS;
  await store.save([readingOf(home, later), readingOf(home, later + DAY_MS, { value: 'open' })]);
  expect(await filledParts()).toEqual({ readings_points_other: 2 });
  for (let time = 0; time < 2; time++) await store.renewParts(later, 3_650);
  expect(await filledParts()).toEqual({ [dayOf(later)]: 1, [dayOf(later + DAY_MS)]: 1 });
  expect(await partNames('readings_points')).toEqual(expect.arrayContaining([dayOf(later + 2 * DAY_MS)]));
  expect((await history(home)).map(({ value }) => value)).toEqual([1, 'open']);
});

it('makes parts once where two nodes make them at the same time', async () => {
  const later = Date.now() + 40 * DAY_MS;
  const outcomes = await Promise.all(
    [1, 2, 3].map(() =>
      store.renewParts(later, 3_650).then(
        () => 'done',
        (error: { code?: string }) => error.code,
      ),
    ),
  );
  // Whoever waits for long on a busy machine gives up, and tries again.
  expect(['done', '55P03']).toEqual(expect.arrayContaining(outcomes));
  expect(await partNames('readings_points')).toContain(dayOf(later + 2 * DAY_MS));
});

it('lets nobody wait long for parts that a backup keeps from being made, and ages what is there', async () => {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const now = today + 8 * DAY_MS;
  await store.save([readingOf(home, today), readingOf(home, today + 1)]);
  const clock = new FakeClock(now);
  const devices = { getDevice: () => Promise.reject(new Error('not asked')) };
  const room = { requireRoom: () => undefined };
  const options = { retentionDays: 3_650, networkBytesMax: 1_000_000 };
  const service = createReadingService(options, { store, devices, clock, room });
  const backup = connect(database.url, { connectionsMax: 1 });
  try {
    await backup.begin(async (sql) => {
      await sql`SELECT FROM readings_points`;
      await expect(service.age()).rejects.toMatchObject({ code: '55P03' });
      // Meanwhile nobody is kept waiting for another try.
      await service.age();
    });
  } finally {
    await backup.end();
  }
  expect(await filledParts()).toEqual({ [monthOf(today)]: 1 });
  await service.age();
  expect(await partNames('readings_points')).not.toContain(dayOf(now));
  clock.advance(PARTS_PAUSE_MS);
  await service.age();
  expect(await partNames('readings_points')).toContain(dayOf(now));
});

it('gives no statement more than two seconds to make or drop parts', async () => {
  const [row] = await database.database.system('relay', async (sql) => {
    await renewParts(sql, new Date(), 3_650);
    return sql<{ timeout: string }[]>`SELECT current_setting('statement_timeout') AS timeout`;
  });
  expect(row?.timeout).toBe('2s');
});

it('drops the part of a day whose points are condensed, and none that has any', async () => {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const now = today + 8 * DAY_MS;
  await store.save([readingOf(home, today - 1), readingOf(home, today), readingOf(home, today + DAY_MS)]);
  await store.condense(today + DAY_MS);
  await store.renewParts(now, 3_650);
  const left = await partNames('readings_points');
  expect(left).not.toContain(dayOf(today));
  expect(left).toContain(dayOf(today + DAY_MS));
  expect(await keptBytes(home)).toBe(2 * HOUR_BYTES + POINT_BYTES);
  // What a device says late about that day has its place, too.
  await store.save([readingOf(home, today + 5)]);
  expect(await filledParts()).toMatchObject({ readings_points_other: 1 });
  expect(await store.condense(today + DAY_MS)).toBe(1);
  expect(await history(home)).toHaveLength(3);
});

it('drops what is past all that is kept as a whole, and counts it off; where one tenant keeps it, it stays', async () => {
  const now = Date.UTC(2026, 11, 1);
  const then = now - 100 * DAY_MS;
  await store.renewParts(then, 3_650);
  for (const each of [home, neighbour]) {
    await store.save([
      readingOf(each, then, { value: 'a text' }),
      readingOf(each, then + 1),
      readingOf(each, now, { name: 'other' }),
    ]);
  }
  await store.condense(then + DAY_MS);
  expect(await filledParts()).toMatchObject({ [monthOf(then)]: 2 });
  await store.saveRetentionDays(neighbour.owner, 200);
  await store.renewParts(now, 30);
  expect(await filledParts()).toMatchObject({ [monthOf(then)]: 2 });
  await store.saveRetentionDays(neighbour.owner, 20);
  expect(await store.renewParts(now, 30)).toBeGreaterThan(0);
  expect(await partNames('readings_hours')).not.toContain(monthOf(then));
  for (const each of [home, neighbour]) {
    expect(await keptBytes(each)).toBe(POINT_BYTES);
    expect(await history(each)).toEqual([]);
  }
});

it('asks for the points of one day in the part of that day alone', async () => {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const plan = await askOwner<{ 'QUERY PLAN': string }>(`
    EXPLAIN SELECT FROM readings_points WHERE series_id = 1
      AND at >= '${new Date(today).toISOString()}' AND at < '${new Date(today + DAY_MS).toISOString()}'`);
  const text = plan.map((row) => row['QUERY PLAN']).join('\n');
  expect(text).toContain(dayOf(today));
  expect(text).not.toContain(dayOf(today - DAY_MS));
});

it('lets nobody at a part but through its parent', async () => {
  const now = Date.now();
  await store.save([readingOf(home, now)]);
  const part = dayOf(now);
  await expect(
    database.database.tenant(home.owner, (sql) => sql`SELECT FROM ${sql(part)}`),
  ).rejects.toMatchObject({ code: '42501' });
  await expect(
    database.database.system('relay', (sql) => sql`SELECT FROM ${sql(part)}`),
  ).rejects.toMatchObject({
    code: '42501',
  });
  await expect(
    database.database.tenant(home.owner, (sql) => sql`SELECT add_readings_parts(now())`),
  ).rejects.toMatchObject({ code: '42501' });
  expect(await history(neighbour)).toEqual([]);
});

it('has the readings of a database that was not parted before, and gives them back', async () => {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  await store.save([today - 500 * DAY_MS, today - DAY_MS, today].map((atMs) => readingOf(home, atMs)));
  await store.condense(today - 2 * DAY_MS);
  const before = await history(home);
  await database.open.rollback(migrations.length - migrations.indexOf(readingsByTime));
  expect(await askOwner(`SELECT FROM pg_inherits WHERE inhparent = 'readings_points'::regclass`)).toEqual([]);
  expect(await history(home)).toEqual(before);
  await database.open.migrate();
  expect(await history(home)).toEqual(before);
  expect(await filledParts()).toEqual({
    [monthOf(today - 500 * DAY_MS)]: 1,
    [dayOf(today - DAY_MS)]: 1,
    [dayOf(today)]: 1,
  });
  await store.save([readingOf(home, today + 1)]);
  expect(await history(home)).toHaveLength(before.length + 1);
});
