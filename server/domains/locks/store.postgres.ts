import type { AccountActor, DeviceActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { LockClaimId, LockId, TenantId } from '../../kernel/ids.ts';
import type { Random } from '../../kernel/random.ts';
import { LockBook, type LockChanges, scopeIdOf } from './book.ts';
import { NAME_KEPT_MS, QUEUE_SHOWN_MAX } from './limits.ts';
import { type ClaimRow, type LockRow, loadLocks, toClaim, toLock } from './load.postgres.ts';
import type { LockFilter, LockStore } from './ports.ts';
import type { Claim, LockEntry } from './types.ts';

/** Locks in PostgreSQL: changed by the role that keeps what devices say, read in transactions of who asks. */
export function createLockStore(database: Database, { random }: { readonly random: Random }): LockStore {
  return {
    change: (commands, work) =>
      database.system('relay', async (sql) => {
        const book = new LockBook(await loadLocks(sql, commands), () => random.uuid());
        const result = work(book);
        await save(sql, book);
        return result;
      }),

    list: (actor, filter, { after, limit }) =>
      database.tenant(actor, async (sql) => {
        const rows = await selectLocks(sql, actor, filter, after, limit);
        return entriesOf(sql, rows);
      }),

    find: (actor, lockId) =>
      database.tenant(actor, async (sql) => {
        const rows = await sql<LockRow[]>`
          SELECT * FROM locks WHERE id = ${lockId} AND name <> '' AND ${visibleTo(sql, actor)}`;
        return (await entriesOf(sql, rows))[0] ?? null;
      }),

    findToken: (actor, { scope, name }, token) =>
      database.tenant(actor, async (sql) => {
        const [row] = await sql<LockRow[]>`
          SELECT * FROM locks
          WHERE tenant_id = ${scope.tenantId} AND scope_id = ${scopeIdOf(scope)} AND name = ${name} AND name <> ''`;
        if (row === undefined) return null;
        const [claim] = await sql<ClaimRow[]>`
          SELECT * FROM lock_claims
          WHERE tenant_id = ${scope.tenantId} AND lock_id = ${row.id} AND token = ${token} AND state = 'held'
            AND expires_at > clock_timestamp()`;
        return { lock: toLock(row), claim: claim === undefined ? null : toClaim(claim) };
      }),

    listOverdue: (tenantsMax) =>
      database.system('relay', async (sql) => {
        const rows = await sql<{ tenant_id: TenantId }[]>`
          SELECT tenant_id FROM lock_claims WHERE expires_at <= clock_timestamp() AND state <> 'ended'
          UNION
          SELECT lock_claims.tenant_id FROM lock_claims
            JOIN locks ON locks.tenant_id = lock_claims.tenant_id AND locks.id = lock_id
            WHERE state = 'waiting' AND least(write_delay_until, read_delay_until) <= clock_timestamp()
          LIMIT ${tenantsMax}`;
        return rows.map((row) => row.tenant_id);
      }),

    listClaims: (principal, networkId) =>
      database.system('relay', async (sql) => {
        const rows = await sql<{ id: LockClaimId; tenant_id: TenantId }[]>`
          SELECT lock_claims.id, lock_claims.tenant_id FROM lock_claims
            JOIN locks ON locks.tenant_id = lock_claims.tenant_id AND locks.id = lock_id
          WHERE principal_id = ${principal.id} AND network_id = ${networkId} AND state <> 'ended'`;
        return rows.map((row) => ({ claimId: row.id, tenantId: row.tenant_id }));
      }),

    forget: () => database.system('relay', forget),

    forgetIdle: (tenantId) =>
      database.system('relay', async (sql) => {
        // Nobody takes one of them meanwhile.
        await sql`SELECT pg_advisory_xact_lock(hashtextextended('locks:' || ${tenantId}::uuid, 0))`;
        return forgetNames(
          sql,
          sql`tenant_id = ${tenantId} AND coalesce(greatest(write_delay_until, read_delay_until), '-infinity') <= clock_timestamp()`,
        );
      }),
  };
}

const dateOf = (ms: number): string | null => (ms === 0 ? null : new Date(ms).toISOString());

async function save(sql: Sql, book: LockBook): Promise<void> {
  const { locks, claims, removed } = book.changes();
  const usedAt = new Date(book.nowMs).toISOString();
  const statements: Promise<unknown>[] = [];
  if (locks.length > 0) statements.push(saveLocks(sql, locks, usedAt));
  if (removed.length > 0) {
    statements.push(
      sql`
        DELETE FROM lock_claims USING unnest(
          ${removed.map(({ principal }) => principal.id)}::uuid[], ${removed.map(({ id }) => id)}::uuid[])
          AS gone (principal_id, id)
        WHERE lock_claims.principal_id = gone.principal_id AND lock_claims.id = gone.id`.execute(),
    );
  }
  if (claims.length > 0) statements.push(saveClaims(sql, claims));
  await Promise.all(statements);
}

function saveLocks(sql: Sql, locks: LockChanges['locks'], usedAt: string): Promise<unknown> {
  return sql`
    INSERT INTO locks (id, tenant_id, network_id, device_id, name, last_token, write_delay_until, read_delay_until, used_at)
    SELECT id, tenant_id, network_id, device_id, name, last_token, write_delay_until, read_delay_until, ${usedAt}::timestamptz
    FROM unnest(
      ${locks.map(({ id }) => id)}::uuid[],
      ${locks.map(({ scope }) => scope.tenantId)}::uuid[],
      ${locks.map(({ scope }) => scope.networkId)}::uuid[],
      ${locks.map(({ scope }) => scope.deviceId)}::uuid[],
      ${locks.map(({ name }) => name)}::text[],
      ${locks.map(({ lastToken }) => lastToken)}::bigint[],
      ${locks.map(({ writeDelayUntilMs }) => dateOf(writeDelayUntilMs))}::timestamptz[],
      ${locks.map(({ readDelayUntilMs }) => dateOf(readDelayUntilMs))}::timestamptz[])
      AS kept (id, tenant_id, network_id, device_id, name, last_token, write_delay_until, read_delay_until)
    ON CONFLICT (id) DO UPDATE SET
      last_token = EXCLUDED.last_token, write_delay_until = EXCLUDED.write_delay_until,
      read_delay_until = EXCLUDED.read_delay_until, used_at = EXCLUDED.used_at`.execute();
}

function saveClaims(sql: Sql, claims: LockChanges['claims']): Promise<unknown> {
  const times = (timeOf: (claim: Claim) => number) => claims.map((claim) => dateOf(timeOf(claim)));
  return sql`
    INSERT INTO lock_claims (principal_id, id, principal_kind, tenant_id, lock_id, holder, mode, priority, effective_priority,
      arrival, lease_ms, delay_ms, state, ended_by, token, since, expires_at)
    SELECT * FROM unnest(
      ${claims.map(({ principal }) => principal.id)}::uuid[],
      ${claims.map(({ id }) => id)}::uuid[],
      ${claims.map(({ principal }) => principal.kind)}::text[],
      ${claims.map(({ tenantId }) => tenantId)}::uuid[],
      ${claims.map(({ lockId }) => lockId)}::uuid[],
      ${claims.map(({ holder }) => holder)}::text[],
      ${claims.map(({ mode }) => mode)}::text[],
      ${claims.map(({ priority }) => priority)}::smallint[],
      ${claims.map(({ effectivePriority }) => effectivePriority)}::smallint[],
      ${claims.map(({ arrival }) => arrival)}::bigint[],
      ${claims.map(({ leaseMs }) => leaseMs)}::integer[],
      ${claims.map(({ delayMs }) => delayMs)}::integer[],
      ${claims.map(({ state }) => state)}::text[],
      ${claims.map(({ end }) => end)}::text[],
      ${claims.map(({ token }) => token)}::bigint[],
      ${times(({ sinceMs }) => sinceMs)}::timestamptz[],
      ${times(({ expiresAtMs }) => expiresAtMs)}::timestamptz[])
    ON CONFLICT (principal_id, id) DO UPDATE SET
      effective_priority = EXCLUDED.effective_priority, lease_ms = EXCLUDED.lease_ms, state = EXCLUDED.state,
      ended_by = EXCLUDED.ended_by, token = EXCLUDED.token, since = EXCLUDED.since, expires_at = EXCLUDED.expires_at`.execute();
}

/** The locks that an actor sees: as the policies say, for who is a member of single networks but for those of devices. */
function visibleTo(sql: Sql, actor: AccountActor | DeviceActor) {
  const { tenantId } = actor;
  if (actor.kind === 'device') {
    return sql`(network_id IN (SELECT visible_network_ids()) OR (tenant_id = ${tenantId} AND network_id IS NULL))`;
  }
  const networkIds = actor.networkIds === null ? null : [...actor.networkIds];
  return sql`
    (tenant_id = ${tenantId} AND (${networkIds}::uuid[] IS NULL OR network_id = ANY (${networkIds}::uuid[])
      OR device_id IS NOT NULL))`;
}

async function selectLocks(
  sql: Sql,
  actor: AccountActor | DeviceActor,
  { scope, name, withIdle }: LockFilter,
  after: LockId | null,
  limit: number,
): Promise<readonly LockRow[]> {
  const scopeId = scope === null ? null : scopeIdOf(scope);
  return sql<LockRow[]>`
    SELECT * FROM locks
    WHERE name <> '' AND ${visibleTo(sql, actor)}
      AND (${scopeId}::uuid IS NULL OR scope_id = ${scopeId}::uuid)
      AND (${name}::text IS NULL OR name = ${name}::text)
      AND (${after}::uuid IS NULL OR id > ${after}::uuid)
      AND (${withIdle} OR EXISTS (
        SELECT FROM lock_claims WHERE lock_claims.tenant_id = locks.tenant_id AND lock_id = locks.id
          AND state <> 'ended' AND expires_at > clock_timestamp()))
    ORDER BY id LIMIT ${limit}`;
}

/** Locks with their holders and queues, without what has expired. */
async function entriesOf(sql: Sql, rows: readonly LockRow[]): Promise<LockEntry[]> {
  const claims = await sql<ClaimRow[]>`
    SELECT lock_claims.* FROM unnest(
        ${rows.map((row) => row.tenant_id)}::uuid[], ${rows.map((row) => row.id)}::uuid[]) AS shown (tenant_id, lock_id)
      JOIN lock_claims USING (tenant_id, lock_id)
    WHERE state <> 'ended' AND expires_at > clock_timestamp()
    ORDER BY effective_priority DESC, arrival`;
  return rows.map((row) => {
    const own = claims.filter((claim) => claim.lock_id === row.id).map(toClaim);
    const queue = own.filter(({ state }) => state === 'waiting');
    return {
      ...toLock(row),
      holders: own.filter(({ state }) => state === 'held'),
      queue: queue.slice(0, QUEUE_SHOWN_MAX),
      waiting: queue.length,
    };
  });
}

async function forget(sql: Sql): Promise<void> {
  await sql`DELETE FROM lock_claims WHERE state = 'ended' AND expires_at <= clock_timestamp()`;
  await forgetNames(sql, sql`used_at < clock_timestamp() - ${NAME_KEPT_MS} * interval '1 millisecond'`);
}

/** Forgets those of the names without claims. What is forgotten leaves behind where the tokens of its scope go on. */
async function forgetNames(sql: Sql, which: ReturnType<Sql>): Promise<number> {
  const [row] = await sql<{ names: bigint }[]>`
    WITH idle AS (
      DELETE FROM locks
      WHERE name <> '' AND ${which}
        AND NOT EXISTS (
          SELECT FROM lock_claims WHERE lock_claims.tenant_id = locks.tenant_id AND lock_id = locks.id)
      RETURNING tenant_id, network_id, device_id, last_token
    ), kept AS (
      INSERT INTO locks (id, tenant_id, network_id, device_id, name, last_token, used_at)
      SELECT gen_random_uuid(), tenant_id, network_id, device_id, '', max(last_token), clock_timestamp()
      FROM idle GROUP BY tenant_id, network_id, device_id
      ON CONFLICT (tenant_id, scope_id, name) DO UPDATE SET
        last_token = greatest(locks.last_token, EXCLUDED.last_token), used_at = EXCLUDED.used_at
    )
    SELECT count(*) AS names FROM idle`;
  return Number(row?.names ?? 0);
}
