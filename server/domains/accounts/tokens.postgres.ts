import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { AccountId, CredentialId } from '../../kernel/ids.ts';
import { type ListPosition, sqlPosition } from '../../kernel/page.ts';
import type { AccountStore, StoredToken } from './ports.ts';
import type { AccountToken, TokenKind } from './types.ts';

interface TokenRow {
  id: CredentialId;
  kind: TokenKind;
  name: string;
  created_at: Date;
}

const toToken = ({ id, kind, name, created_at: createdAt }: TokenRow): AccountToken => ({
  id,
  kind,
  name,
  createdAtMs: createdAt.getTime(),
});

/** Adds a token of this account, in the caller's transaction. */
export async function insertToken(sql: Sql, accountId: AccountId, token: StoredToken): Promise<void> {
  const { id, kind, name, hash, createdAtMs } = token;
  await sql`
    INSERT INTO account_tokens (id, account_id, kind, name, token_hash, created_at)
    VALUES (${id}, ${accountId}, ${kind}, ${name}, ${hash}, ${new Date(createdAtMs)})`;
}

/**
 * The ids of an account's tokens, with changes of them one after the other: each counts what the one before left. Null: the
 * one that the account asks with is not among them any more.
 */
async function lockTokens(
  sql: Sql,
  { accountId, credentialId }: AccountActor,
): Promise<CredentialId[] | null> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`tokens:${accountId}`}, 0))`;
  const rows = await sql<
    { id: CredentialId }[]
  >`SELECT id FROM account_tokens WHERE account_id = ${accountId}`;
  const ids = rows.map(({ id }) => id);
  return ids.includes(credentialId) ? ids : null;
}

async function selectTokens(
  sql: Sql,
  { accountId }: AccountActor,
  after: ListPosition<CredentialId> | null,
  limit: number,
): Promise<AccountToken[]> {
  const { at, id } = sqlPosition(after);
  const rows = await sql<TokenRow[]>`
    SELECT id, kind, name, created_at FROM account_tokens
    WHERE account_id = ${accountId}
      AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
    ORDER BY created_at, id LIMIT ${limit}`;
  return rows.map(toToken);
}

/** The part of the accounts' store that accounts ask about their own tokens. */
export function createTokenRows(
  database: Database,
): Pick<AccountStore, 'listTokens' | 'addToken' | 'removeToken'> {
  return {
    listTokens: (actor, after, limit) =>
      database.tenant(actor, (sql) => selectTokens(sql, actor, after, limit)),

    addToken: (actor, token, tokensMax) =>
      database.tenant(actor, async (sql) => {
        const ids = await lockTokens(sql, actor);
        if (ids === null) return 'credential_gone';
        if (ids.length >= tokensMax) return 'limit_reached';
        await insertToken(sql, actor.accountId, token);
        return 'added';
      }),

    removeToken: (actor, tokenId) =>
      database.tenant(actor, async (sql) => {
        const ids = await lockTokens(sql, actor);
        if (ids === null) return 'credential_gone';
        if (!ids.includes(tokenId)) return 'not_found';
        if (ids.length === 1) return 'last_token';
        await sql`DELETE FROM account_tokens WHERE account_id = ${actor.accountId} AND id = ${tokenId}`;
        return 'removed';
      }),
  };
}
