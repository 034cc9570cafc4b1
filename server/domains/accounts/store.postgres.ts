import type { Database, Sql } from '../../kernel/database.ts';
import type { AccountId, CredentialId, TenantId } from '../../kernel/ids.ts';
import { type ListPosition, sqlPosition } from '../../kernel/page.ts';
import type { TenantRows } from '../tenants/index.ts';
import {
  type AccountRow,
  findAddress,
  findByLockedAddress,
  insertAccount,
  insertAddress,
  toAccount,
} from './account-rows.postgres.ts';
import { type ApiKeyRow, createApiKeyRows, toScope } from './api-keys.postgres.ts';
import { LAST_USE_INTERVAL_MS } from './limits.ts';
import type { AccountStore, IdentifiedAccount, ShownToken } from './ports.ts';
import { findFamilyHash } from './refresh-tokens.postgres.ts';
import { createTokenRows, insertToken } from './tokens.postgres.ts';
import type { Account, TokenKind } from './types.ts';

const first = (rows: readonly AccountRow[]): Account | null =>
  rows[0] === undefined ? null : toAccount(rows[0]);

/** Accounts in PostgreSQL. `tenants` writes and reads an account's tenants in the same transaction. */
export function createAccountStore(database: Database, tenants: TenantRows): AccountStore {
  return {
    ...createTokenRows(database),
    ...createApiKeyRows(database),

    offerSetupCode: (codeHash) =>
      database.system('identity', async (sql) => {
        const accounts = await sql`SELECT 1 FROM accounts LIMIT 1`;
        if (accounts.length > 0) return false;
        await sql`
          INSERT INTO setup_code (code_hash) VALUES (${codeHash})
          ON CONFLICT (only_row) DO UPDATE SET code_hash = EXCLUDED.code_hash`;
        return true;
      }),

    addFirstAccount: (codeHash, account, token) =>
      database.system('identity', async (sql) => {
        const used = await sql`DELETE FROM setup_code WHERE code_hash = ${codeHash} RETURNING 1`;
        if (used.length === 0) return false;
        await insertAccount(sql, tenants, account);
        await insertToken(sql, account.id, token);
        return true;
      }),

    addAccount: (account, token, address) =>
      database.system('identity', async (sql) => {
        if (address !== null && (await findByLockedAddress(sql, address)) !== null) return false;
        await insertAccount(sql, tenants, account);
        await insertToken(sql, account.id, token);
        if (address !== null) await insertAddress(sql, account.id, address);
        return true;
      }),

    findByToken: (shown, wantedTenantId, nowMs) =>
      database.system('identity', (sql) => findByToken(sql, tenants, { shown, wantedTenantId, nowMs })),

    findSelf: (actor) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<(AccountRow & { address: string | null })[]>`
          SELECT accounts.*, address FROM accounts LEFT JOIN account_addresses ON account_id = id
          WHERE id = ${actor.accountId}`;
        return row === undefined ? null : { ...toAccount(row), address: row.address };
      }),

    renameSelf: (actor, name) =>
      database.tenant(actor, async (sql) => {
        await sql`UPDATE accounts SET name = ${name} WHERE id = ${actor.accountId}`;
      }),

    findAccount: (accountId) =>
      database.system('identity', async (sql, lastly) =>
        first(await lastly(() => sql<AccountRow[]>`SELECT * FROM accounts WHERE id = ${accountId}`)),
      ),

    findAddress: (accountId) => database.system('identity', (sql) => findAddress(sql, accountId)),

    findNames: (actor, accountIds) =>
      database.read(actor, async (sql) => {
        const rows = await sql<{ id: AccountId; name: string }[]>`
          SELECT id, name FROM accounts WHERE id = ANY (${[...accountIds]}::uuid[])`;
        return new Map(rows.map(({ id, name }) => [id, name]));
      }),

    listAccounts: (after, limit) => database.system('identity', (sql) => selectAccounts(sql, after, limit)),
  };
}

/** A row of a token with its account, and with what limits it where it is an API key. */
interface TokenRow extends AccountRow, ApiKeyRow {
  credential_id: CredentialId;
  kind: TokenKind;
  expires_at: Date | null;
  last_used_at: Date | null;
  proven_at: Date | null;
  has_passkey: boolean;
  has_address: boolean;
  has_recovery_code: boolean;
  /** Null: it is no API key. */
  key_tenant_id: TenantId | null;
  is_leaving: boolean;
}

async function findByToken(
  sql: Sql,
  tenants: TenantRows,
  asked: { shown: ShownToken; wantedTenantId: TenantId | null; nowMs: number },
): Promise<IdentifiedAccount | null> {
  const { shown, wantedTenantId, nowMs } = asked;
  const tokenHash = typeof shown === 'string' ? await findFamilyHash(sql, shown) : shown;
  const row = tokenHash === null ? null : await useToken(sql, tokenHash, nowMs);
  if (row === null) return null;
  const account = toAccount(row);
  const keyTenantId = row.key_tenant_id;
  // An API key that names another tenant than its own is answered as a stranger there.
  const isElsewhere = keyTenantId !== null && wantedTenantId !== null && wantedTenantId !== keyTenantId;
  const tenantId = keyTenantId ?? wantedTenantId ?? account.homeTenantId;
  return {
    account,
    credentialId: row.credential_id,
    tenantId,
    membership: isElsewhere ? null : await tenants.findMembership(sql, tenantId, account.id),
    expiresAtMs: row.expires_at?.getTime() ?? null,
    scope: keyTenantId === null ? null : toScope(row),
    isPartial: row.kind === 'partial',
    provenAtMs: row.proven_at?.getTime() ?? null,
    has: { passkey: row.has_passkey, address: row.has_address, recoveryCode: row.has_recovery_code },
    isLeaving: row.is_leaving,
  };
}

/** The account of a token that hasn't expired. Notes, to the minute, that it was used. */
async function useToken(sql: Sql, tokenHash: Uint8Array, nowMs: number): Promise<TokenRow | null> {
  const [row] = await sql<TokenRow[]>`
    SELECT accounts.*, account_tokens.id AS credential_id, kind, expires_at, last_used_at, proven_at,
      EXISTS (SELECT FROM account_passkeys WHERE account_id = accounts.id) AS has_passkey,
      EXISTS (SELECT FROM account_addresses WHERE account_id = accounts.id) AS has_address,
      EXISTS (SELECT FROM recovery_codes WHERE account_id = accounts.id) AS has_recovery_code,
      api_keys.tenant_id AS key_tenant_id, operations, models, device_ids, spend_microcents_max,
      account_deletions.account_id IS NOT NULL AS is_leaving
    FROM account_tokens JOIN accounts ON accounts.id = account_tokens.account_id
      LEFT JOIN api_keys ON api_keys.credential_id = account_tokens.id
      LEFT JOIN account_deletions ON account_deletions.account_id = accounts.id
    WHERE token_hash = ${tokenHash} AND (expires_at IS NULL OR expires_at > ${new Date(nowMs)})`;
  if (row === undefined) return null;
  if (nowMs - (row.last_used_at?.getTime() ?? 0) >= LAST_USE_INTERVAL_MS) {
    await sql`UPDATE account_tokens SET last_used_at = ${new Date(nowMs)} WHERE id = ${row.credential_id}`;
  }
  return row;
}

async function selectAccounts(
  sql: Sql,
  after: ListPosition<AccountId> | null,
  limit: number,
): Promise<Account[]> {
  const { at, id } = sqlPosition(after);
  const rows = await sql<AccountRow[]>`
    SELECT * FROM accounts
    WHERE ${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid)
    ORDER BY created_at, id LIMIT ${limit}`;
  return rows.map(toAccount);
}
