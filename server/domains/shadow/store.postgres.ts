import type { Database, Sql } from '../../kernel/database.ts';
import { withoutDeparted } from '../../kernel/departures.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { NETWORK_BYTES_MAX } from './limits.ts';
import type { DesiredOutcome, ReportOutcome, ShadowStore, ShownLock } from './ports.ts';
import { changed, fits, isSame, sizeOf } from './rules.ts';
import type { OwnedShadow, Report, Shadow, ShadowOwner, State, StateChange } from './types.ts';

/** Who belongs to a network, asked in a transaction of shadows. */
export interface NetworkMembers {
  /** Those of the devices that belong to their networks. */
  selectMembers(
    sql: Sql,
    devices: readonly { readonly networkId: NetworkId; readonly deviceId: DeviceId }[],
  ): Promise<readonly { readonly networkId: NetworkId; readonly deviceId: DeviceId }[]>;
}

/** Makes sure, until the transaction has ended, that a lock is held under a token. Refuses others with `lock_token_stale`. */
export type RequireLock = (sql: Sql, lock: ShownLock) => Promise<void>;

interface ShadowRow {
  network_id: NetworkId;
  tenant_id: TenantId;
  device_id: DeviceId;
  desired: State;
  desired_version: bigint;
  desired_at: Date | null;
  reported: State;
  reported_version: bigint;
  reported_at: Date | null;
}

const NOTHING = { state: {}, version: 0, changedAtMs: null } as const;

const toShadow = (row: ShadowRow): Shadow => ({
  desired: {
    state: row.desired,
    version: Number(row.desired_version),
    changedAtMs: row.desired_at?.getTime() ?? null,
  },
  reported: {
    state: row.reported,
    version: Number(row.reported_version),
    changedAtMs: row.reported_at?.getTime() ?? null,
  },
});

const toOwned = (row: ShadowRow): OwnedShadow => ({
  networkId: row.network_id,
  tenantId: row.tenant_id,
  deviceId: row.device_id,
  ...toShadow(row),
});

/** Shadows in PostgreSQL: reports are written by the role that keeps what devices say, the rest in transactions of who asks. */
export function createShadowStore(
  database: Database,
  members: NetworkMembers,
  requireLock: RequireLock,
): ShadowStore {
  return {
    find: (actor, { networkId, deviceId }) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<ShadowRow[]>`
          SELECT * FROM device_shadows
          WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId} AND device_id = ${deviceId}`;
        return row === undefined ? null : toShadow(row);
      }),

    findOwn: ({ networkId, deviceId }) =>
      database.system('relay', async (sql) => {
        const [row] = await sql<ShadowRow[]>`
          SELECT * FROM device_shadows WHERE network_id = ${networkId} AND device_id = ${deviceId}`;
        return row === undefined ? null : toShadow(row);
      }),

    listWanted: (devices) =>
      database.system('relay', async (sql) => {
        const rows = await sql<ShadowRow[]>`
          SELECT device_shadows.* FROM device_shadows
            JOIN (SELECT DISTINCT * FROM unnest(
              ${devices.map(({ networkId }) => networkId)}::uuid[],
              ${devices.map(({ deviceId }) => deviceId)}::uuid[]) AS asked (network_id, device_id)) AS asked
            USING (network_id, device_id)
          WHERE desired_version > 0`;
        const found = new Map(rows.map((row) => [row.network_id + row.device_id, toOwned(row)]));
        return devices.map((device) => found.get(keyOf(device)) ?? null);
      }),

    changeDesired: (actor, owner, change, { version, lock }, nowMs) =>
      withoutDeparted(() =>
        database.tenant(actor, async (sql) => {
          if (lock !== null) await requireLock(sql, lock);
          return changeDesired(sql, owner, { change, expectedVersion: version, nowMs }, members);
        }),
      ),

    saveReports: (reports, nowMs) =>
      withoutDeparted(() => database.system('relay', (sql) => saveReports(sql, reports, nowMs, members))),

    listUntold: (deviceIds) =>
      database.system('relay', async (sql) => {
        const rows = await sql<ShadowRow[]>`
          SELECT * FROM device_shadows WHERE device_id = ANY (${[...deviceIds]}::uuid[]) AND told_version < desired_version`;
        const found = rows.map(toOwned);
        return deviceIds.map((deviceId) => found.filter((shadow) => shadow.deviceId === deviceId));
      }),

    saveTold: ({ networkId, deviceId }, version) =>
      database.system('relay', async (sql) => {
        await sql`
          UPDATE device_shadows SET told_version = greatest(told_version, ${version})
          WHERE network_id = ${networkId} AND device_id = ${deviceId}`;
      }),
  };
}

async function changeDesired(
  sql: Sql,
  { networkId, tenantId, deviceId }: ShadowOwner,
  asked: { change: StateChange; expectedVersion: number | null; nowMs: number },
  members: NetworkMembers,
): Promise<DesiredOutcome> {
  if ((await members.selectMembers(sql, [{ networkId, deviceId }])).length === 0) {
    return { ok: false, reason: 'not_found' };
  }
  await lockNetworks(sql, [networkId]);
  const [row] = await sql<ShadowRow[]>`
    SELECT * FROM device_shadows
    WHERE tenant_id = ${tenantId} AND network_id = ${networkId} AND device_id = ${deviceId} FOR UPDATE`;
  const before = row === undefined ? { desired: NOTHING, reported: NOTHING } : toShadow(row);
  const { version } = before.desired;
  if (asked.expectedVersion !== null && asked.expectedVersion !== version) {
    return { ok: false, reason: 'conflict', version };
  }
  const state = changed(before.desired.state, asked.change);
  if (row !== undefined && isSame(state, before.desired.state)) return { ok: true, shadow: before };
  if (!fits(state)) return { ok: false, reason: 'too_large' };
  const growth = sizeOf(state) - sizeOf(before.desired.state);
  if (growth > 0 && !(await hasRoom(sql, networkId, growth))) return { ok: false, reason: 'no_room' };
  const bytes = sizeOf(state) + sizeOf(before.reported.state);
  const saved = await sql<ShadowRow[]>`
    INSERT INTO device_shadows (network_id, tenant_id, device_id, desired, desired_version, desired_at, bytes)
    VALUES (${networkId}, ${tenantId}, ${deviceId}, ${JSON.stringify(state)}::text::jsonb, 1, ${new Date(asked.nowMs)}, ${bytes})
    ON CONFLICT (network_id, device_id) DO UPDATE SET
      desired = EXCLUDED.desired, desired_version = device_shadows.desired_version + 1,
      desired_at = EXCLUDED.desired_at, bytes = EXCLUDED.bytes
    RETURNING *`;
  return saved[0] === undefined
    ? { ok: false, reason: 'not_found' }
    : { ok: true, shadow: toShadow(saved[0]) };
}

/** Changes of a network's shadows come one after the other: each sees what the others take of its room. */
async function lockNetworks(sql: Sql, networkIds: readonly NetworkId[]): Promise<void> {
  for (const networkId of [...networkIds].sort()) {
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`shadows:${networkId}`}, 0))`;
  }
}

async function hasRoom(sql: Sql, networkId: NetworkId, growth: number): Promise<boolean> {
  const [sum] = await sql<{ bytes: bigint }[]>`
    SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM device_shadows WHERE network_id = ${networkId}`;
  return Number(sum?.bytes ?? 0n) + growth <= NETWORK_BYTES_MAX;
}

/** A shadow while the reports of a transaction are put into it. */
interface Draft {
  readonly owner: ShadowOwner;
  readonly before: Shadow;
  state: State;
}

async function saveReports(
  sql: Sql,
  reports: readonly Report[],
  nowMs: number,
  { selectMembers }: NetworkMembers,
): Promise<ReportOutcome[]> {
  const isMember = new Set((await selectMembers(sql, reports)).map(keyOf));
  const meant = reports.filter((report) => isMember.has(keyOf(report)));
  await lockNetworks(sql, [...new Set(meant.map(({ networkId }) => networkId))]);
  const drafts = await readDrafts(sql, meant);
  const refused = new Map<Report, ReportOutcome>();
  const growth = new Map<NetworkId, number>();
  for (const report of meant) {
    const draft = drafts.get(keyOf(report)) as Draft;
    const version = versionOf(draft);
    if (report.expectedVersion !== null && report.expectedVersion !== version) {
      refused.set(report, { ok: false, reason: 'conflict', version });
      continue;
    }
    const state = changed(draft.state, report.change);
    const grown = (growth.get(report.networkId) ?? 0) + sizeOf(state) - sizeOf(draft.state);
    if (!fits(state) || (grown > 0 && !(await hasRoom(sql, report.networkId, grown)))) {
      refused.set(report, TOO_MUCH);
      continue;
    }
    growth.set(report.networkId, grown);
    draft.state = state;
  }
  await writeDrafts(sql, [...drafts.values()].filter(isChanged), nowMs);
  return reports.map((report) => {
    const draft = drafts.get(keyOf(report));
    if (draft === undefined) return TOO_MUCH;
    return refused.get(report) ?? { ok: true, before: draft.before, after: shadowAfter(draft, nowMs) };
  });
}

const TOO_MUCH: ReportOutcome = { ok: false, reason: 'too_much' };

const isChanged = ({ before, state }: Draft): boolean => !isSame(state, before.reported.state);

/** The version of what the device says, with what is in the draft: all reports of a transaction are one change. */
const versionOf = (draft: Draft): number => draft.before.reported.version + (isChanged(draft) ? 1 : 0);

const keyOf = ({ networkId, deviceId }: { networkId: NetworkId; deviceId: DeviceId }): string =>
  networkId + deviceId;

function shadowAfter(draft: Draft, nowMs: number): Shadow {
  const { before, state } = draft;
  if (!isChanged(draft)) return before;
  return {
    desired: before.desired,
    reported: { state, version: versionOf(draft), changedAtMs: nowMs },
  };
}

async function readDrafts(sql: Sql, reports: readonly Report[]): Promise<Map<string, Draft>> {
  const rows = await sql<ShadowRow[]>`
    SELECT device_shadows.* FROM device_shadows
      JOIN (SELECT DISTINCT * FROM unnest(
        ${reports.map(({ networkId }) => networkId)}::uuid[],
        ${reports.map(({ deviceId }) => deviceId)}::uuid[]) AS said (network_id, device_id)) AS said
      USING (network_id, device_id)
    ORDER BY network_id, device_id FOR UPDATE OF device_shadows`;
  const known = new Map(rows.map((row) => [row.network_id + row.device_id, toShadow(row)]));
  return new Map(
    reports.map((report) => {
      const before = known.get(keyOf(report)) ?? { desired: NOTHING, reported: NOTHING };
      return [keyOf(report), { owner: report, before, state: before.reported.state }];
    }),
  );
}

async function writeDrafts(sql: Sql, drafts: readonly Draft[], nowMs: number): Promise<void> {
  if (drafts.length === 0) return;
  await sql`
    INSERT INTO device_shadows (network_id, tenant_id, device_id, reported, reported_version, reported_at, bytes)
    SELECT network_id, tenant_id, device_id, reported::jsonb, 1, ${new Date(nowMs)}, bytes FROM unnest(
      ${drafts.map(({ owner }) => owner.networkId)}::uuid[],
      ${drafts.map(({ owner }) => owner.tenantId)}::uuid[],
      ${drafts.map(({ owner }) => owner.deviceId)}::uuid[],
      ${drafts.map(({ state }) => JSON.stringify(state))}::text[],
      ${drafts.map(({ state, before }) => sizeOf(state) + sizeOf(before.desired.state))}::int[])
      AS said (network_id, tenant_id, device_id, reported, bytes)
    ON CONFLICT (network_id, device_id) DO UPDATE SET
      reported = EXCLUDED.reported, reported_version = device_shadows.reported_version + 1,
      reported_at = EXCLUDED.reported_at, bytes = EXCLUDED.bytes`;
}
