import { type Database, inOrder, type Sql } from '../../kernel/database.ts';
import type { AccountId, CredentialId, TenantId } from '../../kernel/ids.ts';
import type { SealedRows } from '../../kernel/sealed-rows.ts';
import { accessKeyContext } from './access-token-keys.ts';
import type {
  AccessTokenKeyStore,
  RefreshedSignIn,
  RefreshStore,
  StoredAccessTokenKey,
} from './refresh-ports.ts';
import { capOfSignIn, refreshEndsAtMs } from './refresh-tokens.ts';
import { lockAccountWithToken } from './tokens.postgres.ts';

interface SignInRow {
  id: CredentialId;
  account_id: AccountId;
  home_tenant_id: TenantId;
  created_at: Date;
  expires_at: Date;
}

interface StateRow {
  current_hash: Uint8Array;
  previous_hash: Uint8Array | null;
  rotated_at: Date;
  cap: Date | null;
}

/** What the token of this sign-in is kept as, if it is one with refresh tokens. */
export async function findFamilyHash(sql: Sql, credentialId: CredentialId): Promise<Uint8Array | null> {
  const [row] = await sql<{ token_hash: Uint8Array }[]>`
    SELECT token_hash FROM refresh_tokens JOIN account_tokens ON id = credential_id
    WHERE credential_id = ${credentialId}`;
  return row?.token_hash ?? null;
}

interface KeyRow {
  id: string;
  public_key: Uint8Array;
  private_key_sealed: Uint8Array;
  created_at: Date;
  signs_from: Date;
}

/** The sign-in with this token, locked as who revokes it locks it; null: there is none. */
async function lockSignIn(sql: Sql, tokenHash: Uint8Array, nowMs: number): Promise<SignInRow | null> {
  const [, [row]] = await inOrder(
    () => lockAccountWithToken(sql, tokenHash),
    () => sql<SignInRow[]>`
      SELECT account_tokens.id, account_id, home_tenant_id, account_tokens.created_at, expires_at
      FROM account_tokens JOIN accounts ON accounts.id = account_id
      WHERE token_hash = ${tokenHash} AND kind = 'session' AND expires_at > ${new Date(nowMs)}
      FOR UPDATE OF account_tokens`,
  );
  return row ?? null;
}

function signInOf({ id, account_id, home_tenant_id }: SignInRow, expiresAtMs: number): RefreshedSignIn {
  return { accountId: account_id, homeTenantId: home_tenant_id, credentialId: id, expiresAtMs };
}

/** Refresh tokens in PostgreSQL. */
export function createRefreshStore(database: Database): RefreshStore {
  return {
    begin: (tokenHash, { familyHash, currentHash }, nowMs) =>
      database.system('identity', async (sql, lastly) => {
        const row = await lockSignIn(sql, tokenHash, nowMs);
        if (row === null) return null;
        const createdAtMs = row.created_at.getTime();
        const capMs = capOfSignIn(createdAtMs, row.expires_at.getTime());
        const expiresAtMs = refreshEndsAtMs(createdAtMs, nowMs, capMs);
        await lastly(() =>
          Promise.all([
            sql`
              UPDATE account_tokens SET token_hash = ${familyHash}, expires_at = ${new Date(expiresAtMs)}
              WHERE id = ${row.id}`,
            sql`
              INSERT INTO refresh_tokens (credential_id, current_hash, rotated_at, cap)
              VALUES (${row.id}, ${currentHash}, ${new Date(nowMs)}, ${capMs === null ? null : new Date(capMs)})`,
          ]),
        );
        return signInOf(row, expiresAtMs);
      }),

    rotate: (familyHash, rotate, nowMs) =>
      database.system('identity', async (sql) => {
        const row = await lockSignIn(sql, familyHash, nowMs);
        if (row === null) return null;
        const [state] = await sql<StateRow[]>`
          SELECT current_hash, previous_hash, rotated_at, cap FROM refresh_tokens WHERE credential_id = ${row.id}`;
        if (state === undefined) return null;
        const next = rotate({
          currentHash: state.current_hash,
          previousHash: state.previous_hash,
          rotatedAtMs: state.rotated_at.getTime(),
        });
        const expiresAtMs = refreshEndsAtMs(row.created_at.getTime(), nowMs, state.cap?.getTime() ?? null);
        const signIn = signInOf(row, expiresAtMs);
        if (next === null) {
          await sql`DELETE FROM account_tokens WHERE id = ${row.id}`;
          return { ...signIn, isEnded: true };
        }
        await sql`
          UPDATE refresh_tokens SET current_hash = ${next.currentHash}, previous_hash = ${next.previousHash},
            rotated_at = ${new Date(next.rotatedAtMs)}
          WHERE credential_id = ${row.id}`;
        await sql`UPDATE account_tokens SET expires_at = ${new Date(expiresAtMs)} WHERE id = ${row.id}`;
        return { ...signIn, isEnded: false };
      }),
  };
}

const toKey = (row: KeyRow): StoredAccessTokenKey => ({
  id: row.id,
  publicKey: row.public_key,
  privateKeySealed: row.private_key_sealed,
  createdAtMs: row.created_at.getTime(),
  signsFromMs: row.signs_from.getTime(),
});

/** The keys of access tokens in PostgreSQL. */
export function createAccessTokenKeyStore(database: Database): AccessTokenKeyStore {
  return {
    list: () =>
      database.system('identity', async (sql) =>
        (await sql<KeyRow[]>`SELECT * FROM access_token_keys`).map(toKey),
      ),

    change: (decide) =>
      database.system('identity', async (sql) => {
        // One server after the other: each sees what the one before made.
        await sql`SELECT pg_advisory_xact_lock(hashtextextended('access-token-keys', 0))`;
        const keys = (await sql<KeyRow[]>`SELECT * FROM access_token_keys`).map(toKey);
        const { added, ended } = decide(keys);
        if (ended.length > 0) await sql`DELETE FROM access_token_keys WHERE id = ANY (${[...ended]}::text[])`;
        if (added !== null) {
          await sql`
            INSERT INTO access_token_keys (id, public_key, private_key_sealed, created_at, signs_from)
            VALUES (${added.id}, ${added.publicKey}, ${added.privateKeySealed}, ${new Date(added.createdAtMs)},
              ${new Date(added.signsFromMs)})`;
        }
        const kept = keys.filter(({ id }) => !ended.includes(id));
        return added === null ? kept : [...kept, added];
      }),
  };
}

/** The private keys that access tokens are signed with. */
export function createSealedAccessTokenKeys(database: Database): SealedRows {
  return {
    list: (form, after, limit) =>
      database.system('identity', async (sql) => {
        const rows = await sql<KeyRow[]>`
          SELECT * FROM access_token_keys
          WHERE get_byte(private_key_sealed, 0) = ${form} AND (${after}::text IS NULL OR id > ${after}::text)
          ORDER BY id LIMIT ${limit}`;
        return rows.map(({ id, public_key, private_key_sealed }) => ({
          id,
          sealed: private_key_sealed,
          context: accessKeyContext(id, public_key),
        }));
      }),
    replace: (row, sealed) =>
      database.system('identity', async (sql) => {
        await sql`
          UPDATE access_token_keys SET private_key_sealed = ${sealed}
          WHERE id = ${row.id} AND private_key_sealed = ${row.sealed}`;
      }),
  };
}
