import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import { fateOf, type LeavingMembership, type LeavingRows } from '../tenants/index.ts';
import { type AccountRow, findAddress, lockAddress } from './account-rows.postgres.ts';
import type { DeletionStore, StoredToken } from './ports.ts';
import { insertToken, lockAccount, lockTokens } from './tokens.postgres.ts';
import type { PendingDeletion } from './types.ts';

interface DeletionRow {
  requested_at: Date;
  due_at: Date;
}

const toDeletion = (row: DeletionRow): PendingDeletion => ({
  requestedAtMs: row.requested_at.getTime(),
  dueAtMs: row.due_at.getTime(),
});

const removedOf = (memberships: readonly LeavingMembership[]): TenantId[] =>
  memberships.filter((membership) => fateOf(membership) === 'removed').map(({ tenantId }) => tenantId);

/** Tenants whose last owner the account is, though others belong to them. */
const blockedOf = (memberships: readonly LeavingMembership[]): TenantId[] =>
  memberships
    .filter(
      ({ role, otherOwners, otherMembers }) => role === 'owner' && otherOwners === 0 && otherMembers > 0,
    )
    .map(({ tenantId }) => tenantId);

const isSame = (one: readonly TenantId[], other: readonly TenantId[]) =>
  one.length === other.length && one.every((tenantId) => other.includes(tenantId));

/** True where the account runs the platform, and nobody else does who stays. */
async function isLastOperator(sql: Sql, accountId: AccountId): Promise<boolean> {
  const operators = await sql<Pick<AccountRow, 'id'>[]>`
    SELECT id FROM accounts
    WHERE operator AND (id = ${accountId} OR NOT EXISTS (
      SELECT FROM account_deletions WHERE account_deletions.account_id = accounts.id))
    LIMIT 2`;
  return operators.length === 1 && operators[0]?.id === accountId;
}

/** Operators that go do so one after the other: one stays. */
async function lockOperators(sql: Sql): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('operators', 0))`;
}

async function request(
  sql: Sql,
  leaving: LeavingRows,
  actor: AccountActor,
  { requestedAtMs, dueAtMs }: PendingDeletion,
  undoToken: StoredToken,
  settledTenantIds: readonly TenantId[],
): ReturnType<DeletionStore['request']> {
  const { accountId } = actor;
  await lockOperators(sql);
  const memberships = await leaving.lockAndList(sql, accountId);
  if ((await lockTokens(sql, actor)) === null) return 'credential_gone';
  const removed = removedOf(memberships);
  const isSettled = isSame(removed, settledTenantIds) && blockedOf(memberships).length === 0;
  if (!isSettled || (await isLastOperator(sql, accountId))) return 'changed';
  // Nobody joins a tenant that is removed.
  for (const tenantId of removed) await leaving.withdrawInvitations(sql, tenantId);
  // Programs that were let in, and have not come for their token, go with what let them in.
  await sql`DELETE FROM account_tokens WHERE account_id = ${accountId}`;
  await sql`
    INSERT INTO account_deletions (account_id, requested_at, due_at)
    VALUES (${accountId}, ${new Date(requestedAtMs)}, ${new Date(dueAtMs)})`;
  await insertToken(sql, accountId, undoToken);
  return { address: await findAddress(sql, accountId) };
}

async function remove(
  sql: Sql,
  leaving: LeavingRows,
  accountId: AccountId,
  clearedTenantIds: readonly TenantId[],
  nowMs: number,
): ReturnType<DeletionStore['remove']> {
  const memberships = await leaving.lockAndList(sql, accountId);
  const due = await sql`
    SELECT 1 FROM account_deletions WHERE account_id = ${accountId} AND due_at <= ${new Date(nowMs)} FOR UPDATE`;
  const hasHeirs = memberships.some((membership) => fateOf(membership) === 'handed_on');
  if (due.length === 0 || hasHeirs || !isSame(removedOf(memberships), clearedTenantIds)) return null;
  const address = await findAddress(sql, accountId);
  // In the order of a sign-in by code. Who signs in meanwhile waits, and finds no account any more.
  if (address !== null) {
    await sql`DELETE FROM sign_in_codes WHERE address = ${address}`;
    await lockAddress(sql, address);
  }
  await lockAccount(sql, accountId);
  await sql`DELETE FROM accounts WHERE id = ${accountId}`;
  for (const tenantId of clearedTenantIds) await leaving.removeTenant(sql, tenantId);
  return { address };
}

/** Deletions of accounts in PostgreSQL. `leaving` settles their tenants in the same transaction. */
export function createDeletionStore(database: Database, leaving: LeavingRows): DeletionStore {
  return {
    survey: (accountId) =>
      database.system('identity', async (sql) => {
        const memberships = await leaving.lockAndList(sql, accountId);
        return {
          removedTenantIds: removedOf(memberships),
          blockedTenantIds: blockedOf(memberships),
          isLastOperator: await isLastOperator(sql, accountId),
        };
      }),

    request: (actor, deletion, undoToken, settledTenantIds) =>
      database.system('identity', (sql) =>
        request(sql, leaving, actor, deletion, undoToken, settledTenantIds),
      ),

    find: (accountId) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<DeletionRow[]>`
          SELECT requested_at, due_at FROM account_deletions WHERE account_id = ${accountId}`;
        return row === undefined ? null : toDeletion(row);
      }),

    cancel: (accountId, nowMs) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<DeletionRow[]>`
          SELECT requested_at, due_at FROM account_deletions WHERE account_id = ${accountId} FOR UPDATE`;
        if (row === undefined) return 'none';
        if (row.due_at.getTime() <= nowMs) return 'too_late';
        await sql`DELETE FROM account_deletions WHERE account_id = ${accountId}`;
        return 'cancelled';
      }),

    takeDue: (nowMs, limit) =>
      database.system('identity', async (sql) => {
        const rows = await sql<{ account_id: AccountId }[]>`
          UPDATE account_deletions SET tried_at = ${new Date(nowMs)} WHERE account_id IN (
            SELECT account_id FROM account_deletions WHERE due_at <= ${new Date(nowMs)}
            ORDER BY tried_at NULLS FIRST, due_at LIMIT ${limit})
          RETURNING account_id`;
        return rows.map((row) => row.account_id);
      }),

    plan: (accountId) =>
      database.system('identity', async (sql) => {
        const memberships = await leaving.lockAndList(sql, accountId);
        const [row] = await sql<Pick<AccountRow, 'home_tenant_id'>[]>`
          SELECT home_tenant_id FROM accounts WHERE id = ${accountId}`;
        if (row === undefined) throw new InvariantError('a deletion has no account');
        return { homeTenantId: row.home_tenant_id, memberships };
      }),

    promoteSuccessors: (accountId) =>
      database.system('identity', async (sql) => {
        for (const membership of await leaving.lockAndList(sql, accountId)) {
          const { tenantId, successor } = membership;
          if (fateOf(membership) !== 'handed_on' || successor === null) continue;
          await leaving.promote(sql, tenantId, successor);
        }
      }),

    remove: (accountId, clearedTenantIds, nowMs) =>
      database.system('identity', (sql) => remove(sql, leaving, accountId, clearedTenantIds, nowMs)),
  };
}
