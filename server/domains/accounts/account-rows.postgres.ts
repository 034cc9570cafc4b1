import type { AccountActor } from '../../kernel/actor.ts';
import { inOrder, type Sql } from '../../kernel/database.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import type { HomeRows, TenantRows } from '../tenants/index.ts';
import type { Account } from './types.ts';

/** A row of `accounts`. */
export interface AccountRow {
  id: AccountId;
  home_tenant_id: TenantId;
  name: string;
  operator: boolean;
  created_at: Date;
}

/** The account in a row. */
export const toAccount = (row: AccountRow): Account => ({
  id: row.id,
  homeTenantId: row.home_tenant_id,
  name: row.name,
  operator: row.operator,
  createdAtMs: row.created_at.getTime(),
});

/** Adds the account with its home tenant, which it owns, in the caller's transaction. */
export async function insertAccount(sql: Sql, tenants: TenantRows, account: Account): Promise<void> {
  const { id, homeTenantId, name, operator, createdAtMs } = account;
  await tenants.addTenant(sql, { id: homeTenantId, name, createdAtMs });
  await sql`
    INSERT INTO accounts (id, home_tenant_id, name, operator, created_at)
    VALUES (${id}, ${homeTenantId}, ${name}, ${operator}, ${new Date(createdAtMs)})`;
  await tenants.addOwner(sql, homeTenantId, id, createdAtMs);
}

/** Whose address it is; null: nobody's. */
export async function findByAddress(sql: Sql, address: string): Promise<Account | null> {
  const [row] = await sql<AccountRow[]>`
    SELECT accounts.* FROM account_addresses JOIN accounts ON accounts.id = account_id WHERE address = ${address}`;
  return row === undefined ? null : toAccount(row);
}

/** Until the transaction ends, nobody else gives the address to an account, or sends it a code. */
export async function lockAddress(sql: Sql, address: string): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`address:${address}`}, 0))`;
}

/** Whose address it is; null: nobody's. Until the transaction ends, nobody else gives it to an account. */
export async function findByLockedAddress(sql: Sql, address: string): Promise<Account | null> {
  const [, account] = await inOrder(
    () => lockAddress(sql, address),
    () => findByAddress(sql, address),
  );
  return account;
}

/** The account's address; null: it has none, or there is no such account. */
export async function findAddress(sql: Sql, accountId: AccountId): Promise<string | null> {
  const [row] = await sql<{ address: string }[]>`
    SELECT address FROM account_addresses WHERE account_id = ${accountId}`;
  return row?.address ?? null;
}

/** False: the credential that the account asks with was revoked meanwhile. */
export async function hasCredential(sql: Sql, { accountId, credentialId }: AccountActor): Promise<boolean> {
  const found = await sql`
    SELECT 1 FROM account_tokens WHERE id = ${credentialId} AND account_id = ${accountId}`;
  return found.length > 0;
}

/** Gives the account its address. */
export async function insertAddress(sql: Sql, accountId: AccountId, address: string): Promise<void> {
  await sql`INSERT INTO account_addresses (account_id, address) VALUES (${accountId}, ${address})`;
}

/** Which tenant was made with an account, for who writes it in a transaction of its own. */
export function createHomeRows(): HomeRows {
  return {
    async lockHome(sql, accountId) {
      const [row] = await sql<Pick<AccountRow, 'home_tenant_id'>[]>`
        SELECT home_tenant_id FROM accounts WHERE id = ${accountId} FOR NO KEY UPDATE`;
      return row?.home_tenant_id ?? null;
    },
    async moveHome(sql, accountId, tenantId) {
      await sql`UPDATE accounts SET home_tenant_id = ${tenantId} WHERE id = ${accountId}`;
    },
  };
}
