import { access, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../kernel/clock.ts';
import type { Logger } from '../../../kernel/logger.ts';
import { StartError } from '../../../kernel/start-error.ts';
import { connect } from '../connect.ts';
import { failureCode } from '../failures.ts';
import {
  EMBEDDED_LOG_BYTES_MAX,
  EMBEDDED_LOG_BYTES_MIN,
  EMBEDDED_LOG_DISK_SHARE,
  EMBEDDED_POLL_MS,
  EMBEDDED_START_TIMEOUT_MS,
  EMBEDDED_STOP_TIMEOUT_MS,
  EMBEDDED_TAKEOVER_MS,
} from '../limits.ts';
import { bootstrap, type EmbeddedUrls, embeddedUrls, passwordOf } from './bootstrap.ts';
import { initializeCluster, removeUnfinished, SUPERUSER } from './initialize.ts';
import { keepRunning } from './keep-running.ts';
import { clusterOf, type Place, preparePlace } from './place.ts';
import { findOccupant, PORT, type Postmaster, spawnPostmaster, stopOrphan } from './postmaster.ts';
import { findPrograms } from './programs.ts';
import { findRunAs } from './run-as.ts';

export interface EmbeddedOptions {
  /** The server's data directory; the database is `postgresql` in it. */
  readonly dataDirectory: string;
  /** The secret that the passwords of its users follow from. */
  readonly secret: string;
  /** More settings of PostgreSQL, over ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running embedded database. */
export interface EmbeddedDatabase {
  readonly urls: EmbeddedUrls;
  /** Ends it after a checkpoint. */
  stop(): Promise<void>;
}

type Answer = 'ready' | 'not_ready' | 'silent' | 'refused';

/** Whether PostgreSQL answers at the socket. `refused`: it does, and doesn't know our password. */
async function ask(superuserUrl: string): Promise<Answer> {
  const sql = connect(superuserUrl, { connectionsMax: 1 });
  try {
    await sql`SELECT 1`;
    return 'ready';
  } catch (error) {
    const code = failureCode(error);
    if (code.startsWith('28')) return 'refused';
    return code.startsWith('57P') || code === '53300' ? 'not_ready' : 'silent';
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/**
 * Waits for the end of a PostgreSQL that the cluster's last server left: its watcher is stopping it, or there is no
 * watcher and it is told to stop here. Refuses with StartError one whose server lives.
 */
async function awaitVacancy(place: Place, superuserUrl: string, deps: { logger: Logger }): Promise<void> {
  const begunMs = performance.now();
  let told = false;
  for (;;) {
    const occupant = await findOccupant(place.cluster);
    const answer =
      occupant.kind === 'none' && !(await hasLockFile(place.cluster)) ? 'silent' : await ask(superuserUrl);
    if (occupant.kind === 'none' && answer === 'silent') break;
    const waitedMs = performance.now() - begunMs;
    if (occupant.kind === 'running' && occupant.orphan && !told) {
      told = true;
      deps.logger.warn(
        { operation: 'database.start', processId: occupant.processId },
        'stopping a PostgreSQL that a server which is gone left behind',
      );
      stopOrphan(occupant.processId);
    }
    const inUse = !told && (answer === 'ready' || answer === 'refused') && waitedMs > EMBEDDED_TAKEOVER_MS;
    if (inUse || waitedMs > EMBEDDED_STOP_TIMEOUT_MS) {
      const processName =
        occupant.kind === 'running' ? `process ${occupant.processId}` : 'another machine or container';
      throw new StartError(
        `Another server uses the database in ${place.cluster} (PostgreSQL runs in ${processName}). ` +
          'Stop that server, or give this one a YGGDRASIL_DATA_DIR of its own.',
      );
    }
    await sleep(EMBEDDED_POLL_MS);
  }
}

const hasLockFile = (cluster: string): Promise<boolean> =>
  access(join(cluster, 'postmaster.pid')).then(
    () => true,
    () => false,
  );

async function awaitReady(postmaster: Postmaster, cluster: string, superuserUrl: string): Promise<void> {
  const begunMs = performance.now();
  for (;;) {
    const answer = postmaster.isRunning() && postmaster.hasLock() ? await ask(superuserUrl) : 'silent';
    if (answer === 'ready') return;
    if (answer === 'refused') {
      throw new StartError(
        `The database in ${cluster} was made with other secrets than those in the data directory. ` +
          'Put its secrets file back, or remove both to begin with an empty database.',
      );
    }
    if (!postmaster.isRunning()) {
      throw new StartError(
        `The embedded database in ${cluster} ended at once: ${await postmaster.readLog()}`,
      );
    }
    if (performance.now() - begunMs > EMBEDDED_START_TIMEOUT_MS) {
      throw new StartError(
        `The embedded database in ${cluster} is not ready after ${EMBEDDED_START_TIMEOUT_MS} ms: ${await postmaster.readLog()}`,
      );
    }
    await sleep(EMBEDDED_POLL_MS);
  }
}

async function awaitEnd(ended: Promise<void>, { logger }: { logger: Logger }): Promise<void> {
  const late = sleep(EMBEDDED_STOP_TIMEOUT_MS, 'late' as const, { ref: false });
  if ((await Promise.race([ended, late])) === 'late') {
    logger.error({ operation: 'database.stop' }, 'the embedded database is still stopping');
  }
}

/** How much of the disk PostgreSQL's log may take: on a small one less than it takes by itself. */
async function logSettings({ cluster }: Place): Promise<Readonly<Record<string, string>>> {
  const { blocks, bsize } = await statfs(cluster);
  const share = Math.max(blocks * bsize * EMBEDDED_LOG_DISK_SHARE, EMBEDDED_LOG_BYTES_MIN);
  if (blocks === 0 || share >= EMBEDDED_LOG_BYTES_MAX) return {};
  return {
    max_wal_size: `${Math.floor(share / 2 ** 20)}MB`,
    min_wal_size: `${EMBEDDED_LOG_BYTES_MIN / 2 ** 21}MB`,
  };
}

/** Ours first; all writes stay synced to disk (`fsync` and `synchronous_commit` are on by default). */
const postgresArguments = (place: Place, settings: Readonly<Record<string, string>>): string[] => [
  '-D',
  place.cluster,
  ...Object.entries({
    listen_addresses: '',
    port: PORT,
    // A list: what is quoted is one folder, whatever it holds.
    unix_socket_directories: `"${place.sockets.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    log_min_messages: 'warning',
    log_timezone: 'UTC',
    timezone: 'UTC',
    ...settings,
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
];

/**
 * Starts the PostgreSQL of the packages on the data directory's own cluster, which it makes when there is none, and
 * resolves when it answers. It can be reached over a unix socket only, by its own system user and root. It ends with
 * `stop`, and by itself when this process dies; should it end otherwise, it is started again.
 */
export async function startEmbedded(
  options: EmbeddedOptions,
  deps: { clock: Clock; logger: Logger },
): Promise<EmbeddedDatabase> {
  const user = await findRunAs(clusterOf(options.dataDirectory));
  const programs = await findPrograms(user, deps);
  const place = await preparePlace(options.dataDirectory, user, deps);
  const urls = embeddedUrls(place.sockets, options.secret);
  await initializeCluster(programs, place.cluster, passwordOf(SUPERUSER, options.secret), user);
  const settings = { ...(await logSettings(place)), ...options.settings };
  const launch = async (): Promise<Postmaster> => {
    await awaitVacancy(place, urls.superuserUrl, deps);
    const postmaster = await spawnPostmaster(
      programs.postgres,
      postgresArguments(place, settings),
      place,
      join(options.dataDirectory, 'postgresql.log'),
      user,
    );
    try {
      await awaitReady(postmaster, place.cluster, urls.superuserUrl);
    } catch (error) {
      postmaster.requestStop();
      await awaitEnd(postmaster.ended, deps);
      throw error;
    }
    return postmaster;
  };
  const kept = keepRunning(await launch(), launch, deps);
  // Nobody else makes a cluster here while this one runs.
  await removeUnfinished(place.cluster);
  const stop = () => awaitEnd(kept.stop(), deps);
  try {
    await bootstrap(urls, options.secret);
  } catch (error) {
    await stop();
    throw error;
  }
  deps.logger.info({ operation: 'database.start', database: place.cluster }, 'the database is here');
  return { urls, stop };
}
