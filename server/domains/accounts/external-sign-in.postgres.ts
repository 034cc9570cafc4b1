import { type Database, inOrder, type Sql } from '../../kernel/database.ts';
import type { TenantRows } from '../tenants/index.ts';
import {
  type AccountRow,
  findByLockedAddress,
  insertAccount,
  insertAddress,
  toAccount,
} from './account-rows.postgres.ts';
import type { ExternalIdentity, ExternalSignInStore } from './ports.ts';
import { insertSession, lockAskedBesides } from './tokens.postgres.ts';
import type { Account } from './types.ts';

async function findByIdentity(sql: Sql, { issuer, subject }: ExternalIdentity): Promise<Account | null> {
  const [row] = await sql<AccountRow[]>`
    SELECT accounts.* FROM account_identities JOIN accounts ON accounts.id = account_id
    WHERE issuer = ${issuer} AND subject = ${subject}`;
  return row === undefined ? null : toAccount(row);
}

/** Until the transaction ends, nobody else makes an account for the identity. */
async function lockIdentity(sql: Sql, { issuer, subject }: ExternalIdentity): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`identity:${issuer} ${subject}`}, 0))`;
}

/** As `lockAccount`, for the account of the identity: it isn't deleted until the transaction ends. */
async function lockAccountOfIdentity(sql: Sql, { issuer, subject }: ExternalIdentity): Promise<void> {
  await sql`
    SELECT pg_advisory_xact_lock(hashtextextended('tokens:' || account_id, 0)) FROM account_identities
    WHERE issuer = ${issuer} AND subject = ${subject}`;
}

/** Sign-ins with issuers in PostgreSQL. `tenants` writes the tenants of accounts in the same transaction. */
export function createExternalSignInStore(database: Database, tenants: TenantRows): ExternalSignInStore {
  /** The account of the identity; the one whose address it is, which it joins from now on; or a new one. */
  const findOrMake = async (
    sql: Sql,
    identity: ExternalIdentity,
    newAccount: (() => Account) | null,
    nowMs: number,
  ): Promise<{ account: Account; isNew: boolean } | 'unverified' | 'unknown'> => {
    const [, , known] = await inOrder(
      () => lockIdentity(sql, identity),
      () => lockAccountOfIdentity(sql, identity),
      () => findByIdentity(sql, identity),
    );
    if (known !== null) return { account: known, isNew: false };
    const { id, issuer, subject, address } = identity;
    if (address === null) return 'unverified';
    const owner = await findByLockedAddress(sql, address);
    if (owner === null && newAccount === null) return 'unknown';
    const account = owner ?? (newAccount as () => Account)();
    if (owner === null) {
      await insertAccount(sql, tenants, account);
      await insertAddress(sql, account.id, address);
    }
    await sql`
      INSERT INTO account_identities (id, issuer, subject, account_id, created_at)
      VALUES (${id}, ${issuer}, ${subject}, ${account.id}, ${new Date(nowMs)})`;
    return { account, isNew: owner === null };
  };

  return {
    addPending: ({ state, browserHash, provider, nonce, codeVerifier, expiresAtMs }) =>
      database.system('identity', async (sql) => {
        await sql`
          INSERT INTO pending_sign_ins (state, browser_hash, provider, nonce, code_verifier, expires_at)
          VALUES (${state}, ${browserHash}, ${provider}, ${nonce}, ${codeVerifier}, ${new Date(expiresAtMs)})`;
      }),

    takePending: ({ state, browserHash, provider, nowMs }) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<{ nonce: string; code_verifier: string }[]>`
          DELETE FROM pending_sign_ins
          WHERE state = ${state} AND browser_hash = ${browserHash} AND provider = ${provider}
            AND expires_at > ${new Date(nowMs)}
          RETURNING nonce, code_verifier`;
        return row === undefined ? null : { state, nonce: row.nonce, codeVerifier: row.code_verifier };
      }),

    enter: (identity, token, newAccount, { nowMs, tokensMax }) =>
      database.system('identity', async (sql, lastly) => {
        const entered = await findOrMake(sql, identity, newAccount, nowMs);
        if (typeof entered === 'string') return entered;
        const { id } = entered.account;
        const asked = await lockAskedBesides(sql, id);
        return { ...entered, ...(await lastly(() => insertSession(sql, id, token, tokensMax, asked))) };
      }),

    removeExpired: (nowMs) =>
      database.system('identity', async (sql) => {
        await sql`DELETE FROM pending_sign_ins WHERE expires_at < ${new Date(nowMs)}`;
      }),
  };
}
