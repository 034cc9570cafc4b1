import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { AccountId, IdentityId } from '../../kernel/ids.ts';
import { type ListPosition, sqlPosition } from '../../kernel/page.ts';
import type { IdentityStore, WaysIn } from './ports.ts';
import { lockTokens } from './tokens.postgres.ts';

interface IdentityRow {
  id: IdentityId;
  issuer: string;
  created_at: Date;
}

async function selectIdentities(
  sql: Sql,
  { accountId }: AccountActor,
  after: ListPosition<IdentityId> | null,
  limit: number,
) {
  const { at, id } = sqlPosition(after);
  const rows = await sql<IdentityRow[]>`
    SELECT id, issuer, created_at FROM account_identities
    WHERE account_id = ${accountId}
      AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
    ORDER BY created_at, id LIMIT ${limit}`;
  return rows.map((row) => ({ id: row.id, issuer: row.issuer, createdAtMs: row.created_at.getTime() }));
}

/**
 * True where the account gets in, and the identity is none of its ways: by mail, by a token that doesn't end, by another identity, or by
 * as many passkeys as this.
 */
export async function hasOtherWay(
  sql: Sql,
  accountId: AccountId,
  without: {
    readonly identityId: IdentityId | null;
    readonly passkeysMin: number;
    readonly password: boolean;
  },
  kinds: Iterable<string>,
  { opensByMail, opensByPasskey, opensByPassword, opensAt }: WaysIn,
): Promise<boolean> {
  if ([...kinds].includes('personal')) return true;
  const addresses = await sql`SELECT 1 FROM account_addresses WHERE account_id = ${accountId}`;
  if (opensByMail && addresses.length > 0) return true;
  const passwords = await sql`SELECT 1 FROM account_passwords WHERE account_id = ${accountId}`;
  if (opensByPassword && !without.password && addresses.length > 0 && passwords.length > 0) return true;
  const passkeys = await sql`SELECT account_id FROM account_passkeys WHERE account_id = ${accountId}`;
  if (opensByPasskey && passkeys.length >= without.passkeysMin) return true;
  const others = await sql<{ issuer: string }[]>`
    SELECT DISTINCT issuer FROM account_identities
    WHERE account_id = ${accountId} AND id IS DISTINCT FROM ${without.identityId}`;
  return others.some(({ issuer }) => opensAt(issuer));
}

/** Identities of accounts in PostgreSQL, as the accounts themselves see them. */
export function createIdentityStore(database: Database): IdentityStore {
  return {
    listIdentities: (actor, after, limit) =>
      database.read(actor, (sql) => selectIdentities(sql, actor, after, limit)),

    removeIdentity: (actor, identityId, ways) =>
      database.tenant(actor, async (sql) => {
        const kinds = await lockTokens(sql, actor);
        if (kinds === null) return 'credential_gone';
        const { accountId } = actor;
        const found = await sql`
          SELECT 1 FROM account_identities WHERE account_id = ${accountId} AND id = ${identityId}`;
        if (found.length === 0) return 'not_found';
        const without = { identityId, passkeysMin: 1, password: false };
        if (!(await hasOtherWay(sql, accountId, without, kinds.values(), ways))) return 'last_way';
        await sql`DELETE FROM account_identities WHERE account_id = ${accountId} AND id = ${identityId}`;
        return 'removed';
      }),
  };
}
