import type { Database } from '../../kernel/database.ts';
import type { OfflineTokenStore } from './offline.ts';

/** What lets people in, in PostgreSQL, whoever they are. */
export function createOfflineTokenStore(database: Database): OfflineTokenStore {
  return {
    removeSetupCode: () =>
      database.system('identity', async (sql) => {
        await sql`DELETE FROM setup_code`;
      }),

    removeToken: (tokenId) =>
      database.system('identity', async (sql) => {
        const removed = await sql`DELETE FROM account_tokens WHERE id = ${tokenId} RETURNING 1`;
        return removed.length > 0;
      }),

    removeTokensOf: (accountId) =>
      database.system('identity', async (sql) => {
        const removed = await sql`DELETE FROM account_tokens WHERE account_id = ${accountId} RETURNING 1`;
        return removed.length;
      }),
  };
}
