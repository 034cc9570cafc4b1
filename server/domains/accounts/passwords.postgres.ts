import { type Database, inOrder } from '../../kernel/database.ts';
import { type AccountRow, findAddress, hasCredential, toAccount } from './account-rows.postgres.ts';
import { hasOtherWay } from './identities.postgres.ts';
import type { PasswordStore } from './password-ports.ts';
import { insertSession, lockAskedBesides, lockTokens } from './tokens.postgres.ts';

/** Hashes of passwords in PostgreSQL. */
export function createPasswordStore(database: Database): PasswordStore {
  return {
    set: (actor, hash, nowMs) =>
      database.system('identity', async (sql) => {
        const { accountId } = actor;
        if (!(await hasCredential(sql, actor))) return 'credential_gone';
        const address = await findAddress(sql, accountId);
        if (address === null) return 'no_address';
        await sql`
          INSERT INTO account_passwords (account_id, password_hash, changed_at)
          VALUES (${accountId}, ${hash}, ${new Date(nowMs)})
          ON CONFLICT (account_id) DO UPDATE SET
            password_hash = excluded.password_hash, changed_at = excluded.changed_at`;
        return { address };
      }),

    remove: (actor, ways) =>
      database.system('identity', async (sql) => {
        const { accountId } = actor;
        const kinds = await lockTokens(sql, actor);
        if (kinds === null) return 'credential_gone';
        const without = { identityId: null, passkeysMin: 1, password: true };
        if (!(await hasOtherWay(sql, accountId, without, kinds.values(), ways))) return 'last_way';
        await sql`DELETE FROM account_passwords WHERE account_id = ${accountId}`;
        return 'removed';
      }),

    findChangedAt: (accountId) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<{ changed_at: Date }[]>`
          SELECT changed_at FROM account_passwords WHERE account_id = ${accountId}`;
        return row?.changed_at.getTime() ?? null;
      }),

    find: (address, origin) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<(AccountRow & { password_hash: string; is_known_device: boolean })[]>`
          SELECT accounts.*, password_hash, EXISTS (
            SELECT FROM known_sign_ins WHERE known_sign_ins.account_id = accounts.id
              AND origin_hash = sha256(convert_to(accounts.id || ':' || ${origin}, 'UTF8'))) AS is_known_device
          FROM account_addresses
          JOIN accounts ON accounts.id = account_addresses.account_id
          JOIN account_passwords ON account_passwords.account_id = accounts.id
          WHERE address = ${address}`;
        if (row === undefined) return null;
        return { account: toAccount(row), hash: row.password_hash, isKnownDevice: row.is_known_device };
      }),

    enter: ({ account, hash }, token, tokensMax) =>
      database.system('identity', async (sql, lastly) => {
        // The account first, as who removes the password locks them.
        const [asked, same] = await inOrder(
          () => lockAskedBesides(sql, account.id),
          () => sql`
            SELECT 1 FROM account_passwords WHERE account_id = ${account.id} AND password_hash = ${hash} FOR UPDATE`,
        );
        if (same.length === 0) return null;
        return lastly(() => insertSession(sql, account.id, token, tokensMax, asked));
      }),
  };
}
