import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../kernel/logger.ts';
import { StartError } from '../../kernel/start-error.ts';
import { connect, withoutPassword } from './connect.ts';
import { EXCLUSIVE_RETRY_MS, EXCLUSIVE_TRIES } from './limits.ts';

/** An advisory lock of the database; any other number would do. */
const SERVER_LOCK = 0x796768;

/** A database that no other server uses. */
export interface ExclusiveUse {
  /** Lets another server have it. */
  end(): Promise<void>;
}

/** What taking it needs to know and to do about the server that has it. */
export interface ExclusiveUseDependencies {
  readonly logger: Logger;
  readonly isAbandoned: () => Promise<boolean>;
  /** Ends what the servers of this database have open in it, but for the lock's own connection. */
  readonly endSessions: () => Promise<void>;
}

/**
 * Takes the database at `url` for this server alone, by a lock that lasts as long as a connection of its own: what two
 * servers keep in memory about the same devices and requests would contradict. Waits a little for a server that is just
 * ending. One that still has the lock then and is seen by `isAbandoned` to hang loses it, and by `endSessions` all of its
 * connections, whose locks would be waited for one after the other; for any other one, refuses with StartError. A lock
 * that is lost with its connection is taken again, for as long as that takes.
 */
export async function useExclusively(
  url: string,
  { logger, isAbandoned, endSessions }: ExclusiveUseDependencies,
): Promise<ExclusiveUse> {
  const operation = 'database.exclusive';
  let ended = false;
  let retaking = false;
  const sql = connect(url, { connectionsMax: 1, onEnd: () => void retake() });
  const take = async () => {
    const [row] = await sql<{ taken: boolean }[]>`SELECT pg_try_advisory_lock(${SERVER_LOCK}) AS taken`;
    return row?.taken === true;
  };
  const retake = async () => {
    if (ended || retaking) return;
    retaking = true;
    while (!ended) {
      await sleep(EXCLUSIVE_RETRY_MS);
      const taken = await take().catch(() => null);
      if (taken === true) break;
      if (taken === false) logger.error({ operation }, 'another server has taken the database meanwhile');
    }
    retaking = false;
  };
  const end = async () => {
    ended = true;
    await sql.end({ timeout: 1 });
  };
  let takenOver = false;
  const endHolder = async () => {
    logger.warn({ operation }, 'taking the database from a server that hangs');
    takenOver = true;
    await sql`
      SELECT pg_terminate_backend(pid) FROM pg_locks
      WHERE locktype = 'advisory' AND objid = ${SERVER_LOCK} AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  };
  for (let tries = 1; !(await take()); tries++) {
    if (tries >= EXCLUSIVE_TRIES) {
      if (tries === 2 * EXCLUSIVE_TRIES || !(await isAbandoned())) {
        await end();
        throw new StartError(
          `Another server uses the database at ${withoutPassword(url)}. ` +
            'Stop that server, or give this one a database of its own in DATABASE_URL.',
        );
      }
      await endHolder();
    }
    await sleep(EXCLUSIVE_RETRY_MS);
  }
  if (takenOver) await endSessions();
  return { end };
}
