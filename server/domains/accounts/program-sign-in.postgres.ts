import type { Database, Sql } from '../../kernel/database.ts';
import { type AccountRow, toAccount } from './account-rows.postgres.ts';
import { SESSION_MS } from './limits.ts';
import type { StoredToken } from './ports.ts';
import type { ProgramSignInStore } from './program-ports.ts';
import { countTokens, insertToken, lockAccount, lockTokens } from './tokens.postgres.ts';

interface ProgramRow {
  name: string;
  client: string;
  wants_refresh: boolean;
  state: 'pending' | 'allowed' | 'denied';
  account_id: AccountRow['id'] | null;
  interval_seconds: number;
  asked_at: Date | null;
  created_at: Date;
  expires_at: Date;
}

async function add(
  sql: Sql,
  program: Parameters<ProgramSignInStore['add']>[0],
  { ofClientMax, waitingMax }: Parameters<ProgramSignInStore['add']>[1],
): ReturnType<ProgramSignInStore['add']> {
  const {
    deviceCodeHash,
    userCodeHash,
    name,
    client,
    createdAtMs,
    expiresAtMs,
    intervalSeconds,
    wantsRefresh,
  } = program;
  const now = new Date(createdAtMs);
  // One after the other: each counts the one before.
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('program-sign-ins', 0))`;
  const ofClient = await sql`
    SELECT 1 FROM program_sign_ins WHERE client = ${client} AND expires_at > ${now} LIMIT ${ofClientMax}`;
  if (ofClient.length >= ofClientMax) return 'too_many_of_client';
  const waiting = await sql`SELECT 1 FROM program_sign_ins WHERE expires_at > ${now} LIMIT ${waitingMax}`;
  if (waiting.length >= waitingMax) return 'too_many';
  await sql`
    INSERT INTO program_sign_ins (device_code_hash, user_code_hash, name, client, interval_seconds, wants_refresh, created_at, expires_at)
    VALUES (${deviceCodeHash}, ${userCodeHash}, ${name}, ${client}, ${intervalSeconds}, ${wantsRefresh}, ${now}, ${new Date(expiresAtMs)})`;
  return 'added';
}

/** Notes that a program asked. True: it asked too soon, and has longer to wait from now on. */
async function noteAsking(
  sql: Sql,
  deviceCodeHash: Uint8Array,
  { asked_at: askedAt, interval_seconds: intervalSeconds }: ProgramRow,
  { nowMs, slowerSeconds }: { nowMs: number; slowerSeconds: number },
): Promise<boolean> {
  const isTooSoon = askedAt !== null && nowMs - askedAt.getTime() < intervalSeconds * 1000;
  await sql`
    UPDATE program_sign_ins SET asked_at = ${new Date(nowMs)},
      interval_seconds = ${isTooSoon ? intervalSeconds + slowerSeconds : intervalSeconds}
    WHERE device_code_hash = ${deviceCodeHash}`;
  return isTooSoon;
}

/** The tokens of who let the program in, before the row: who revokes one locks them in this order. */
async function lockLetIn(sql: Sql, deviceCodeHash: Uint8Array): Promise<void> {
  const [row] = await sql<Pick<ProgramRow, 'account_id'>[]>`
    SELECT account_id FROM program_sign_ins WHERE device_code_hash = ${deviceCodeHash}`;
  if (row !== undefined && row.account_id !== null) await lockAccount(sql, row.account_id);
}

/** What is traded for refresh tokens at once. */
const asSession = (token: StoredToken): StoredToken => ({
  ...token,
  kind: 'session',
  expiresAtMs: token.createdAtMs + SESSION_MS,
});

async function collect(
  sql: Sql,
  { deviceCodeHash, name }: Parameters<ProgramSignInStore['collect']>[0],
  token: StoredToken,
  limits: Parameters<ProgramSignInStore['collect']>[2],
): ReturnType<ProgramSignInStore['collect']> {
  await lockLetIn(sql, deviceCodeHash);
  const [row] = await sql<ProgramRow[]>`
    SELECT * FROM program_sign_ins WHERE device_code_hash = ${deviceCodeHash} AND name = ${name} FOR UPDATE`;
  if (row === undefined) return 'unknown';
  if (row.expires_at.getTime() <= limits.nowMs) return 'expired';
  if (row.state === 'denied') return 'denied';
  const { account_id: accountId } = row;
  if (accountId === null) {
    return (await noteAsking(sql, deviceCodeHash, row, limits)) ? 'slow_down' : 'pending';
  }
  const [account] = await sql<AccountRow[]>`SELECT * FROM accounts WHERE id = ${accountId}`;
  // Tokens were made meanwhile: there is no room for this one any more.
  if (account === undefined || (await countTokens(sql, accountId)) >= limits.tokensMax) return 'denied';
  const { wants_refresh: wantsRefresh } = row;
  await insertToken(sql, accountId, wantsRefresh ? asSession(token) : token);
  await sql`DELETE FROM program_sign_ins WHERE device_code_hash = ${deviceCodeHash}`;
  return { account: toAccount(account), wantsRefresh };
}

/** Programs that wait to be let in, in PostgreSQL. */
export function createProgramSignInStore(database: Database): ProgramSignInStore {
  return {
    add: (program, limits) => database.system('identity', (sql) => add(sql, program, limits)),

    find: (userCodeHash, nowMs) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<ProgramRow[]>`
          SELECT * FROM program_sign_ins
          WHERE user_code_hash = ${userCodeHash} AND state = 'pending' AND expires_at > ${new Date(nowMs)}`;
        if (row === undefined) return null;
        const { name, client, created_at: createdAt, expires_at: expiresAt } = row;
        return { name, client, createdAtMs: createdAt.getTime(), expiresAtMs: expiresAt.getTime() };
      }),

    decide: (actor, userCodeHash, isAllowed, { nowMs, tokensMax }) =>
      database.system('identity', async (sql) => {
        const kinds = await lockTokens(sql, actor);
        if (kinds === null) return 'credential_gone';
        if (isAllowed && kinds.size >= tokensMax) return 'limit_reached';
        const decided = await sql`
          UPDATE program_sign_ins
          SET state = ${isAllowed ? 'allowed' : 'denied'}, account_id = ${isAllowed ? actor.accountId : null},
            credential_id = ${isAllowed ? actor.credentialId : null}
          WHERE user_code_hash = ${userCodeHash} AND state = 'pending' AND expires_at > ${new Date(nowMs)}`;
        return decided.count > 0 ? 'decided' : 'wrong';
      }),

    collect: (asked, token, limits) =>
      database.system('identity', (sql) => collect(sql, asked, token, limits)),

    removeExpired: (expiredBeforeMs) =>
      database.system('identity', async (sql) => {
        await sql`DELETE FROM program_sign_ins WHERE expires_at < ${new Date(expiredBeforeMs)}`;
      }),
  };
}
