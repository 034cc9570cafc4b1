import type { AccountActor, DeviceActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { sqlPosition } from '../../kernel/page.ts';
import { keepAsk } from './asks.postgres.ts';
import type { PairingStore, StoredRules } from './ports.ts';
import { type PairingRow, toPairing } from './rows.ts';
import type { StandingRule } from './types.ts';

/** What a statement needs to know of who acts: one device, or a tenant within some networks. */
export const sideOf = (actor: AccountActor | DeviceActor) => ({
  deviceId: actor.kind === 'device' ? actor.deviceId : null,
  tenantId: actor.tenantId,
  networkIds: actor.kind === 'device' || actor.networkIds === null ? null : [...actor.networkIds],
});

/** Pairings in PostgreSQL. Devices and accounts write them in transactions of their own, under the policies. */
export function createPairingStore(database: Database): PairingStore {
  return { ...lookups(database), ...decisions(database), ...endings(database), ...standingRules(database) };
}

type Part<Name extends keyof PairingStore> = Pick<PairingStore, Name>;

function decisions(database: Database): Part<'ask' | 'decide' | 'end' | 'use'> {
  return {
    ask: (actor, ask, byRule) => database.tenant(actor, (sql) => keepAsk(sql, actor, ask, byRule)),

    decide: (actor, id, { allow, reason, operations, untilMs, once }, by, nowMs) =>
      database.tenant(actor, async (sql) => {
        const { deviceId, tenantId, networkIds } = sideOf(actor);
        const now = new Date(nowMs);
        const [row] = await sql<PairingRow[]>`
          UPDATE pairings SET
            state = ${allow ? 'allowed' : 'denied'}, blocked_by = ${allow ? null : 'target'}, decided_by = ${by},
            reason = ${reason}, operations = coalesce(${operations === null ? null : [...operations]}::text[], operations),
            until_at = ${allow && untilMs !== null ? new Date(untilMs) : null}, once = ${allow && once},
            used_by = NULL, decided_at = ${now}, revision = revision + 1
          WHERE id = ${id}
            AND ((state = 'asked' AND asked_until > ${now}) OR (state = 'allowed' AND (until_at IS NULL OR until_at > ${now})))
            AND CASE WHEN ${deviceId}::uuid IS NULL
              THEN target_tenant_id = ${tenantId} AND (${networkIds}::uuid[] IS NULL OR network_id = ANY (${networkIds}::uuid[]))
              ELSE target_id = ${deviceId}::uuid AND target_tenant_id = ${tenantId} END
          RETURNING *`;
        return row === undefined ? null : toPairing(row);
      }),

    end: (actor, id, reason, nowMs) =>
      database.tenant(actor, async (sql) => {
        const { deviceId, tenantId, networkIds } = sideOf(actor);
        const [row] = await sql<PairingRow[]>`
          UPDATE pairings SET
            state = 'closed',
            blocked_by = CASE
              WHEN source_id = ${deviceId}::uuid OR (${deviceId}::uuid IS NULL AND source_tenant_id = ${tenantId}
                AND target_tenant_id <> ${tenantId}) THEN coalesce(blocked_by, 'source')
              ELSE 'target' END,
            reason = ${reason}, decided_at = ${new Date(nowMs)}, revision = revision + 1
          WHERE id = ${id} AND state IN ('asked', 'allowed', 'used')
            AND CASE WHEN ${deviceId}::uuid IS NULL
              THEN (tenant_id = ${tenantId} AND (${networkIds}::uuid[] IS NULL OR network_id = ANY (${networkIds}::uuid[])))
                OR (${networkIds}::uuid[] IS NULL AND ${tenantId} IN (source_tenant_id, target_tenant_id))
              ELSE ${deviceId}::uuid IN (source_id, target_id) AND ${tenantId} IN (source_tenant_id, target_tenant_id) END
          RETURNING *`;
        return row === undefined ? null : toPairing(row);
      }),

    use: (id, frameId) =>
      database.system('relay', async (sql) => {
        const used = await sql`
          UPDATE pairings SET
            state = 'used', used_by = ${frameId}, revision = revision + CASE state WHEN 'used' THEN 0 ELSE 1 END
          WHERE id = ${id} AND once AND (state = 'allowed' OR (state = 'used' AND used_by = ${frameId})) RETURNING 1`;
        return used.length > 0;
      }),
  };
}

function endings(database: Database): Part<'expire' | 'nextOverAtMs' | 'removeOver'> {
  return {
    expire: (nowMs, limit) =>
      database.system('relay', async (sql) => {
        const rows = await sql<PairingRow[]>`
          UPDATE pairings SET state = 'timed_out', decided_at = asked_until, revision = revision + 1
          WHERE id IN (SELECT id FROM pairings WHERE state = 'asked' AND asked_until <= ${new Date(nowMs)}
            ORDER BY asked_until LIMIT ${limit} FOR UPDATE SKIP LOCKED)
          RETURNING *`;
        return rows.map(toPairing);
      }),

    nextOverAtMs: () =>
      database.system('relay', async (sql) => {
        const [row] = await sql<{ at: Date | null }[]>`
          SELECT min(asked_until) AS at FROM pairings WHERE state = 'asked'`;
        return row?.at?.getTime() ?? null;
      }),

    removeOver: (beforeMs, limit) =>
      database.system('relay', async (sql) => {
        const rows = await sql<PairingRow[]>`
          DELETE FROM pairings
          WHERE id IN (SELECT id FROM pairings
            WHERE state IN ('timed_out', 'closed') AND blocked_by IS NULL AND decided_at < ${new Date(beforeMs)}
            LIMIT ${limit} FOR UPDATE SKIP LOCKED)
          RETURNING *`;
        return rows.map(toPairing);
      }),
  };
}

function lookups(database: Database): Part<'find' | 'list' | 'networksOf' | 'readRules'> {
  return {
    find: (actor, id) =>
      database.tenant(actor, async (sql) => {
        const [row] = await selectVisible(sql, actor, id);
        return row === undefined ? null : toPairing(row);
      }),

    list: (actor, { networkId, deviceId, state }, after, limit) =>
      database.read(actor, async (sql) => {
        const { at, id } = sqlPosition(after);
        const { tenantId, networkIds } = sideOf(actor);
        const rows = await sql<PairingRow[]>`
          SELECT * FROM pairings
          WHERE ((tenant_id = ${tenantId} AND (${networkIds}::uuid[] IS NULL OR network_id = ANY (${networkIds}::uuid[])))
              OR (${networkIds}::uuid[] IS NULL AND ${tenantId} IN (source_tenant_id, target_tenant_id)))
            AND (${networkId}::uuid IS NULL OR network_id = ${networkId}::uuid)
            AND (${deviceId}::uuid IS NULL OR ${deviceId}::uuid IN (source_id, target_id))
            AND (${state}::text IS NULL OR state = ${state}::text)
            AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
          ORDER BY created_at, id LIMIT ${limit}`;
        return rows.map(toPairing);
      }),

    networksOf: (deviceId) =>
      database.system('relay', async (sql) => {
        const rows = await sql<{ network_id: NetworkId }[]>`
          SELECT network_id FROM pairing_networks(${deviceId}) AS found (network_id)`;
        return rows.map((row) => row.network_id);
      }),

    readRules: (networkIds) => database.system('relay', (sql) => readRules(sql, networkIds)),
  };
}

function standingRules(database: Database): Part<'findRule' | 'setRule' | 'isAsking' | 'setAsking'> {
  return {
    findRule: (actor, networkId) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<{ rule: StandingRule }[]>`
          SELECT rule FROM pairing_rules WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId}`;
        return row?.rule ?? 'open';
      }),

    setRule: (actor, networkId, rule) =>
      database.tenant(actor, async (sql) => {
        await sql`
          INSERT INTO pairing_rules (network_id, tenant_id, rule) VALUES (${networkId}, ${actor.tenantId}, ${rule})
          ON CONFLICT (network_id) DO UPDATE SET rule = EXCLUDED.rule`;
        // What the rule before gave by itself is not given any more.
        await sql`
          UPDATE pairings SET state = 'closed', revision = revision + 1
          WHERE tenant_id = ${actor.tenantId} AND network_id = ${networkId} AND state = 'allowed' AND decided_by = 'rule'
            AND (${rule} = 'ask' OR (${rule} = 'guests_ask' AND source_tenant_id <> target_tenant_id))`;
      }),

    isAsking: (actor, deviceId) =>
      database.read(actor, async (sql) => {
        const rows = await sql`
          SELECT 1 FROM pairing_asking_devices WHERE tenant_id = ${actor.tenantId} AND device_id = ${deviceId}`;
        return rows.length > 0;
      }),

    setAsking: (actor, deviceId, isAsking) =>
      database.tenant(actor, async (sql) => {
        const { tenantId } = actor;
        if (!isAsking) {
          await sql`DELETE FROM pairing_asking_devices WHERE tenant_id = ${tenantId} AND device_id = ${deviceId}`;
          return;
        }
        await sql`
          INSERT INTO pairing_asking_devices (device_id, tenant_id) VALUES (${deviceId}, ${tenantId})
          ON CONFLICT (device_id) DO NOTHING`;
        await sql`
          UPDATE pairings SET state = 'closed', revision = revision + 1
          WHERE target_tenant_id = ${tenantId} AND target_id = ${deviceId} AND state = 'allowed' AND decided_by = 'rule'`;
      }),
  };
}

function selectVisible(sql: Sql, actor: AccountActor | DeviceActor, id: string) {
  const { deviceId, tenantId, networkIds } = sideOf(actor);
  return sql<PairingRow[]>`
    SELECT * FROM pairings
    WHERE id = ${id} AND CASE WHEN ${deviceId}::uuid IS NULL
      THEN (tenant_id = ${tenantId} AND (${networkIds}::uuid[] IS NULL OR network_id = ANY (${networkIds}::uuid[])))
        OR (${networkIds}::uuid[] IS NULL AND ${tenantId} IN (source_tenant_id, target_tenant_id))
      ELSE ${deviceId}::uuid IN (source_id, target_id) AND ${tenantId} IN (source_tenant_id, target_tenant_id) END`;
}

/** What is decided in these networks, whoever they belong to; of those where nothing is, nothing. */
async function readRules(sql: Sql, networkIds: readonly NetworkId[]): Promise<StoredRules[]> {
  const wanted = [...networkIds];
  const [rules, pairings, asking] = await Promise.all([
    sql<{ network_id: NetworkId; tenant_id: TenantId; rule: StandingRule }[]>`
      SELECT network_id, tenant_id, rule FROM pairing_rules WHERE network_id = ANY (${wanted}::uuid[])`,
    sql<PairingRow[]>`SELECT * FROM pairings WHERE network_id = ANY (${wanted}::uuid[])`,
    sql<{ network_id: NetworkId; device_id: DeviceId }[]>`
      SELECT * FROM pairing_asking(${wanted}::uuid[])`,
  ]);
  const asksGuests = rules.filter(({ rule }) => rule === 'guests_ask').map(({ network_id: id }) => id);
  const guests =
    asksGuests.length === 0
      ? []
      : await sql<{ network_id: NetworkId; device_id: DeviceId; device_tenant_id: TenantId }[]>`
          SELECT * FROM pairing_guests(${asksGuests}::uuid[])`;
  const ruleOf = new Map(rules.map((row) => [row.network_id, row] as const));
  return networkIds.map((networkId) => ({
    networkId,
    tenantId: ruleOf.get(networkId)?.tenant_id ?? null,
    rule: ruleOf.get(networkId)?.rule ?? 'open',
    askingDevices: asking.filter((row) => row.network_id === networkId).map((row) => row.device_id),
    guests: new Map(
      guests
        .filter((row) => row.network_id === networkId)
        .map((row) => [row.device_id, row.device_tenant_id] as const),
    ),
    pairings: pairings.filter((row) => row.network_id === networkId).map(toPairing),
  }));
}
