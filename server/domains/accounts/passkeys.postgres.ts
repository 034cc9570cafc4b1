import type { AccountActor } from '../../kernel/actor.ts';
import { type Database, inOrder, type Sql } from '../../kernel/database.ts';
import type { AccountId, PasskeyId } from '../../kernel/ids.ts';
import { type ListPosition, sqlPosition } from '../../kernel/page.ts';
import { type AccountRow, findAddress, toAccount } from './account-rows.postgres.ts';
import { hasOtherWay } from './identities.postgres.ts';
import type { KnownPasskey, PasskeyEntry, PasskeyStore, PasskeyUse, StoredPasskey } from './passkey-ports.ts';
import type { StoredToken } from './ports.ts';
import { insertWholeSession, lockAccount, lockTokens } from './tokens.postgres.ts';
import type { Passkey } from './types.ts';

interface PasskeyRow {
  id: PasskeyId;
  name: string;
  is_synced: boolean;
  is_backed_up: boolean;
  created_at: Date;
  last_used_at: Date | null;
}

const toPasskey = (row: PasskeyRow): Passkey => ({
  id: row.id,
  name: row.name,
  isSynced: row.is_synced,
  isBackedUp: row.is_backed_up,
  createdAtMs: row.created_at.getTime(),
  lastUsedAtMs: row.last_used_at?.getTime() ?? null,
});

/** How many passkeys an account has. */
async function countPasskeys(sql: Sql, accountId: AccountId): Promise<number> {
  const rows = await sql`SELECT account_id FROM account_passkeys WHERE account_id = ${accountId}`;
  return rows.length;
}

async function asksForPasskey(sql: Sql, accountId: AccountId): Promise<boolean> {
  const rows = await sql`SELECT 1 FROM second_factors WHERE account_id = ${accountId}`;
  return rows.length > 0;
}

/** False: some account has the credential. */
async function insertPasskey(sql: Sql, accountId: AccountId, passkey: StoredPasskey): Promise<boolean> {
  const { id, credentialId, publicKey, signCount, name, isSynced, isBackedUp, createdAtMs } = passkey;
  const added = await sql`
    INSERT INTO account_passkeys (id, account_id, credential_id, public_key, sign_count, name, is_synced, is_backed_up,
      created_at)
    VALUES (${id}, ${accountId}, ${credentialId}, ${publicKey}, ${signCount}, ${name}, ${isSynced}, ${isBackedUp},
      ${new Date(createdAtMs)})
    ON CONFLICT (credential_id) DO NOTHING RETURNING 1`;
  return added.length > 0;
}

/** What other tokens of the account have shown was less than the passkey that it has now. */
async function forgetProofs(sql: Sql, { accountId, credentialId }: AccountActor): Promise<void> {
  await sql`
    UPDATE account_tokens SET proven_at = NULL
    WHERE account_id = ${accountId} AND id <> ${credentialId} AND proven_at IS NOT NULL`;
}

/**
 * Notes a use. False: the passkey is gone, or its authenticator has counted as far before (Web Authentication Level 3, section 7.2, step
 * 22); one that doesn't count says 0 each time.
 */
export async function noteUse(
  sql: Sql,
  passkeyId: PasskeyId,
  { signCount, isBackedUp, nowMs }: PasskeyUse & { readonly nowMs: number },
): Promise<boolean> {
  const noted = await sql`
    UPDATE account_passkeys
    SET sign_count = ${signCount}, is_backed_up = ${isBackedUp}, last_used_at = ${new Date(nowMs)}
    WHERE id = ${passkeyId} AND (sign_count < ${signCount} OR (sign_count = 0 AND ${signCount} = 0)) RETURNING 1`;
  return noted.length > 0;
}

async function enter(
  sql: Sql,
  { id, accountId }: KnownPasskey,
  use: Parameters<PasskeyStore['enter']>[1],
  token: StoredToken,
  tokensMax: number,
): Promise<PasskeyEntry | null> {
  // The account before its passkey, as who removes that locks them.
  const [, [row]] = await inOrder(
    () => lockAccount(sql, accountId),
    () => sql<AccountRow[]>`SELECT * FROM accounts WHERE id = ${accountId}`,
  );
  if (row === undefined || !(await noteUse(sql, id, use))) return null;
  const { ended } = await insertWholeSession(sql, accountId, token, tokensMax);
  if (use.partial === null) return { account: toAccount(row), ended };
  const completed = await sql`
    DELETE FROM account_tokens WHERE id = ${use.partial} AND account_id = ${accountId} AND kind = 'partial' RETURNING 1`;
  // A sign-in that was revoked meanwhile comes back by nothing.
  if (completed.length === 0) throw new PartialGone();
  return { account: toAccount(row), ended: [...ended, use.partial] };
}

/** Rolls the transaction back. */
class PartialGone extends Error {}

async function selectPasskeys(
  sql: Sql,
  accountId: AccountId,
  after: ListPosition<PasskeyId> | null,
  limit: number,
): Promise<Passkey[]> {
  const { at, id } = sqlPosition(after);
  const rows = await sql<PasskeyRow[]>`
    SELECT id, name, is_synced, is_backed_up, created_at, last_used_at FROM account_passkeys
    WHERE account_id = ${accountId}
      AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
    ORDER BY created_at, id LIMIT ${limit}`;
  return rows.map(toPasskey);
}

/** The challenges of passkeys in PostgreSQL. */
function createChallengeRows(
  database: Database,
): Pick<PasskeyStore, 'addChallenge' | 'takeChallenge' | 'removeExpired'> {
  return {
    addChallenge: ({ id, challenge, purpose, credentialId, createdAtMs, expiresAtMs }, ofTokenMax) =>
      database.system('identity', async (sql) => {
        if (credentialId !== null) {
          const tokens = await sql`SELECT 1 FROM account_tokens WHERE id = ${credentialId}`;
          if (tokens.length === 0) return false;
          await sql`
            DELETE FROM passkey_challenges WHERE id IN (
              SELECT id FROM passkey_challenges WHERE credential_id = ${credentialId}
              ORDER BY created_at DESC OFFSET ${ofTokenMax - 1})`;
        }
        await sql`
          INSERT INTO passkey_challenges (id, challenge, purpose, credential_id, created_at, expires_at)
          VALUES (${id}, ${challenge}, ${purpose}, ${credentialId}, ${new Date(createdAtMs)}, ${new Date(expiresAtMs)})`;
        return true;
      }),

    takeChallenge: ({ id, purpose, credentialId, nowMs }) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<{ challenge: Uint8Array }[]>`
          DELETE FROM passkey_challenges
          WHERE id = ${id} AND purpose = ${purpose} AND credential_id IS NOT DISTINCT FROM ${credentialId}
            AND expires_at > ${new Date(nowMs)}
          RETURNING challenge`;
        return row?.challenge ?? null;
      }),

    removeExpired: (nowMs) =>
      database.system('identity', async (sql) => {
        await sql`DELETE FROM passkey_challenges WHERE expires_at < ${new Date(nowMs)}`;
      }),
  };
}

/** What passkeys are shown for in PostgreSQL: who signs in with one, and whether each sign-in asks for one. */
function createPasskeyUses(
  database: Database,
): Pick<PasskeyStore, 'findByCredentialId' | 'enter' | 'isSecondFactorRequired' | 'requireSecondFactor'> {
  return {
    findByCredentialId: (credentialId) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<{ id: PasskeyId; account_id: AccountId; public_key: Uint8Array }[]>`
          SELECT id, account_id, public_key FROM account_passkeys WHERE credential_id = ${credentialId}`;
        return row === undefined
          ? null
          : { id: row.id, accountId: row.account_id, publicKey: row.public_key };
      }),

    enter: (passkey, use, token, tokensMax) =>
      database
        .system('identity', (sql) => enter(sql, passkey, use, token, tokensMax))
        .catch((error: unknown) => {
          if (error instanceof PartialGone) return null;
          throw error;
        }),

    isSecondFactorRequired: ({ accountId }) =>
      database.system('identity', (sql) => asksForPasskey(sql, accountId)),

    requireSecondFactor: (actor, isRequired, nowMs) =>
      database.system('identity', async (sql) => {
        const { accountId } = actor;
        if ((await lockTokens(sql, actor)) === null) return 'credential_gone';
        if (isRequired && (await countPasskeys(sql, accountId)) === 0) return 'needed';
        if (isRequired) {
          await sql`
            INSERT INTO second_factors (account_id, required_at) VALUES (${accountId}, ${new Date(nowMs)})
            ON CONFLICT (account_id) DO NOTHING`;
        } else {
          await sql`DELETE FROM second_factors WHERE account_id = ${accountId}`;
        }
        return { address: await findAddress(sql, accountId) };
      }),
  };
}

/** Passkeys in PostgreSQL. */
export function createPasskeyStore(database: Database): PasskeyStore {
  return {
    ...createChallengeRows(database),
    ...createPasskeyUses(database),

    addPasskey: (actor, passkey, passkeysMax) =>
      database.system('identity', async (sql) => {
        const { accountId } = actor;
        if ((await lockTokens(sql, actor)) === null) return 'credential_gone';
        const known = await countPasskeys(sql, accountId);
        if (known >= passkeysMax) return 'limit_reached';
        if (!(await insertPasskey(sql, accountId, passkey))) return 'taken';
        if (known === 0) await forgetProofs(sql, actor);
        return { address: await findAddress(sql, accountId) };
      }),

    listPasskeys: ({ accountId }, after, limit) =>
      database.system('identity', (sql) => selectPasskeys(sql, accountId, after, limit)),

    listCredentialIds: (accountId) =>
      database.system('identity', async (sql) => {
        const rows = await sql<{ credential_id: Uint8Array }[]>`
          SELECT credential_id FROM account_passkeys WHERE account_id = ${accountId} ORDER BY created_at, id`;
        return rows.map((row) => Buffer.from(row.credential_id).toString('base64url'));
      }),

    renamePasskey: ({ accountId }, passkeyId, name) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<PasskeyRow[]>`
          UPDATE account_passkeys SET name = ${name} WHERE account_id = ${accountId} AND id = ${passkeyId}
          RETURNING id, name, is_synced, is_backed_up, created_at, last_used_at`;
        return row === undefined ? null : toPasskey(row);
      }),

    removePasskey: (actor, passkeyId, ways) =>
      database.system('identity', async (sql) => {
        const { accountId } = actor;
        const kinds = await lockTokens(sql, actor);
        if (kinds === null) return 'credential_gone';
        const found = await sql`
          SELECT 1 FROM account_passkeys WHERE account_id = ${accountId} AND id = ${passkeyId}`;
        if (found.length === 0) return 'not_found';
        const isLast = (await countPasskeys(sql, accountId)) === 1;
        if (isLast && (await asksForPasskey(sql, accountId))) return 'needed';
        const without = { identityId: null, passkeysMin: 2, password: false };
        if (!(await hasOtherWay(sql, accountId, without, kinds.values(), ways))) return 'last_way';
        await sql`DELETE FROM account_passkeys WHERE account_id = ${accountId} AND id = ${passkeyId}`;
        return { address: await findAddress(sql, accountId) };
      }),
  };
}
