import type { Database, Sql } from '../../kernel/database.ts';
import type { TenantRows } from '../tenants/index.ts';
import {
  findByAddress,
  findByLockedAddress,
  insertAccount,
  insertAddress,
  lockAddress,
} from './account-rows.postgres.ts';
import type { SignInStore, StoredCode } from './ports.ts';
import { insertSession } from './tokens.postgres.ts';
import type { Account } from './types.ts';

async function insertCode(sql: Sql, code: StoredCode): Promise<void> {
  const { id, address, hash, accountName, triesLeft, createdAtMs, expiresAtMs } = code;
  await sql`
    INSERT INTO sign_in_codes (id, address, code_hash, account_name, tries_left, created_at, expires_at)
    VALUES (${id}, ${address}, ${hash}, ${accountName}, ${triesLeft}, ${new Date(createdAtMs)}, ${new Date(expiresAtMs)})`;
}

/** The code's address, and the name that its account gets; null: it isn't right, or not there any more. */
export async function takeCode(
  sql: Sql,
  { codeId, nowMs, isRight }: Parameters<SignInStore['useCode']>[0],
): Promise<{ address: string; accountName: string | null } | null> {
  const [row] = await sql<{ address: string; code_hash: Uint8Array; account_name: string | null }[]>`
    SELECT address, code_hash, account_name FROM sign_in_codes
    WHERE id = ${codeId} AND tries_left > 0 AND expires_at > ${new Date(nowMs)} FOR UPDATE`;
  // Also without a code one is compared: how long it takes tells nothing.
  if (!isRight(row?.code_hash ?? NO_CODE) || row === undefined) {
    await sql`UPDATE sign_in_codes SET tries_left = tries_left - 1 WHERE id = ${codeId} AND tries_left > 0`;
    return null;
  }
  // It stays, used up, among those that are counted for its address.
  await sql`UPDATE sign_in_codes SET tries_left = 0 WHERE id = ${codeId}`;
  return { address: row.address, accountName: row.account_name };
}

const NO_CODE = new Uint8Array(32);

/** Codes in PostgreSQL. `tenants` writes the tenants of accounts in the same transaction. */
export function createSignInStore(database: Database, tenants: TenantRows): SignInStore {
  const findOrMake = async (
    sql: Sql,
    { address, accountName }: { address: string; accountName: string | null },
    newAccount: (name: string) => Account,
  ): Promise<{ account: Account; isNew: boolean } | null> => {
    const known = await findByLockedAddress(sql, address);
    if (known !== null) return { account: known, isNew: false };
    if (accountName === null) return null;
    const account = newAccount(accountName);
    await insertAccount(sql, tenants, account);
    await insertAddress(sql, account.id, address);
    return { account, isNew: true };
  };
  return {
    addCode: (code, { sinceMs, codesMax }) =>
      database.system('identity', async (sql) => {
        await lockAddress(sql, code.address);
        const earlier = await sql`
          SELECT 1 FROM sign_in_codes WHERE address = ${code.address} AND created_at > ${new Date(sinceMs)} LIMIT ${codesMax}`;
        if (earlier.length >= codesMax) return 'too_many';
        await insertCode(sql, code);
        return { account: await findByAddress(sql, code.address) };
      }),

    useCode: (use, token, newAccount, tokensMax) =>
      database.system('identity', async (sql) => {
        const taken = await takeCode(sql, use);
        if (taken === null) return null;
        const entered = await findOrMake(sql, taken, newAccount);
        if (entered === null) return null;
        return { ...entered, ...(await insertSession(sql, entered.account.id, token, tokensMax)) };
      }),

    removeExpired: (codesBeforeMs, nowMs) =>
      database.system('identity', async (sql) => {
        await sql`DELETE FROM sign_in_codes WHERE created_at < ${new Date(codesBeforeMs)}`;
        await sql`DELETE FROM account_tokens WHERE expires_at < ${new Date(nowMs)}`;
      }),
  };
}
