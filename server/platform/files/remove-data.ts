import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readlinkSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Where root keeps what its database user must reach while the checkout or the data directory is closed to it. */
export const SHARED_DIRECTORY = '/var/lib/yggdrasil';

/** What stands in a data directory: the database or a link to it, its log, the secrets. */
const NAMES = ['postgresql', 'postgresql.log', 'secrets.json', 'secrets.next.json'];

/** The folder for the socket of the database in `home`, where the path of one beside it is too long for a socket. */
export function distantSockets(home: string): string {
  return join(tmpdir(), `yggdrasil-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`);
}

/**
 * Removes what a server keeps in its data directory, with what that leads to elsewhere, and the directory if nothing else is
 * in it. Gives the paths that were removed. No server may use it.
 */
export function removeData(dataDirectory: string): string[] {
  const home = homeOf(dataDirectory);
  // Behind a link of the operator's own, the folder itself is his.
  const isOurs = home === join(dataDirectory, 'postgresql') || dirname(home) === SHARED_DIRECTORY;
  const inHome =
    isOurs || !existsSync(home)
      ? [home]
      : readdirSync(home)
          .filter(isOfDatabase)
          .map((name) => join(home, name));
  const paths = [...inHome, distantSockets(home), ...NAMES.map((name) => join(dataDirectory, name))];
  const removed = [...new Set(paths)].filter((path) => existsSync(path));
  for (const path of paths) rmSync(path, { recursive: true, force: true });
  if (existsSync(dataDirectory) && readdirSync(dataDirectory).length === 0) {
    rmdirSync(dataDirectory);
    removed.push(dataDirectory);
  }
  return removed;
}

/** The cluster, the folder of its socket, and what a first start that was cut short has left. */
function isOfDatabase(name: string): boolean {
  return name === 'run' || name === 'cluster' || name.startsWith('cluster.');
}

/** The folder of the database: `postgresql` in the data directory, or where that leads. */
function homeOf(dataDirectory: string): string {
  const link = join(dataDirectory, 'postgresql');
  try {
    return resolve(dataDirectory, readlinkSync(link));
  } catch {
    return link;
  }
}
