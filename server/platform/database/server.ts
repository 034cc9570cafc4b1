import { StartError } from '../../kernel/start-error.ts';
import { connect, withoutPassword } from './connect.ts';
import { failureCode, isUnreachable } from './failures.ts';
import { CONNECT_TIMEOUT_MS, SERVER_VERSION_MIN } from './limits.ts';

/** What the client gets of the time limit, as a factor, so that it can say itself what is wrong. */
const CLIENT_GRACE = 1.2;

/** Refuses with StartError, within a bounded time, a server that can't be reached, lets us not in, or is too old. */
export async function checkServer(url: string, connectTimeoutMs = CONNECT_TIMEOUT_MS): Promise<void> {
  const sql = connect(url, { connectionsMax: 1, connectTimeoutMs });
  try {
    const rows = await Promise.race([
      sql<{ version: number }[]>`SELECT current_setting('server_version_num')::int AS version`,
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
  } catch (error) {
    if (error instanceof StartError) throw error;
    const reason = error instanceof Error && error.message !== '' ? error.message : failureCode(error);
    const verb = isUnreachable(error) ? "can't be reached" : 'refuses us';
    throw new StartError(
      `The database at ${withoutPassword(url)} ${verb}: ${reason}. ` +
        'Check DATABASE_URL, or unset it to use the embedded database.',
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

/** SQLSTATE insufficient_privilege. */
const FORBIDDEN = '42501';

/** The user of `url` may not do what a server needs; `cause` says what. Null: it failed for another reason. */
export function rightsProblem(url: string, error: unknown): StartError | null {
  const cause = error instanceof Error && failureCode(error) === '' ? error.cause : error;
  return failureCode(cause) === FORBIDDEN ? lacksRights(url, cause) : null;
}

/** The refusal of a start whose database user may not do what the server needs. */
export function lacksRights(url: string, cause: unknown): StartError {
  const user = decodeURIComponent(new URL(url).username);
  return new StartError(
    `The database user "${user}" may not do what the server needs: ${(cause as Error).message}. ` +
      'It must be allowed to create in the database, and to create roles or grant those that are there (CREATEROLE).',
    cause,
  );
}
