import type { Database, Sql } from '../../kernel/database.ts';
import { REFUSALS_PER_DEVICE_MAX } from './limits.ts';
import type { RefusalStore } from './ports.ts';
import type { NotedRefusal, Refusal } from './types.ts';

/** Refusals in PostgreSQL: written by the role that keeps what devices say, read in transactions of who asks. */
export function createRefusalStore(database: Database): RefusalStore {
  return {
    save: (refusals) => database.system('relay', (sql) => save(sql, refusals)),
    list: (actor, deviceId) =>
      database.read(actor, async (sql) => {
        const rows = await sql<(Omit<Refusal, 'atMs'> & { at: Date })[]>`
          SELECT at, transport, topic, code, reason, count FROM device_refusals
          WHERE tenant_id = ${actor.tenantId} AND device_id = ${deviceId} ORDER BY id DESC`;
        return rows.map(({ at, ...refusal }) => ({ ...refusal, atMs: at.getTime() }));
      }),
  };
}

async function save(sql: Sql, refusals: readonly NotedRefusal[]): Promise<void> {
  const deviceIds = [...new Set(refusals.map(({ deviceId }) => deviceId))];
  await sql`
    INSERT INTO device_refusals (device_id, tenant_id, at, transport, topic, code, reason, count)
    SELECT * FROM unnest(
      ${refusals.map(({ deviceId }) => deviceId)}::uuid[],
      ${refusals.map(({ tenantId }) => tenantId)}::uuid[],
      ${refusals.map(({ atMs }) => new Date(atMs).toISOString())}::timestamptz[],
      ${refusals.map(({ transport }) => transport)}::text[],
      ${refusals.map(({ topic }) => topic)}::text[],
      ${refusals.map(({ code }) => code)}::text[],
      ${refusals.map(({ reason }) => reason)}::text[],
      ${refusals.map(({ count }) => count)}::int[])`;
  await sql`
    DELETE FROM device_refusals USING (
      SELECT id, row_number() OVER (PARTITION BY device_id ORDER BY id DESC) AS place
      FROM device_refusals WHERE device_id = ANY(${deviceIds}::uuid[])) AS ranked
    WHERE device_refusals.id = ranked.id AND ranked.place > ${REFUSALS_PER_DEVICE_MAX}`;
}
