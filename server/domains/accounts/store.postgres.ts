import type { Database, Sql } from '../../kernel/database.ts';
import type { AccountId, CredentialId, TenantId } from '../../kernel/ids.ts';
import { type ListPosition, sqlPosition } from '../../kernel/page.ts';
import type { TenantRows } from '../tenants/index.ts';
import type { AccountStore, StoredToken } from './ports.ts';
import { createTokenRows, insertToken } from './tokens.postgres.ts';
import type { Account } from './types.ts';

interface AccountRow {
  id: AccountId;
  home_tenant_id: TenantId;
  name: string;
  operator: boolean;
  created_at: Date;
}

const toAccount = (row: AccountRow): Account => ({
  id: row.id,
  homeTenantId: row.home_tenant_id,
  name: row.name,
  operator: row.operator,
  createdAtMs: row.created_at.getTime(),
});

const first = (rows: readonly AccountRow[]): Account | null =>
  rows[0] === undefined ? null : toAccount(rows[0]);

/** Accounts in PostgreSQL. `tenants` writes and reads an account's tenants in the same transaction. */
export function createAccountStore(database: Database, tenants: TenantRows): AccountStore {
  const insertAccount = async (sql: Sql, account: Account, token: StoredToken): Promise<void> => {
    const { id, homeTenantId, name, operator, createdAtMs } = account;
    await tenants.addTenant(sql, { id: homeTenantId, name, createdAtMs });
    await sql`
      INSERT INTO accounts (id, home_tenant_id, name, operator, created_at)
      VALUES (${id}, ${homeTenantId}, ${name}, ${operator}, ${new Date(createdAtMs)})`;
    await tenants.addOwner(sql, homeTenantId, id, createdAtMs);
    await insertToken(sql, id, token);
  };

  return {
    ...createTokenRows(database),

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
        await insertAccount(sql, account, token);
        return true;
      }),

    addAccount: (account, token) => database.system('identity', (sql) => insertAccount(sql, account, token)),

    findByToken: (tokenHash, wantedTenantId) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<(AccountRow & { credential_id: CredentialId })[]>`
          SELECT accounts.*, account_tokens.id AS credential_id
          FROM account_tokens JOIN accounts ON accounts.id = account_tokens.account_id
          WHERE token_hash = ${tokenHash}`;
        if (row === undefined) return null;
        const account = toAccount(row);
        const tenantId = wantedTenantId ?? account.homeTenantId;
        const membership = await tenants.findMembership(sql, tenantId, account.id);
        return { account, credentialId: row.credential_id, tenantId, membership };
      }),

    findSelf: (actor) =>
      database.tenant(actor, async (sql) =>
        first(await sql<AccountRow[]>`SELECT * FROM accounts WHERE id = ${actor.accountId}`),
      ),

    findAccount: (accountId) =>
      database.system('identity', async (sql) =>
        first(await sql<AccountRow[]>`SELECT * FROM accounts WHERE id = ${accountId}`),
      ),

    findNames: (actor, accountIds) =>
      database.tenant(actor, async (sql) => {
        const rows = await sql<{ id: AccountId; name: string }[]>`
          SELECT id, name FROM accounts WHERE id = ANY (${[...accountIds]}::uuid[])`;
        return new Map(rows.map(({ id, name }) => [id, name]));
      }),

    listAccounts: (after, limit) => database.system('identity', (sql) => selectAccounts(sql, after, limit)),
  };
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
