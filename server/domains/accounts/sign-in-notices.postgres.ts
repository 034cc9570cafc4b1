import { type Database, inOrder, type Sql } from '../../kernel/database.ts';
import type { AccountId } from '../../kernel/ids.ts';
import { findAddress } from './account-rows.postgres.ts';
import type { SignInNoticeStore } from './ports.ts';

/** True where it is known; then its last use is now. */
async function touch(sql: Sql, accountId: AccountId, originHash: Uint8Array, nowMs: number) {
  const touched = await sql`
    UPDATE known_sign_ins SET last_used_at = ${new Date(nowMs)}
    WHERE account_id = ${accountId} AND origin_hash = ${originHash}`;
  return touched.count > 0;
}

/** Those that a mail told of since then stay: they are counted. Of the others the ones go that were used last the longest ago. */
async function prune(sql: Sql, accountId: AccountId, sinceMs: number, knownMax: number): Promise<void> {
  await sql`
    DELETE FROM known_sign_ins WHERE account_id = ${accountId} AND origin_hash IN (
      SELECT origin_hash FROM known_sign_ins WHERE account_id = ${accountId}
      ORDER BY coalesce(noticed_at > ${new Date(sinceMs)}, false) DESC, last_used_at DESC OFFSET ${knownMax})`;
}

/** Known origins of sign-ins in PostgreSQL. */
export function createSignInNoticeStore(database: Database): SignInNoticeStore {
  return {
    noteSignIn: (accountId, { originHash, nowMs, isFirst }, { knownMax, noticesMax, sinceMs }) =>
      database.system('identity', async (sql) => {
        const [, isKnown] = await inOrder(
          () => sql`SELECT pg_advisory_xact_lock(hashtextextended(${`sign-ins:${accountId}`}, 0))`,
          () => touch(sql, accountId, originHash, nowMs),
        );
        if (isKnown) return null;
        const noticed = await sql`
          SELECT 1 FROM known_sign_ins
          WHERE account_id = ${accountId} AND noticed_at > ${new Date(sinceMs)} LIMIT ${noticesMax}`;
        const address = isFirst || noticed.length >= noticesMax ? null : await findAddress(sql, accountId);
        const now = new Date(nowMs);
        // The account may be gone meanwhile.
        await sql`
          INSERT INTO known_sign_ins (account_id, origin_hash, last_used_at, noticed_at)
          SELECT id, ${originHash}, ${now}::timestamptz, ${address === null ? null : now}::timestamptz
          FROM accounts WHERE id = ${accountId}`;
        await prune(sql, accountId, sinceMs, knownMax);
        return address;
      }),
  };
}
