import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { SystemJob } from '../../kernel/database.ts';
import { StartError } from '../../kernel/start-error.ts';
import { type Client, connect, withoutPassword } from './connect.ts';
import { failureCode } from './failures.ts';
import { lacksRights } from './server.ts';

/** Whose work a pool of connections does: a tenant's, or one job of the server. */
export type PoolName = 'tenant' | SystemJob;

/** The jobs of the server that span tenants. */
export const SYSTEM_JOBS: readonly SystemJob[] = ['identity', 'relay', 'money', 'node'];
/** Every pool. Its sessions run as the role `yggdrasil_<pool>`, which the migration 0001 makes. */
export const POOL_NAMES: readonly PoolName[] = ['tenant', ...SYSTEM_JOBS];

/** The role of a pool. */
export const roleOf = (pool: PoolName): string => `yggdrasil_${pool}`;

/** The user that logs in for a pool. It follows from the server's secret: another server's are others. */
export const loginOf = (pool: PoolName, secret: string): string =>
  `${roleOf(pool)}_${createHash('sha256').update(`login|${secret}`).digest('hex').slice(0, 8)}`;

const passwordOf = (login: string, secret: string): string =>
  createHmac('sha256', secret).update(login).digest('hex');

/** Where a pool logs in: the database at `url`, as its own user. */
export function loginUrl(url: string, pool: PoolName, secret: string): string {
  const target = new URL(url);
  target.username = loginOf(pool, secret);
  target.password = passwordOf(target.username, secret);
  return target.toString();
}

/** The form in which PostgreSQL keeps a password (RFC 5803), so that a statement in its log doesn't tell it. */
function scramVerifier(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, 4096, 32, 'sha256');
  const keyOf = (name: string) => createHmac('sha256', salted).update(name).digest();
  const storedKey = createHash('sha256').update(keyOf('Client Key')).digest('base64');
  return `SCRAM-SHA-256$4096:${salt.toString('base64')}$${storedKey}:${keyOf('Server Key').toString('base64')}`;
}

/** Roles belong to the cluster: another database's server may make the same at this moment. */
const CONCURRENT_CHANGE = new Set(['23505', '42710', 'XX000']);
const ATTEMPTS_MAX = 5;
/** SQLSTATE invalid_authorization_specification and invalid_password: there is no such user, or its secret is another one. */
const CANNOT_LOG_IN = new Set(['28000', '28P01']);
/** SQLSTATE insufficient_privilege. */
const FORBIDDEN = '42501';

async function createMissing(owner: Client, secret: string): Promise<void> {
  const logins = POOL_NAMES.map((pool) => ({ role: roleOf(pool), login: loginOf(pool, secret) }));
  const known = await owner<{ rolname: string }[]>`
    SELECT rolname FROM pg_roles WHERE rolname = ANY(${logins.map(({ login }) => login)})`;
  for (const { role, login } of logins) {
    if (!known.some(({ rolname }) => rolname === login)) {
      const verifier = scramVerifier(passwordOf(login, secret));
      await owner.unsafe(
        `CREATE ROLE ${login} LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD '${verifier}'`,
      );
    }
    // PostgreSQL 16 parted being a member from being allowed to SET ROLE.
    const [member] = await owner<{ may: boolean }[]>`
      SELECT pg_has_role(${login}, ${role},
        CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AS may`;
    if (member?.may !== true) await owner`GRANT ${owner(role)} TO ${owner(login)}`;
  }
}

/** What is wrong with the pools' users, in words; empty: nothing. */
async function findProblems(owner: Client, secret: string): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const pool of POOL_NAMES) {
    const login = loginOf(pool, secret);
    const [row] = await owner<{ mighty: boolean; owns: boolean; others: string[] }[]>`
      SELECT
        EXISTS (SELECT FROM pg_roles
          WHERE rolname IN (${login}, ${roleOf(pool)}) AND (rolsuper OR rolbypassrls OR rolcreaterole)) AS mighty,
        EXISTS (SELECT FROM pg_class
          WHERE relnamespace = 'yggdrasil'::regnamespace AND pg_has_role(${login}, relowner, 'MEMBER')) AS owns,
        ARRAY(SELECT rolname::text FROM pg_roles
          WHERE rolname NOT IN (${login}, ${roleOf(pool)}) AND pg_has_role(${login}, oid, 'MEMBER')) AS others`;
    if (row?.mighty) problems.push(`${login} or ${roleOf(pool)} goes past row-level security`);
    if (row?.owns) problems.push(`${login} owns tables`);
    if (row !== undefined && row.others.length > 0) {
      problems.push(`${login} is a member of ${row.others.join(', ')}`);
    }
  }
  return problems;
}

/**
 * Ends every session of the pools' users in the database at `url`, and what each one holds: a statement, locks, an answer
 * that nobody reads. For a server that takes over from one that hangs. A user that can't log in has no sessions of ours.
 */
export async function endPoolSessions(url: string, secret: string): Promise<void> {
  await Promise.all(
    POOL_NAMES.map(async (pool) => {
      // As the user itself, who may end its own: the owner need not be allowed to.
      const user = connect(loginUrl(url, pool, secret), { connectionsMax: 1 });
      try {
        await user`
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE usename = session_user AND datname = current_database() AND pid <> pg_backend_pid()`;
      } catch (error) {
        if (!CANNOT_LOG_IN.has(failureCode(error))) throw error;
      } finally {
        await user.end({ timeout: 1 });
      }
    }),
  );
}

/**
 * Makes the users that the pools log in with, each a member of its pool's role and of no other. Refuses with StartError a
 * user that could go past row-level security: a superuser, one with BYPASSRLS or CREATEROLE, an owner of tables, a member
 * of another role. Safe to run from several servers at once.
 */
export async function prepareLogins(ownerUrl: string, secret: string): Promise<void> {
  const owner = connect(ownerUrl, { connectionsMax: 1 });
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await createMissing(owner, secret);
        break;
      } catch (error) {
        if (failureCode(error) === FORBIDDEN) throw lacksRights(ownerUrl, error);
        if (!CONCURRENT_CHANGE.has(failureCode(error)) || attempt === ATTEMPTS_MAX) throw error;
      }
    }
    const problems = await findProblems(owner, secret);
    if (problems.length > 0) {
      throw new StartError(
        `The database at ${withoutPassword(ownerUrl)} would not keep tenants apart: ${problems.join('; ')}. ` +
          'Take these rights away: the users of the pools need none but their own role.',
      );
    }
  } finally {
    await owner.end({ timeout: 5 });
  }
}
