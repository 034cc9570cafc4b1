import { StartError } from '../../kernel/start-error.ts';
import { type Client, connect, withoutPassword } from './connect.ts';
import { failureCode, isUnreachable } from './failures.ts';
import { CONNECT_TIMEOUT_MS, SERVER_VERSION_MIN } from './limits.ts';

/** What the client gets of the time limit, as a factor, so that it can say itself what is wrong. */
const CLIENT_GRACE = 1.2;

const ROLES = ['yggdrasil_tenant', 'yggdrasil_system'] as const;

/**
 * Refuses with StartError, within a bounded time, a server that can't be reached, lets us not in, or is too old.
 * `variable` is the one the operator set to `url`. Gives what tells this database from all others.
 */
export async function checkServer(
  url: string,
  variable: 'DATABASE_URL' | 'YGGDRASIL_DATABASE_OWNER_URL',
  connectTimeoutMs = CONNECT_TIMEOUT_MS,
): Promise<string> {
  const sql = connect(url, { connectionsMax: 1, connectTimeoutMs });
  try {
    const rows = await Promise.race([
      sql<{ version: number; identity: string }[]>`
        SELECT current_setting('server_version_num')::int AS version,
          pg_postmaster_start_time() || current_database() AS identity`,
      // A server that accepts and hangs up is tried again by the client without an end.
      rejectAfter(connectTimeoutMs * CLIENT_GRACE),
    ]);
    const version = rows[0]?.version ?? 0;
    if (version < SERVER_VERSION_MIN) {
      throw new StartError(
        `The database at ${withoutPassword(url)} is PostgreSQL ${Math.floor(version / 10_000)}; ` +
          `it must be ${SERVER_VERSION_MIN / 10_000} or newer.`,
      );
    }
    return rows[0]?.identity ?? '';
  } catch (error) {
    if (error instanceof StartError) throw error;
    const reason = error instanceof Error && error.message !== '' ? error.message : failureCode(error);
    const verb = isUnreachable(error) ? "can't be reached" : 'refuses us';
    throw new StartError(
      `The database at ${withoutPassword(url)} ${verb}: ${reason}. ` +
        `Check ${variable}${variable === 'DATABASE_URL' ? ', or unset it to use the embedded database' : ''}.`,
      error,
    );
  } finally {
    await sql.end({ timeout: 0 });
  }
}

function rejectAfter(timeoutMs: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(
      () => reject(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'CONNECT_TIMEOUT' })),
      timeoutMs,
    ).unref();
  });
}

/** Roles belong to the cluster: another database's server may grant the same at this moment (23505, XX000). */
const CONCURRENT_GRANT = new Set(['23505', 'XX000']);
const GRANT_ATTEMPTS_MAX = 5;
/** SQLSTATE insufficient_privilege. */
const FORBIDDEN = '42501';
/** SQLSTATE undefined_object: `pg_has_role` of a user who isn't there. */
const UNKNOWN_USER = '42704';

async function grantMissing(owner: Client, user: string): Promise<void> {
  // PostgreSQL 16 parted being a member from being allowed to SET ROLE.
  const missing = await owner<{ role: string }[]>`
    SELECT role FROM unnest(${[...ROLES]}::text[]) AS role
    WHERE NOT pg_has_role(${user}, role,
      CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)`;
  for (const { role } of missing) await owner`GRANT ${owner(role)} TO ${owner(user)}`;
}

/**
 * Lets the user of `url` take on the two roles, and makes sure that these are what row-level security needs: no
 * superusers, no BYPASSRLS. Refuses with StartError these, and a user whom the owner's database doesn't know. Safe to run
 * from several servers at once.
 */
export async function grantRoles(ownerUrl: string, url: string): Promise<void> {
  const user = decodeURIComponent(new URL(url).username);
  const owner = connect(ownerUrl, { connectionsMax: 1 });
  try {
    const unsafeRoles = await owner<{ rolname: string }[]>`
      SELECT rolname FROM pg_roles WHERE rolname = ANY(${[...ROLES]}) AND (rolsuper OR rolbypassrls)`;
    if (unsafeRoles.length > 0) {
      throw new StartError(
        `The database roles ${unsafeRoles.map((row) => row.rolname).join(', ')} go past row-level security. ` +
          'Take SUPERUSER and BYPASSRLS from them.',
      );
    }
    for (let attempt = 1; ; attempt++) {
      try {
        await grantMissing(owner, user);
        return;
      } catch (error) {
        if (failureCode(error) === UNKNOWN_USER) {
          throw new StartError(
            `The database at ${withoutPassword(ownerUrl)} has no user "${user}". ` +
              'DATABASE_URL and YGGDRASIL_DATABASE_OWNER_URL must lead to the same database.',
            error,
          );
        }
        if (failureCode(error) === FORBIDDEN) throw lacksRights(ownerUrl, error);
        if (!CONCURRENT_GRANT.has(failureCode(error)) || attempt === GRANT_ATTEMPTS_MAX) throw error;
      }
    }
  } finally {
    await owner.end({ timeout: 5 });
  }
}

/** The user of `url` may not do what a server needs; `cause` says what. Null: it failed for another reason. */
export function rightsProblem(url: string, error: unknown): StartError | null {
  const cause = error instanceof Error && failureCode(error) === '' ? error.cause : error;
  return failureCode(cause) === FORBIDDEN ? lacksRights(url, cause) : null;
}

function lacksRights(url: string, cause: unknown): StartError {
  const user = decodeURIComponent(new URL(url).username);
  return new StartError(
    `The database user "${user}" may not do what the server needs: ${(cause as Error).message}. ` +
      'It must be allowed to create in the database, and to create roles or grant those that are there (CREATEROLE); ' +
      'or name a user who is in YGGDRASIL_DATABASE_OWNER_URL.',
    cause,
  );
}
