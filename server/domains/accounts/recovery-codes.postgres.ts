import type { Database, Sql } from '../../kernel/database.ts';
import type { AccountId } from '../../kernel/ids.ts';
import { type AccountRow, findAddress, hasCredential, toAccount } from './account-rows.postgres.ts';
import type { RecoveryCodeStore } from './ports.ts';
import { insertWholeSession } from './tokens.postgres.ts';

/** Uses a code of an account up, in the caller's transaction. False: it has no such code that was made until then. */
export async function takeRecoveryCode(
  sql: Sql,
  accountId: AccountId,
  codeHash: Uint8Array,
  madeUntilMs: number,
): Promise<boolean> {
  const taken = await sql`
    DELETE FROM recovery_codes
    WHERE account_id = ${accountId} AND code_hash = ${codeHash} AND created_at <= ${new Date(madeUntilMs)} RETURNING 1`;
  return taken.length > 0;
}

async function countOf(sql: Sql, accountId: AccountId) {
  const rows = await sql<{ created_at: Date }[]>`
    SELECT created_at FROM recovery_codes WHERE account_id = ${accountId}`;
  return { left: rows.length, createdAtMs: rows[0]?.created_at.getTime() ?? null };
}

/** Recovery codes in PostgreSQL. */
export function createRecoveryCodeStore(database: Database): RecoveryCodeStore {
  return {
    replace: (actor, hashes, nowMs) =>
      database.system('identity', async (sql) => {
        const { accountId } = actor;
        // Of two at once the later one's codes are good, all of them.
        await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`recovery:${accountId}`}, 0))`;
        if (!(await hasCredential(sql, actor))) return null;
        await sql`DELETE FROM recovery_codes WHERE account_id = ${accountId}`;
        for (const codeHash of hashes) {
          await sql`
            INSERT INTO recovery_codes (code_hash, account_id, created_at)
            VALUES (${codeHash}, ${accountId}, ${new Date(nowMs)})`;
        }
        return { address: await findAddress(sql, accountId) };
      }),

    count: ({ accountId }) => database.system('identity', (sql) => countOf(sql, accountId)),

    // It takes the place of a passkey, too: who has lost that has nothing else.
    use: (codeHash, token, tokensMax) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<AccountRow[]>`
          DELETE FROM recovery_codes USING accounts
          WHERE code_hash = ${codeHash} AND accounts.id = recovery_codes.account_id RETURNING accounts.*`;
        if (row === undefined) return null;
        return {
          account: toAccount(row),
          address: await findAddress(sql, row.id),
          left: (await countOf(sql, row.id)).left,
          ended: (await insertWholeSession(sql, row.id, token, tokensMax)).ended,
        };
      }),
  };
}
