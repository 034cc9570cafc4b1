import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pid } from 'node:process';
import { promisify } from 'node:util';
import { StartError } from '../../../kernel/start-error.ts';
import { syncFolder } from '../../files/durable.ts';
import { UNFINISHED_AGE_MS } from '../limits.ts';
import { isAlive } from './is-alive.ts';
import type { Programs } from './programs.ts';
import type { RunAs } from './run-as.ts';

/** Name of the user who may do everything, and whom only `bootstrap.ts` uses. */
export const SUPERUSER = 'postgres';

/** A child's environment: nothing of ours, which may hold secrets or PostgreSQL settings. */
export const CHILD_ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } as const;

/** What initdb says to a user who isn't in the user database. */
const NAMELESS = 'could not look up effective user ID';

async function writePasswordFile(path: string, password: string, user: RunAs | null): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(`${password}\n`);
    if (user !== null) await file.chown(user.uid, user.gid);
  } finally {
    await file.close();
  }
}

async function runInitdb(
  programs: Programs,
  cluster: string,
  password: string,
  user: RunAs | null,
): Promise<void> {
  const part = `${cluster}.${pid}.${randomBytes(6).toString('hex')}`;
  const passwordFile = `${part}.password`;
  try {
    await writePasswordFile(passwordFile, password, user);
    await promisify(execFile)(
      programs.initdb,
      [
        `--pgdata=${part}`,
        `--username=${SUPERUSER}`,
        `--pwfile=${passwordFile}`,
        // A page that changed on the disk is refused when it is read, not served.
        '--data-checksums',
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
      ],
      { cwd: '/', env: CHILD_ENVIRONMENT, ...user },
    );
    // Another server, started at the same time, may have made it meanwhile: who of them runs is decided by its lock.
    await rename(part, cluster).catch(ignoreExisting);
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string };
    if (stderr?.includes(NAMELESS)) {
      throw new StartError(
        'PostgreSQL wants a user who has a name, and this one is only a number. Give it a name (in /etc/passwd), or set DATABASE_URL.',
        cause,
      );
    }
    throw new StartError(
      `The embedded database could not be made in ${dirname(cluster)}: ${stderr?.trim() || message}`,
      cause,
    );
  } finally {
    await Promise.all([rm(part, { recursive: true, force: true }), rm(passwordFile, { force: true })]);
  }
}

/**
 * Makes the cluster when it isn't there; it appears whole or not at all. Refuses with StartError one that another major
 * version of PostgreSQL made.
 */
export async function initializeCluster(
  programs: Programs,
  cluster: string,
  password: string,
  user: RunAs | null,
): Promise<void> {
  const readVersion = () => readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(() => null);
  let version = await readVersion();
  if (version === null) {
    await runInitdb(programs, cluster, password, user);
    version = await readVersion();
  }
  // initdb has synced what is in it. Its name lasts before anything is promised that it holds.
  syncFolder(dirname(cluster));
  const major = programs.version.split('.')[0];
  if (version?.trim() !== major) {
    throw new StartError(
      `The database in ${cluster} was made by PostgreSQL ${version?.trim()}, the embedded one is ${major}: ` +
        'dump it with the version that installed it and restore it here.',
    );
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
}

/**
 * Removes what first starts that were cut short have left beside the cluster, the password in clear text among it. What another
 * server that starts at the same time is making stays, and what can't be removed waits for the next start.
 */
export async function removeUnfinished(cluster: string): Promise<void> {
  const home = dirname(cluster);
  for (const name of await readdir(home)) {
    const makerId = UNFINISHED.exec(name)?.[1];
    if (!name.startsWith(`${basename(cluster)}.`) || makerId === undefined) continue;
    const path = join(home, name);
    if (isAlive(Number(makerId)) && !(await isOld(path))) continue;
    await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

/** The names of what is being made end in the number of the process that makes it, and a random one. */
const UNFINISHED = /\.(\d+)\.[0-9a-f]{12}(?:\.password)?$/;

/** The number may belong to another program by now. */
function isOld(path: string): Promise<boolean> {
  return stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs > UNFINISHED_AGE_MS,
    () => false,
  );
}
