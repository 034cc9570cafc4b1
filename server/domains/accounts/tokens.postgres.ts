import type { AccountActor } from '../../kernel/actor.ts';
import { type Database, inOrder, type Sql } from '../../kernel/database.ts';
import type { AccountId, CredentialId } from '../../kernel/ids.ts';
import { type ListPosition, sqlPosition } from '../../kernel/page.ts';
import { PARTIAL_NAME, PARTIAL_SESSION_MS, PARTIAL_SESSIONS_MAX } from './limits.ts';
import type { AccountStore, AddedSession, StoredToken } from './ports.ts';
import type { AccountToken, TokenKind } from './types.ts';

interface TokenRow {
  id: CredentialId;
  kind: TokenKind;
  name: string;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
}

const toToken = (row: TokenRow): AccountToken => ({
  id: row.id,
  kind: row.kind,
  name: row.name,
  createdAtMs: row.created_at.getTime(),
  expiresAtMs: row.expires_at?.getTime() ?? null,
  lastUsedAtMs: row.last_used_at?.getTime() ?? null,
});

/** Adds a token of this account, in the caller's transaction. */
export async function insertToken(sql: Sql, accountId: AccountId, token: StoredToken): Promise<void> {
  const { id, kind, name, hash, createdAtMs, expiresAtMs, provenAtMs } = token;
  await sql`
    INSERT INTO account_tokens (id, account_id, kind, name, token_hash, created_at, expires_at, proven_at)
    VALUES (${id}, ${accountId}, ${kind}, ${name}, ${hash}, ${new Date(createdAtMs)},
      ${expiresAtMs === null ? null : new Date(expiresAtMs)}, ${provenAtMs === null ? null : new Date(provenAtMs)})`;
}

/** Changes of an account's tokens come one after the other: each counts what the one before left. */
export async function lockAccount(sql: Sql, accountId: AccountId): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`tokens:${accountId}`}, 0))`;
}

/** `lockAccount` for the account that has this token. */
export async function lockAccountWithToken(sql: Sql, tokenHash: Uint8Array): Promise<void> {
  await sql`
    SELECT pg_advisory_xact_lock(hashtextextended('tokens:' || account_id, 0)) FROM account_tokens
    WHERE token_hash = ${tokenHash}`;
}

/** What a sign-in shows besides, where its account asks for that. */
export interface AskedBesides {
  /** A passkey has to be shown too. */
  readonly asksForPasskey: boolean;
  readonly hasPasskey: boolean;
}

/** What the account asks for besides; its tokens change only here until the transaction ends. */
export async function lockAskedBesides(sql: Sql, accountId: AccountId): Promise<AskedBesides> {
  const [, asks, passkeys] = await inOrder(
    () => lockAccount(sql, accountId),
    () => sql`SELECT 1 FROM second_factors WHERE account_id = ${accountId}`,
    () => sql`SELECT 1 FROM account_passkeys WHERE account_id = ${accountId} LIMIT 1`,
  );
  return { asksForPasskey: asks.length > 0, hasPasskey: passkeys.length > 0 };
}

/**
 * Adds the token of a sign-in that shows one thing alone, in the caller's transaction: where its account asks for a passkey besides, it waits for
 * that. Its statements begin within the call.
 */
export async function insertSession(
  sql: Sql,
  accountId: AccountId,
  token: StoredToken,
  tokensMax: number,
  { asksForPasskey, hasPasskey }: AskedBesides,
): Promise<AddedSession> {
  if (!asksForPasskey) {
    // Who has a passkey proves it with that alone.
    const provenAtMs = hasPasskey ? null : token.provenAtMs;
    return insertWholeSession(sql, accountId, { ...token, provenAtMs }, tokensMax);
  }
  const expiresAtMs = token.createdAtMs + PARTIAL_SESSION_MS;
  const partial = { ...token, kind: 'partial', name: PARTIAL_NAME, expiresAtMs, provenAtMs: null } as const;
  const [gone] = await inOrder(
    () => sql<{ id: CredentialId }[]>`
      DELETE FROM account_tokens WHERE id IN (
        SELECT id FROM account_tokens WHERE account_id = ${accountId} AND kind = 'partial'
        ORDER BY created_at DESC OFFSET ${PARTIAL_SESSIONS_MAX - 1})
      RETURNING id`,
    () => insertToken(sql, accountId, partial),
  );
  return { token: partial, ended: gone.map(({ id }) => id) };
}

/**
 * Adds the token of a sign-in that needs nothing besides, in the caller's transaction. Where the account has all it may have, its oldest
 * sign-in goes. Its statements begin within the call.
 */
export async function insertWholeSession(
  sql: Sql,
  accountId: AccountId,
  token: StoredToken,
  tokensMax: number,
): Promise<AddedSession> {
  const [, gone] = await inOrder(
    () => lockAccount(sql, accountId),
    () => sql<{ id: CredentialId }[]>`
      DELETE FROM account_tokens WHERE id IN (
        SELECT id FROM account_tokens WHERE account_id = ${accountId} AND kind = 'session'
        ORDER BY created_at DESC
        OFFSET greatest(0, ${tokensMax - 1} - (
          SELECT count(*) FROM account_tokens WHERE account_id = ${accountId} AND kind <> 'session')))
      RETURNING id`,
    () => insertToken(sql, accountId, token),
  );
  return { token, ended: gone.map(({ id }) => id) };
}

/** How many tokens an account has; until the transaction ends, as many. */
export async function countTokens(sql: Sql, accountId: AccountId): Promise<number> {
  await lockAccount(sql, accountId);
  const rows = await sql`SELECT 1 FROM account_tokens WHERE account_id = ${accountId}`;
  return rows.length;
}

/** The kinds of an account's tokens by their ids, locked. Null: the one that it asks with is not among them any more. */
export async function lockTokens(
  sql: Sql,
  { accountId, credentialId }: AccountActor,
): Promise<ReadonlyMap<CredentialId, TokenKind> | null> {
  await lockAccount(sql, accountId);
  const rows = await sql<{ id: CredentialId; kind: TokenKind }[]>`
    SELECT id, kind FROM account_tokens WHERE account_id = ${accountId}`;
  const kinds = new Map(rows.map(({ id, kind }) => [id, kind]));
  return kinds.has(credentialId) ? kinds : null;
}

/** True for the one token that lets the account in as itself: API keys and sign-ins that are not complete don't. */
function isLast(kinds: ReadonlyMap<CredentialId, TokenKind>, tokenId: CredentialId): boolean {
  const lettingIn = [...kinds].filter(([, kind]) => kind === 'personal' || kind === 'session');
  return lettingIn.length === 1 && lettingIn[0]?.[0] === tokenId;
}

/** Adds a token of the account that asks, where it has fewer than it may. */
export async function insertOwnToken(
  sql: Sql,
  actor: AccountActor,
  token: StoredToken,
  tokensMax: number,
): Promise<'added' | 'limit_reached' | 'credential_gone'> {
  const kinds = await lockTokens(sql, actor);
  if (kinds === null) return 'credential_gone';
  if (kinds.size >= tokensMax) return 'limit_reached';
  await insertToken(sql, actor.accountId, token);
  return 'added';
}

async function selectTokens(
  sql: Sql,
  { accountId }: AccountActor,
  after: ListPosition<CredentialId> | null,
  limit: number,
): Promise<AccountToken[]> {
  const { at, id } = sqlPosition(after);
  const rows = await sql<TokenRow[]>`
    SELECT id, kind, name, created_at, expires_at, last_used_at FROM account_tokens
    WHERE account_id = ${accountId}
      AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
    ORDER BY created_at, id LIMIT ${limit}`;
  return rows.map(toToken);
}

/** The part of the accounts' store that accounts ask about their own tokens. */
export function createTokenRows(
  database: Database,
): Pick<AccountStore, 'listTokens' | 'addToken' | 'removeToken' | 'removeSession'> {
  return {
    listTokens: (actor, after, limit) =>
      database.read(actor, (sql) => selectTokens(sql, actor, after, limit)),

    addToken: (actor, token, tokensMax) =>
      database.tenant(actor, (sql) => insertOwnToken(sql, actor, token, tokensMax)),

    removeToken: (actor, tokenId) =>
      database.tenant(actor, async (sql) => {
        const kinds = await lockTokens(sql, actor);
        if (kinds === null) return 'credential_gone';
        if (!kinds.has(tokenId)) return 'not_found';
        if (isLast(kinds, tokenId)) {
          const addresses = await sql`SELECT 1 FROM account_addresses WHERE account_id = ${actor.accountId}`;
          if (addresses.length === 0) return 'last_token';
        }
        await sql`DELETE FROM account_tokens WHERE account_id = ${actor.accountId} AND id = ${tokenId}`;
        return 'removed';
      }),

    removeSession: (actor) =>
      database.tenant(actor, async (sql) => {
        const removed = await sql`
          DELETE FROM account_tokens
          WHERE account_id = ${actor.accountId} AND id = ${actor.credentialId} AND kind IN ('session', 'partial')`;
        return removed.count > 0;
      }),
  };
}
