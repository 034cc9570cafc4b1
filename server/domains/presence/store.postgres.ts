import { type Database, type Work, withLast } from '../../kernel/database.ts';
import type { NodeLease } from '../../kernel/lease.ts';
import type { PresenceStore } from './ports.ts';

/** Presence in PostgreSQL, of the devices of this node. */
export function createPresenceStore(database: Database, lease: NodeLease): PresenceStore {
  return {
    saveChanges: async (changes) => {
      const save: Work<void> = async (sql, lastly) => {
        const sorted = [...changes].sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
        const gone = sorted.filter(({ connectedAtMs }) => connectedAtMs === null);
        const here = sorted.flatMap(({ deviceId, tenantId, connectedAtMs }) =>
          connectedAtMs === null
            ? []
            : [{ deviceId, tenantId, connectedAt: new Date(connectedAtMs).toISOString() }],
        );
        const removed = sql`
          DELETE FROM presence
          WHERE node_id = ${lease.nodeId} AND device_id = ANY(${gone.map(({ deviceId }) => deviceId)}::uuid[])`;
        const added = sql`
          INSERT INTO presence (node_id, device_id, tenant_id, connected_at)
          SELECT ${lease.nodeId}::uuid, * FROM unnest(
            ${here.map(({ deviceId }) => deviceId)}::uuid[],
            ${here.map(({ tenantId }) => tenantId)}::uuid[],
            ${here.map(({ connectedAt }) => connectedAt)}::timestamptz[])
          ON CONFLICT (node_id, device_id) DO UPDATE SET connected_at = EXCLUDED.connected_at`;
        await lastly(() =>
          Promise.all([gone.length === 0 ? null : removed, here.length === 0 ? null : added]),
        );
      };
      await database.system(
        'relay',
        withLast(save, (sql) => lease.require(sql)),
      );
    },
  };
}
