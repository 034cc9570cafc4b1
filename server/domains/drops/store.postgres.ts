import type { Database, Sql } from '../../kernel/database.ts';
import { withoutDeparted } from '../../kernel/departures.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { DROPS_PER_DEVICE_MAX } from './limits.ts';
import type { DropStore } from './ports.ts';
import type { DropCause, DropEnd, DropNotice } from './types.ts';

/** Who belongs to a network, asked in a transaction of drops. */
export interface NetworkMembers {
  /** Those of the devices that belong to their networks. */
  selectMembers(
    sql: Sql,
    devices: readonly { readonly networkId: NetworkId; readonly deviceId: DeviceId }[],
  ): Promise<readonly { readonly networkId: NetworkId; readonly deviceId: DeviceId }[]>;
}

interface DropRow {
  network_id: NetworkId;
  tenant_id: TenantId;
  device_id: DeviceId;
  device_end: DropEnd;
  cause: DropCause;
  count: number;
  topics: string[];
  frame_ids: string[];
  since: Date;
  at: Date;
}

/** Notices in PostgreSQL: written by the role that carries what devices say, read in transactions of who asks. */
export function createDropStore(database: Database, { selectMembers }: NetworkMembers): DropStore {
  return {
    save: (notices) =>
      withoutDeparted(() =>
        database.system('relay', async (sql) => {
          const members = new Set((await selectMembers(sql, notices)).map(keyOf));
          const meant = notices.filter((notice) => members.has(keyOf(notice)));
          if (meant.length > 0) await save(sql, meant);
          return meant;
        }),
      ),

    list: (actor, deviceId) =>
      database.read(actor, async (sql) => {
        const rows = await sql<DropRow[]>`
          SELECT * FROM device_drops
          WHERE tenant_id = ${actor.tenantId} AND device_id = ${deviceId} ORDER BY id DESC`;
        return rows.map(toNotice);
      }),
  };
}

const keyOf = ({ networkId, deviceId }: { networkId: NetworkId; deviceId: DeviceId }): string =>
  networkId + deviceId;

const toNotice = (row: DropRow): DropNotice => ({
  networkId: row.network_id,
  tenantId: row.tenant_id,
  deviceId: row.device_id,
  end: row.device_end,
  cause: row.cause,
  count: row.count,
  topics: row.topics,
  frameIds: row.frame_ids,
  sinceMs: row.since.getTime(),
  atMs: row.at.getTime(),
});

const isoOf = (atMs: number): string => new Date(atMs).toISOString();

async function save(sql: Sql, notices: readonly DropNotice[]): Promise<void> {
  await sql`
    INSERT INTO device_drops
      (network_id, tenant_id, device_id, device_end, cause, count, topics, frame_ids, since, at)
    SELECT network_id, tenant_id, device_id, device_end, cause, count, topics::jsonb, frame_ids::jsonb, since, at FROM unnest(
      ${notices.map(({ networkId }) => networkId)}::uuid[],
      ${notices.map(({ tenantId }) => tenantId)}::uuid[],
      ${notices.map(({ deviceId }) => deviceId)}::uuid[],
      ${notices.map(({ end }) => end)}::text[],
      ${notices.map(({ cause }) => cause)}::text[],
      ${notices.map(({ count }) => count)}::int[],
      ${notices.map(({ topics }) => JSON.stringify(topics))}::text[],
      ${notices.map(({ frameIds }) => JSON.stringify(frameIds))}::text[],
      ${notices.map(({ sinceMs }) => isoOf(sinceMs))}::timestamptz[],
      ${notices.map(({ atMs }) => isoOf(atMs))}::timestamptz[])
      AS said (network_id, tenant_id, device_id, device_end, cause, count, topics, frame_ids, since, at)`;
  const deviceIds = [...new Set(notices.map(({ deviceId }) => deviceId))];
  await sql`
    DELETE FROM device_drops USING (
      SELECT id, row_number() OVER (PARTITION BY network_id, device_id ORDER BY id DESC) AS place
      FROM device_drops WHERE device_id = ANY(${deviceIds}::uuid[])) AS ranked
    WHERE device_drops.id = ranked.id AND ranked.place > ${DROPS_PER_DEVICE_MAX}`;
}
