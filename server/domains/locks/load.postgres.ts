import { inOrder, type Sql } from '../../kernel/database.ts';
import type { DeviceId, LockClaimId, LockId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { type LoadedLocks, scopeIdOf, type TenantCount } from './book.ts';
import type { Claim, Lock, LockCommand, LockMode, LockPrincipal } from './types.ts';

/** A row of `locks`. */
export interface LockRow {
  id: LockId;
  tenant_id: TenantId;
  network_id: NetworkId | null;
  device_id: DeviceId | null;
  name: string;
  last_token: bigint;
  write_delay_until: Date | null;
  read_delay_until: Date | null;
}

/** A row of `lock_claims`. */
export interface ClaimRow {
  principal_id: string;
  id: LockClaimId;
  principal_kind: LockPrincipal['kind'];
  tenant_id: TenantId;
  lock_id: LockId;
  holder: string;
  mode: LockMode;
  priority: number;
  effective_priority: number;
  arrival: bigint;
  lease_ms: number;
  delay_ms: number;
  state: Claim['state'];
  ended_by: Claim['end'];
  token: bigint | null;
  since: Date;
  expires_at: Date;
}

/** A lock, as a row has it. */
export const toLock = (row: LockRow): Lock => ({
  id: row.id,
  scope: { tenantId: row.tenant_id, networkId: row.network_id, deviceId: row.device_id },
  name: row.name,
  lastToken: Number(row.last_token),
  writeDelayUntilMs: row.write_delay_until?.getTime() ?? 0,
  readDelayUntilMs: row.read_delay_until?.getTime() ?? 0,
});

/** A claim, as a row has it. */
export const toClaim = (row: ClaimRow): Claim => ({
  id: row.id,
  lockId: row.lock_id,
  tenantId: row.tenant_id,
  principal: { kind: row.principal_kind, id: row.principal_id },
  holder: row.holder,
  mode: row.mode,
  priority: row.priority,
  effectivePriority: row.effective_priority,
  arrival: Number(row.arrival),
  leaseMs: row.lease_ms,
  delayMs: row.delay_ms,
  state: row.state,
  end: row.ended_by,
  token: row.token === null ? null : Number(row.token),
  sinceMs: row.since.getTime(),
  expiresAtMs: row.expires_at.getTime(),
});

/** What commands name: locks by name, claims by key, tenants by id. */
function namedIn(commands: readonly LockCommand[]) {
  const names = commands.filter((command) => command.kind === 'acquire');
  const keys = commands.filter((command) => command.kind !== 'tend');
  const tenants = commands.flatMap((command) => {
    if (command.kind === 'acquire') return [command.scope.tenantId];
    return command.kind === 'tend' ? [command.tenantId] : [];
  });
  return {
    tenantIds: [...new Set(tenants)],
    acquired: names.length,
    names: {
      tenants: names.map(({ scope }) => scope.tenantId),
      scopes: names.map(({ scope }) => scopeIdOf(scope)),
      names: names.map(({ name }) => name),
    },
    keys: {
      principals: keys.map(({ principal }) => principal.id),
      ids: keys.map(({ claimId }) => claimId),
    },
  };
}

/**
 * Reads what the commands are about, once no other transaction works on locks of the same tenants: their locks, and all that somebody
 * waits for in these tenants, with all claims. All statements are sent at once.
 */
export async function loadLocks(sql: Sql, commands: readonly LockCommand[]): Promise<LoadedLocks> {
  const { tenantIds, acquired, names, keys } = namedIn(commands);
  const tenants = sql`
    SELECT unnest(${tenantIds}::uuid[]) AS tenant_id
    UNION
    SELECT tenant_id FROM unnest(${keys.principals}::uuid[], ${keys.ids}::uuid[]) AS asked (principal_id, id)
      JOIN lock_claims USING (principal_id, id)`;
  const wanted = sql`
    SELECT locks.id FROM unnest(${names.tenants}::uuid[], ${names.scopes}::uuid[], ${names.names}::text[])
        AS asked (tenant_id, scope_id, name)
      JOIN locks USING (tenant_id, scope_id, name)
    UNION
    SELECT lock_id FROM unnest(${keys.principals}::uuid[], ${keys.ids}::uuid[]) AS asked (principal_id, id)
      JOIN lock_claims USING (principal_id, id)
    UNION
    SELECT lock_id FROM lock_claims WHERE state = 'waiting' AND tenant_id IN (${tenants})
    UNION
    SELECT lock_id FROM lock_claims
      WHERE state = 'held' AND expires_at <= clock_timestamp() AND tenant_id = ANY (${tenantIds}::uuid[])`;
  // The first waits for whoever works on these tenants.
  const [, times, locks, claims, floors, counts] = await inOrder(
    () => sql`
      SELECT count(pg_advisory_xact_lock(key)) FROM (
        SELECT DISTINCT hashtextextended('locks:' || tenant_id, 0) AS key FROM (${tenants}) AS tenants ORDER BY key) AS keys`,
    () => sql<{ now: Date; arrivals: bigint[] | null }[]>`
      SELECT clock_timestamp() AS now,
        (SELECT array_agg(nextval('lock_arrivals') ORDER BY i) FROM generate_series(1, ${acquired}::integer) AS i) AS arrivals`,
    () => sql<LockRow[]>`SELECT * FROM locks WHERE id IN (${wanted})`,
    () => sql<ClaimRow[]>`
      SELECT lock_claims.* FROM lock_claims JOIN locks ON locks.tenant_id = lock_claims.tenant_id AND locks.id = lock_id
      WHERE locks.id IN (${wanted})`,
    () => sql<{ tenant_id: TenantId; scope_id: string; last_token: bigint }[]>`
      SELECT tenant_id, scope_id, last_token FROM locks
      WHERE tenant_id = ANY (${tenantIds}::uuid[]) AND scope_id = ANY (${names.scopes}::uuid[]) AND name = ''`,
    () => selectCounts(sql, tenantIds),
  );
  return {
    nowMs: times[0]?.now.getTime() ?? 0,
    arrivals: (times[0]?.arrivals ?? []).map(Number),
    locks: locks.map(toLock),
    claims: claims.map(toClaim),
    tokenFloors: new Map(floors.map((row) => [`${row.tenant_id}|${row.scope_id}`, Number(row.last_token)])),
    counts,
  };
}

async function selectCounts(sql: Sql, tenantIds: readonly TenantId[]): Promise<readonly TenantCount[]> {
  const [names, principals] = await Promise.all([
    sql<{ tenant_id: TenantId; names: bigint }[]>`
      SELECT tenant_id, count(*) AS names FROM locks
      WHERE tenant_id = ANY (${[...tenantIds]}::uuid[]) AND name <> '' GROUP BY tenant_id`,
    sql<{ tenant_id: TenantId; principal_id: string; held: bigint; waiting: bigint }[]>`
      SELECT tenant_id, principal_id, count(*) FILTER (WHERE state = 'held') AS held,
        count(*) FILTER (WHERE state = 'waiting') AS waiting
      FROM lock_claims WHERE tenant_id = ANY (${[...tenantIds]}::uuid[]) GROUP BY tenant_id, principal_id`,
  ]);
  return tenantIds.map((tenantId) => ({
    tenantId,
    names: Number(names.find((row) => row.tenant_id === tenantId)?.names ?? 0),
    principals: principals
      .filter((row) => row.tenant_id === tenantId)
      .map((row) => ({
        principalId: row.principal_id,
        held: Number(row.held),
        waiting: Number(row.waiting),
      })),
  }));
}
