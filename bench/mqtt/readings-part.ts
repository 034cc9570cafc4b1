import { createMembershipStore } from '../../server/domains/devices/index.ts';
import {
  createReadingService,
  createReadingStore,
  type SaidReading,
} from '../../server/domains/readings/index.ts';
import type { AccountActor } from '../../server/kernel/actor.ts';
import {
  type AccountId,
  asId,
  type CredentialId,
  type DeviceId,
  type NetworkId,
  type TenantId,
} from '../../server/kernel/ids.ts';
import { type BenchDatabase, openBenchDatabase } from '../processes/database.ts';

/** Devices that speak at the same time, each in a network of its own. */
const DEVICES = 64;
/** Readings of one publication: a weather station says some at once. */
const READINGS = 10;
const CONNECTIONS = 10;
const DAY_MS = 86_400_000;
/** The sensor of the day that is read speaks every ten seconds. */
const SENSOR_EVERY_MS = 10_000;
const ROWS_OF_REFERENCE = 5_000;

interface Source {
  readonly networkId: NetworkId;
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
}

/** The product's readings, and bare tables that hold the same, on one embedded database. */
export function createPart() {
  let bench: BenchDatabase;
  let sources: readonly Source[] = [];
  let owner: AccountActor;
  let service: ReturnType<typeof createReadingService>;
  let dayEndsAtMs = 0;
  return {
    open: async (_: null) => {
      bench = await openBenchDatabase(CONNECTIONS);
      const { database, system } = bench;
      service = createReadingService(
        { retentionDays: 365, networkBytesMax: 1e12 },
        {
          store: createReadingStore(database, createMembershipStore(database)),
          devices: { getDevice: () => Promise.resolve({} as never) },
          clock: system.clock,
          room: { requireRoom: () => {} },
        },
      );
      ({ sources, owner } = await addDevices(bench));
      await addReferences(bench);
      dayEndsAtMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
      await addDay(bench, sources[0] as Source, dayEndsAtMs);
    },

    /** Readings a second that are kept. */
    keep: (run: TimedRun) => keep(service, sources, run),

    /** Rows a second into a bare table. */
    keepBare: (run: TimedRun) => keepBare(bench, run),

    /** Milliseconds of a question for a day in minutes, each time. */
    readDay: async ({ times }: { readonly times: number }) => {
      const { deviceId } = sources[0] as Source;
      const asked = { name: 'sensor.day', fromMs: dayEndsAtMs - DAY_MS, toMs: dayEndsAtMs, limit: 1_440 };
      const step = { seconds: 60, aggregate: 'mean' } as const;
      return await timeEach(times, async () => {
        const points = await service.listHistory(owner, deviceId, { ...asked, step });
        if (points.length !== 1_440) throw new Error(`the day has ${points.length} minutes`);
      });
    },

    /** The same of a bare table, by a superuser whom no policy holds. */
    readDayBare: async ({ times }: { readonly times: number }) =>
      await timeEach(times, async () => {
        const rows = await bench.sql`
          SELECT date_bin('1 minute', at, ${new Date(dayEndsAtMs - DAY_MS)}) AS minute, avg(number) AS number
          FROM bench.day WHERE series_id = 1 AND at >= ${new Date(dayEndsAtMs - DAY_MS)} AND at < ${new Date(dayEndsAtMs)}
          GROUP BY 1 ORDER BY 1`;
        if (rows.length !== 1_440) throw new Error(`the day has ${rows.length} minutes`);
      }),

    close: (_: null) => bench.close(),
  };
}

export type ReadingsPart = ReturnType<typeof createPart>;

interface TimedRun {
  readonly seconds: number;
}

/** Each caller waits for its own readings, as a device with QoS 1 does. */
async function keep(
  service: ReturnType<typeof createReadingService>,
  sources: readonly Source[],
  { seconds }: TimedRun,
): Promise<number> {
  let kept = 0;
  const begunMs = performance.now();
  const deadlineMs = begunMs + seconds * 1_000;
  const say = async (source: Source): Promise<void> => {
    for (let turn = 0; performance.now() < deadlineMs; turn++) {
      const said = Array.from(
        { length: READINGS },
        (_, index): SaidReading => ({
          name: `sensor.${index}`,
          value: turn + index,
          unit: 'celsius',
          measuredAtMs: 0,
        }),
      );
      await service.record(source, said);
      kept += READINGS;
    }
  };
  // Two of each device under way: what comes while one transaction runs is written by the next.
  await Promise.all([...sources, ...sources].map(say));
  return (kept * 1_000) / (performance.now() - begunMs);
}

/** Into a table with one index, as many rows in a statement as our transactions have. */
async function keepBare({ sql }: BenchDatabase, { seconds }: TimedRun): Promise<number> {
  let kept = 0;
  const begunMs = performance.now();
  const deadlineMs = begunMs + seconds * 1_000;
  while (performance.now() < deadlineMs) {
    await sql`
      INSERT INTO bench.points (series_id, at, number)
      SELECT i % 640, clock_timestamp() + i * interval '1 microsecond', i
      FROM generate_series(${kept + 1}::bigint, ${kept + ROWS_OF_REFERENCE}::bigint) AS i
      ON CONFLICT DO NOTHING`;
    kept += ROWS_OF_REFERENCE;
  }
  return (kept * 1_000) / (performance.now() - begunMs);
}

/** Milliseconds of each time, sorted. */
async function timeEach(times: number, work: () => Promise<void>): Promise<number[]> {
  const taken: number[] = [];
  for (let count = 0; count < times; count++) {
    const begunMs = performance.now();
    await work();
    taken.push(performance.now() - begunMs);
  }
  return taken.sort((a, b) => a - b);
}

async function addDevices({ sql, system }: BenchDatabase) {
  const [tenantId, accountId, credentialId] = [1, 2, 3].map(() => system.random.uuid()) as [
    string,
    string,
    string,
  ];
  await sql`INSERT INTO yggdrasil.tenants (id) VALUES (${tenantId})`;
  await sql`INSERT INTO yggdrasil.accounts (id, home_tenant_id, name) VALUES (${accountId}, ${tenantId}, 'Owner')`;
  await sql`
    INSERT INTO yggdrasil.memberships (tenant_id, account_id, role, all_networks)
    VALUES (${tenantId}, ${accountId}, 'owner', true)`;
  const sources: Source[] = [];
  for (let index = 0; index < DEVICES; index++) {
    const [networkId, deviceId] = [system.random.uuid(), system.random.uuid()];
    await sql`INSERT INTO yggdrasil.networks (id, tenant_id, name) VALUES (${networkId}, ${tenantId}, ${`Home ${index}`})`;
    await sql`
      INSERT INTO yggdrasil.devices (id, tenant_id, name, world_type, token_id, token_hash, signing_key_sealed)
      VALUES (${deviceId}, ${tenantId}, ${`Device ${index}`}, 'jotunheim', ${deviceId},
        ${Buffer.from(deviceId.replaceAll('-', '').repeat(2), 'hex')}, ${Buffer.alloc(1)})`;
    await sql`
      INSERT INTO yggdrasil.network_members (tenant_id, network_id, device_tenant_id, device_id)
      VALUES (${tenantId}, ${networkId}, ${tenantId}, ${deviceId})`;
    sources.push({
      networkId: asId<NetworkId>(networkId),
      tenantId: asId<TenantId>(tenantId),
      deviceId: asId<DeviceId>(deviceId),
    });
  }
  const owner: AccountActor = {
    kind: 'account',
    tenantId: asId<TenantId>(tenantId),
    accountId: asId<AccountId>(accountId),
    credentialId: asId<CredentialId>(credentialId),
    role: 'owner',
    networkIds: null,
    operator: false,
  };
  return { sources, owner };
}

async function addReferences({ sql }: BenchDatabase): Promise<void> {
  await sql.unsafe(`
    CREATE SCHEMA IF NOT EXISTS bench;
    CREATE TABLE bench.points (series_id bigint NOT NULL, at timestamptz NOT NULL, number double precision, PRIMARY KEY (series_id, at));
    CREATE TABLE bench.day (series_id bigint NOT NULL, at timestamptz NOT NULL, number double precision, PRIMARY KEY (series_id, at));`);
}

/** A whole day of one sensor, in the product's tables and in the bare one. */
async function addDay({ sql }: BenchDatabase, source: Source, endsAtMs: number): Promise<void> {
  const [first, last] = [new Date(endsAtMs - DAY_MS), new Date(endsAtMs - SENSOR_EVERY_MS)];
  const step = `${SENSOR_EVERY_MS} milliseconds`;
  const [series] = await sql<{ id: string }[]>`
    INSERT INTO yggdrasil.readings_series (network_id, tenant_id, device_id, name, unit, last_at, last_number, kept_bytes)
    VALUES (${source.networkId}, ${source.tenantId}, ${source.deviceId}, 'sensor.day', 'celsius', ${last}, 1, 0) RETURNING id`;
  await sql`
    INSERT INTO yggdrasil.readings_points (series_id, at, network_id, tenant_id, number)
    SELECT ${series?.id ?? ''}::bigint, at, ${source.networkId}::uuid, ${source.tenantId}::uuid, random()
    FROM generate_series(${first}::timestamptz, ${last}::timestamptz, ${step}::interval) AS at`;
  await sql`
    INSERT INTO bench.day SELECT 1, at, random()
    FROM generate_series(${first}::timestamptz, ${last}::timestamptz, ${step}::interval) AS at`;
  await sql.unsafe('ANALYZE yggdrasil.readings_points; ANALYZE bench.day');
}
