import type { Database } from '../../kernel/database.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { PathStore } from './ports.ts';
import type { DevicePathRule } from './types.ts';

/** The rules of direct paths in PostgreSQL: owners write theirs, the server reads all. */
export function createPathStore(database: Database): PathStore {
  return { ...ownersRules(database), ...pairRules(database) };
}

function ownersRules(
  database: Database,
): Pick<PathStore, 'isNetworkPermitted' | 'setNetworkPermitted' | 'findDeviceRule' | 'setDeviceRule'> {
  return {
    isNetworkPermitted: (actor, networkId) =>
      database.read(actor, async (sql) => {
        const rows = await sql`
          SELECT 1 FROM network_path_rules WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId}`;
        return rows.length > 0;
      }),

    setNetworkPermitted: (actor, networkId, isPermitted) =>
      database.tenant(actor, async (sql) => {
        const { tenantId } = actor;
        if (isPermitted)
          await sql`
            INSERT INTO network_path_rules (network_id, tenant_id) VALUES (${networkId}, ${tenantId})
            ON CONFLICT (network_id) DO NOTHING`;
        else
          await sql`DELETE FROM network_path_rules WHERE tenant_id = ${tenantId} AND network_id = ${networkId}`;
      }),

    findDeviceRule: (actor, deviceId) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<{ rule: DevicePathRule }[]>`
          SELECT rule FROM device_path_rules WHERE tenant_id = ${actor.tenantId} AND device_id = ${deviceId}`;
        return row?.rule ?? 'network';
      }),

    setDeviceRule: (actor, deviceId, rule) =>
      database.tenant(actor, async (sql) => {
        const { tenantId } = actor;
        if (rule === 'network')
          await sql`DELETE FROM device_path_rules WHERE tenant_id = ${tenantId} AND device_id = ${deviceId}`;
        else
          await sql`
            INSERT INTO device_path_rules (device_id, tenant_id, rule) VALUES (${deviceId}, ${tenantId}, ${rule})
            ON CONFLICT (device_id) DO UPDATE SET rule = EXCLUDED.rule`;
      }),
  };
}

function pairRules(database: Database): Pick<PathStore, 'isRelayed' | 'setRelayed' | 'readRules'> {
  return {
    isRelayed: (networkId, pair) =>
      database.system('relay', async (sql) => {
        const [first, second] = inOrder(pair);
        const rows = await sql`
          SELECT 1 FROM relayed_pairs
          WHERE network_id = ${networkId} AND first_id = ${first} AND second_id = ${second}`;
        return rows.length > 0;
      }),

    setRelayed: (networkId, pair, isRelayed) =>
      database.system('relay', async (sql) => {
        const [first, second] = inOrder(pair);
        if (isRelayed)
          await sql`
            INSERT INTO relayed_pairs (network_id, first_id, second_id) VALUES (${networkId}, ${first}, ${second})
            ON CONFLICT DO NOTHING`;
        else
          await sql`
            DELETE FROM relayed_pairs
            WHERE network_id = ${networkId} AND first_id = ${first} AND second_id = ${second}`;
      }),

    readRules: (networkId, pair) =>
      database.system('relay', async (sql) => {
        const [first, second] = inOrder(pair);
        const [permitted, rules, relayed] = await Promise.all([
          sql`SELECT 1 FROM network_path_rules WHERE network_id = ${networkId}`,
          sql<{ device_id: DeviceId; rule: DevicePathRule }[]>`
            SELECT device_id, rule FROM device_path_rules WHERE device_id = ANY (${[...pair]}::uuid[])`,
          sql`
            SELECT 1 FROM relayed_pairs
            WHERE network_id = ${networkId} AND first_id = ${first} AND second_id = ${second}`,
        ]);
        const ruleOf = (id: DeviceId) => rules.find(({ device_id }) => device_id === id)?.rule ?? 'network';
        return {
          isPermitted: permitted.length > 0,
          first: ruleOf(pair[0]),
          second: ruleOf(pair[1]),
          isRelayed: relayed.length > 0,
        };
      }),
  };
}

/** Ids in lower case compare as the database's do. */
function inOrder([one, other]: readonly [DeviceId, DeviceId]): readonly [DeviceId, DeviceId] {
  return one < other ? [one, other] : [other, one];
}
