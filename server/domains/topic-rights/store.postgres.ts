import type { Database, Sql } from '../../kernel/database.ts';
import { gather } from '../../kernel/gather.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import { READ_TOGETHER } from './limits.ts';
import type { DeviceInNetwork, RightsStore } from './ports.ts';
import type { TopicRights } from './types.ts';

interface RightsRow {
  device_id: DeviceId | null;
  publish: string[] | null;
  subscribe: string[] | null;
  changed_at: Date;
}

/** Rights in PostgreSQL: who manages a network writes them, the server reads all. */
export function createTopicRightsStore(database: Database): RightsStore {
  const find = gather(
    (devices: readonly DeviceInNetwork[]) => database.system('relay', (sql) => findAll(sql, devices)),
    READ_TOGETHER,
  );
  return {
    find,

    list: (actor, networkId) =>
      database.read(actor, async (sql) => {
        const rows = await sql<RightsRow[]>`
          SELECT device_id, publish, subscribe, changed_at FROM topic_rights
          WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId} ORDER BY device_id NULLS FIRST`;
        return rows.map(({ device_id, publish, subscribe, changed_at }) => ({
          holder: device_id ?? 'guests',
          publish,
          subscribe,
          changedAtMs: changed_at.getTime(),
        }));
      }),

    set: (actor, networkId, { holder, publish, subscribe, changedAtMs }, holdersMax) =>
      database
        .tenant(actor, async (sql) => {
          const deviceId = deviceOf(holder);
          const { tenantId } = actor;
          await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`topic-rights:${networkId}`}, 0))`;
          const [others] = await sql<{ count: number }[]>`
            SELECT count(*)::int AS count FROM topic_rights
            WHERE tenant_id = ${tenantId} AND network_id = ${networkId} AND device_id IS DISTINCT FROM ${deviceId}`;
          if ((others?.count ?? 0) >= holdersMax) return 'full' as const;
          await sql`
            INSERT INTO topic_rights (network_id, tenant_id, device_id, publish, subscribe, changed_at)
            VALUES (${networkId}, ${tenantId}, ${deviceId}, ${listOf(publish)}, ${listOf(subscribe)}, ${new Date(changedAtMs)})
            ON CONFLICT (network_id, device_id) DO UPDATE
            SET publish = EXCLUDED.publish, subscribe = EXCLUDED.subscribe, changed_at = EXCLUDED.changed_at`;
          return 'kept' as const;
        })
        .catch((error: unknown) => {
          // Of the network or the device: one of them is gone.
          if ((error as { code?: string }).code === FOREIGN_KEY_VIOLATION) return 'gone' as const;
          throw error;
        }),

    remove: (actor, networkId, holder) =>
      database.tenant(actor, async (sql) => {
        const removed = await sql`
          DELETE FROM topic_rights WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId}
            AND device_id IS NOT DISTINCT FROM ${deviceOf(holder)} RETURNING 1`;
        return removed.length > 0;
      }),

    listNetworks: () =>
      database.system('relay', async (sql) => {
        const rows = await sql<{ network_id: NetworkId }[]>`SELECT DISTINCT network_id FROM topic_rights`;
        return rows.map(({ network_id }) => network_id);
      }),
  };
}

const FOREIGN_KEY_VIOLATION = '23503';
const deviceOf = (holder: DeviceId | 'guests') => (holder === 'guests' ? null : holder);
const listOf = (filters: readonly string[] | null) => (filters === null ? null : [...filters]);

/** The rights of each of these devices, in their order. */
async function findAll(sql: Sql, devices: readonly DeviceInNetwork[]): Promise<(TopicRights | null)[]> {
  const rows = await sql<(Omit<RightsRow, 'changed_at'> & { network_id: NetworkId })[]>`
    SELECT network_id, device_id, publish, subscribe FROM topic_rights
    WHERE network_id = ANY (${[...new Set(devices.map(({ networkId }) => networkId))]}::uuid[])
      AND (device_id IS NULL OR device_id = ANY (${devices.map(({ deviceId }) => deviceId)}::uuid[]))`;
  const keyOf = (networkId: NetworkId, deviceId: DeviceId | null) => `${networkId} ${deviceId ?? ''}`;
  const found = new Map(
    rows.map(({ network_id, device_id, publish, subscribe }) => [
      keyOf(network_id, device_id),
      { publish, subscribe },
    ]),
  );
  return devices.map(({ networkId, deviceId, isGuest }) => {
    const own = found.get(keyOf(networkId, deviceId));
    return own ?? (isGuest ? found.get(keyOf(networkId, null)) : undefined) ?? null;
  });
}
