import { type Database, inOrder, type Sql } from '../../kernel/database.ts';
import type { TenantRows } from '../tenants/index.ts';
import {
  type AccountRow,
  findByAddress,
  insertAccount,
  insertAddress,
  lockAddress,
  toAccount,
} from './account-rows.postgres.ts';
import type { SignInStore, StoredCode } from './ports.ts';
import { type AskedBesides, insertSession } from './tokens.postgres.ts';
import type { Account } from './types.ts';

async function insertCode(sql: Sql, code: StoredCode): Promise<void> {
  const { id, address, hash, accountName, triesLeft, createdAtMs, expiresAtMs } = code;
  await sql`
    INSERT INTO sign_in_codes (id, address, code_hash, account_name, tries_left, created_at, expires_at)
    VALUES (${id}, ${address}, ${hash}, ${accountName}, ${triesLeft}, ${new Date(createdAtMs)}, ${new Date(expiresAtMs)})`;
}

type CodeUse = Parameters<SignInStore['useCode']>[0];

interface CodeRow {
  address: string;
  code_hash: Uint8Array;
  account_name: string | null;
}

/** The code, locked, if it may be tried still. */
function lockCode(sql: Sql, { codeId, nowMs }: CodeUse): Promise<CodeRow[]> {
  return sql<CodeRow[]>`
    SELECT address, code_hash, account_name FROM sign_in_codes
    WHERE id = ${codeId} AND tries_left > 0 AND expires_at > ${new Date(nowMs)} FOR UPDATE`;
}

/** True: the code is right; else a try of it is gone. */
async function isCodeRight(
  sql: Sql,
  { codeId, isRight }: CodeUse,
  row: CodeRow | undefined,
): Promise<boolean> {
  // Also without a code one is compared: how long it takes tells nothing.
  if (isRight(row?.code_hash ?? NO_CODE) && row !== undefined) return true;
  await sql`UPDATE sign_in_codes SET tries_left = tries_left - 1 WHERE id = ${codeId} AND tries_left > 0`;
  return false;
}

/** It stays, used up, among those that are counted for its address. */
async function useUp(sql: Sql, { codeId }: CodeUse): Promise<void> {
  await sql`UPDATE sign_in_codes SET tries_left = 0 WHERE id = ${codeId}`;
}

/** Uses the code up; its address; null: it isn't right, or not there any more. */
export async function takeCode(sql: Sql, use: CodeUse): Promise<{ address: string } | null> {
  const [row] = await lockCode(sql, use);
  if (!(await isCodeRight(sql, use, row)) || row === undefined) return null;
  await useUp(sql, use);
  return { address: row.address };
}

/**
 * As `lockAddress`. A code that is used up stops nobody, and its answer takes as long whether its address has an account: it may be
 * tried as often as somebody likes.
 */
async function lockAddressOfCode(sql: Sql, { codeId }: CodeUse): Promise<void> {
  await sql`
    SELECT pg_advisory_xact_lock(hashtextextended('address:' || address, 0)) FROM sign_in_codes
    WHERE id = ${codeId} AND tries_left > 0`;
}

/** As `lockAccount`, where `lockAddressOfCode` locks. */
async function lockAccountOfCode(sql: Sql, { codeId }: CodeUse): Promise<void> {
  await sql`
    SELECT pg_advisory_xact_lock(hashtextextended('tokens:' || account_id, 0))
    FROM sign_in_codes JOIN account_addresses USING (address) WHERE id = ${codeId} AND tries_left > 0`;
}

/** Whose address the code was sent to, and what that account asks for besides; null: nobody's. */
async function findByCode(
  sql: Sql,
  { codeId }: CodeUse,
): Promise<{ account: Account; asked: AskedBesides } | null> {
  const [row] = await sql<(AccountRow & { asks_for_passkey: boolean; has_passkey: boolean })[]>`
    SELECT accounts.*,
      EXISTS (SELECT FROM second_factors WHERE account_id = accounts.id) AS asks_for_passkey,
      EXISTS (SELECT FROM account_passkeys WHERE account_id = accounts.id) AS has_passkey
    FROM sign_in_codes JOIN account_addresses USING (address) JOIN accounts ON accounts.id = account_addresses.account_id
    WHERE sign_in_codes.id = ${codeId} AND tries_left > 0`;
  if (row === undefined) return null;
  return {
    account: toAccount(row),
    asked: { asksForPasskey: row.asks_for_passkey, hasPasskey: row.has_passkey },
  };
}

/** Of an account that is new. */
const NOTHING_BESIDES: AskedBesides = { asksForPasskey: false, hasPasskey: false };

const NO_CODE = new Uint8Array(32);

/** Codes in PostgreSQL. `tenants` writes the tenants of accounts in the same transaction. */
export function createSignInStore(database: Database, tenants: TenantRows): SignInStore {
  const makeAccount = async (sql: Sql, address: string, account: Account) => {
    await insertAccount(sql, tenants, account);
    await insertAddress(sql, account.id, address);
    return { account, asked: NOTHING_BESIDES };
  };
  return {
    addCode: (code, { sinceMs, codesMax }) =>
      database.system('identity', async (sql, lastly) => {
        const { address } = code;
        const [, earlier, account] = await inOrder(
          () => lockAddress(sql, address),
          () => sql`
            SELECT 1 FROM sign_in_codes WHERE address = ${address} AND created_at > ${new Date(sinceMs)} LIMIT ${codesMax}`,
          () => findByAddress(sql, address),
        );
        if (earlier.length >= codesMax) return 'too_many';
        await lastly(() => insertCode(sql, code));
        return { account };
      }),

    useCode: (use, token, newAccount, tokensMax) =>
      database.system('identity', async (sql, lastly) => {
        const [[code], , , known] = await inOrder(
          () => lockCode(sql, use),
          () => lockAddressOfCode(sql, use),
          () => lockAccountOfCode(sql, use),
          () => findByCode(sql, use),
        );
        if (!(await isCodeRight(sql, use, code)) || code === undefined) return null;
        const { address, account_name: name } = code;
        const entered = known ?? (name === null ? null : await makeAccount(sql, address, newAccount(name)));
        if (entered === null) {
          await useUp(sql, use);
          return null;
        }
        const { account, asked } = entered;
        const [, session] = await lastly(() =>
          inOrder(
            () => useUp(sql, use),
            () => insertSession(sql, account.id, token, tokensMax, asked),
          ),
        );
        return { account, isNew: known === null, ...session };
      }),

    removeExpired: (codesBeforeMs, nowMs) =>
      database.system('identity', async (sql) => {
        await sql`DELETE FROM sign_in_codes WHERE created_at < ${new Date(codesBeforeMs)}`;
        await sql`DELETE FROM account_tokens WHERE expires_at < ${new Date(nowMs)}`;
      }),
  };
}
