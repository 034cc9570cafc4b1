import { randomBytes } from 'node:crypto';
import { chown, lstat, mkdir, realpath, rmdir, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from '../../../kernel/logger.ts';
import { StartError } from '../../../kernel/start-error.ts';
import { syncFolder } from '../../files/durable.ts';
import { distantSockets, SHARED_DIRECTORY } from '../../files/remove-data.ts';
import { SOCKET_DIRECTORY_BYTES_MAX } from '../limits.ts';
import { makeSharedDirectory } from './programs.ts';
import { canEnter, ownUid, type RunAs } from './run-as.ts';

/** The folders of one embedded database. */
export interface Place {
  /** PGDATA. */
  readonly cluster: string;
  /** Holds the unix socket. */
  readonly sockets: string;
}

const MODE = 0o700;
/** What the group and everybody else may do. A folder below one with the setgid bit has that bit too. */
const FOR_OTHERS = 0o077;

async function makeOwned(directory: string, user: RunAs | null): Promise<void> {
  await mkdir(directory, { mode: MODE });
  if (user !== null) await chown(directory, user.uid, user.gid);
}

/** The folder of the socket: in the database's own, or, when that path is too long for a socket, below /tmp. */
export function socketsOf(home: string): string {
  const near = join(home, 'run');
  return Buffer.byteLength(near) <= SOCKET_DIRECTORY_BYTES_MAX ? near : distantSockets(home);
}

/** Makes the folder of the socket. */
async function prepareSockets(home: string, user: RunAs | null): Promise<string> {
  const directory = socketsOf(home);
  await makeOwned(directory, user).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const { uid, mode } = await lstat(directory);
  if (uid !== (user?.uid ?? ownUid()) || (mode & FOR_OTHERS) !== 0) {
    throw new StartError(`${directory} must belong to the database's user, with mode 0700. Remove it.`);
  }
  return directory;
}

/** The home behind `link`, or null when there is none yet. */
async function findHome(link: string): Promise<string | null> {
  if ((await lstat(link).catch(() => null)) === null) return null;
  try {
    return await realpath(link);
  } catch (cause) {
    throw new StartError(
      `${link} leads to a database that is not there. Put it back, or remove the link to begin with an empty one.`,
      cause,
    );
  }
}

/** Makes the home: in the data directory, or (root's database user can't enter that) elsewhere with a link to it. */
async function makeHome(link: string, user: RunAs | null, deps: { logger: Logger }): Promise<string> {
  await makeOwned(link, user);
  if (await canEnter(link, user)) return realpath(link);
  await rmdir(link);
  const home = join(SHARED_DIRECTORY, `database-${randomBytes(6).toString('hex')}`);
  await makeSharedDirectory();
  await makeOwned(home, user);
  syncFolder(SHARED_DIRECTORY);
  await symlink(home, link);
  deps.logger.info(
    { operation: 'database.start', database: home, link },
    "the database's user can't enter the data directory: the database is kept elsewhere, behind a link",
  );
  return home;
}

/** The folder of everything that the embedded database keeps, or a link to it. */
export const databaseFolder = (dataDirectory: string): string => join(dataDirectory, 'postgresql');

/** The folder of PGDATA behind `<data directory>/postgresql`, whether it exists or not. */
export const clusterOf = (dataDirectory: string): string => join(databaseFolder(dataDirectory), 'cluster');

/**
 * Where the database of `dataDirectory` lives; made when it is new. A link of the data directory leads there when it
 * lives elsewhere, so that a data directory that is moved still finds it.
 */
export async function preparePlace(
  dataDirectory: string,
  user: RunAs | null,
  deps: { logger: Logger },
): Promise<Place> {
  const link = databaseFolder(dataDirectory);
  const home = (await findHome(link)) ?? (await makeHome(link, user, deps));
  syncFolder(dataDirectory);
  if (user !== null && dirname(home) === SHARED_DIRECTORY) await makeSharedDirectory();
  const owner = await stat(home);
  if (owner.uid !== (user?.uid ?? ownUid())) {
    throw new StartError(
      `The database in ${home} belongs to another user (uid ${owner.uid}): run the server as them.`,
    );
  }
  if (!(await canEnter(home, user))) {
    throw new StartError(
      `The database in ${home} can't be entered by its user (uid ${owner.uid}): let them pass through the folders above.`,
    );
  }
  return { cluster: join(home, 'cluster'), sockets: await prepareSockets(home, user) };
}
