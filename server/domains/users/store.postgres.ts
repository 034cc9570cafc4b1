import type { Database, Sql } from '../../kernel/database.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import type { UserStore } from './ports.ts';
import type { User } from './types.ts';

interface UserRow {
  id: AccountId;
  tenant_id: TenantId;
  name: string;
  operator: boolean;
  created_at: Date;
}

const toUser = (row: UserRow): User => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  operator: row.operator,
  createdAt: row.created_at,
});

const first = (rows: readonly UserRow[]): User | null => (rows[0] === undefined ? null : toUser(rows[0]));

async function insertUser(sql: Sql, user: User, tokenHash: Uint8Array): Promise<void> {
  await sql`INSERT INTO tenants (id) VALUES (${user.tenantId})`;
  await sql`
    INSERT INTO users (id, tenant_id, name, operator, created_at)
    VALUES (${user.id}, ${user.tenantId}, ${user.name}, ${user.operator}, ${user.createdAt})`;
  await sql`
    INSERT INTO user_tokens (token_hash, tenant_id, account_id)
    VALUES (${tokenHash}, ${user.tenantId}, ${user.id})`;
}

/** Users in PostgreSQL. */
export function createUserStore(database: Database): UserStore {
  return {
    offerSetupCode: (codeHash) =>
      database.system('identity', async (sql) => {
        const users = await sql`SELECT 1 FROM users LIMIT 1`;
        if (users.length > 0) return false;
        await sql`
          INSERT INTO setup_code (code_hash) VALUES (${codeHash})
          ON CONFLICT (only_row) DO UPDATE SET code_hash = EXCLUDED.code_hash`;
        return true;
      }),

    addFirstUser: (codeHash, user, tokenHash) =>
      database.system('identity', async (sql) => {
        const used = await sql`DELETE FROM setup_code WHERE code_hash = ${codeHash} RETURNING 1`;
        if (used.length === 0) return false;
        await insertUser(sql, user, tokenHash);
        return true;
      }),

    addUser: (user, tokenHash) => database.system('identity', (sql) => insertUser(sql, user, tokenHash)),

    findUserByToken: (tokenHash) =>
      database.system('identity', async (sql) =>
        first(
          await sql<UserRow[]>`
            SELECT users.* FROM user_tokens JOIN users ON users.id = user_tokens.account_id
            WHERE token_hash = ${tokenHash}`,
        ),
      ),

    findUser: (tenantId, accountId) =>
      database.tenant(tenantId, async (sql) =>
        first(await sql<UserRow[]>`SELECT * FROM users WHERE id = ${accountId}`),
      ),

    findUserOfAnyTenant: (accountId) =>
      database.system('identity', async (sql) =>
        first(await sql<UserRow[]>`SELECT * FROM users WHERE id = ${accountId}`),
      ),

    listUsers: (after, limit) =>
      database.system('identity', async (sql) => {
        const rows = await sql<UserRow[]>`
          SELECT * FROM users
          WHERE ${after}::uuid IS NULL
             OR (created_at, id) > (SELECT created_at, id FROM users WHERE id = ${after}::uuid)
          ORDER BY created_at, id LIMIT ${limit}`;
        return rows.map(toUser);
      }),
  };
}
