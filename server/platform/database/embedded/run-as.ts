import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { geteuid } from 'node:process';
import { promisify } from 'node:util';
import { StartError } from '../../../kernel/start-error.ts';

const run = promisify(execFile);

/** The user a program runs as. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

/** The number of the server's own user, who may have no name (`docker run --user`). -1 where users have none. */
export const ownUid = (): number => geteuid?.() ?? -1;

/** The system user PostgreSQL runs as when the server runs as root, by the name every distribution gives it. */
const DATABASE_USER = 'postgres';

async function findUser(name: string): Promise<RunAs | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}

/**
 * Whom PostgreSQL must run as: null for the server's own user, else (the server is root, which PostgreSQL refuses) the
 * owner of the existing cluster, or the system user `postgres`, which is created where there is none.
 */
export async function findRunAs(clusterDirectory: string): Promise<RunAs | null> {
  if (ownUid() !== 0) return null;
  const owner = await stat(clusterDirectory).catch(() => null);
  if (owner !== null && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const existing = await findUser(DATABASE_USER);
  if (existing !== null) return existing;
  try {
    await run('useradd', [
      '--system',
      '--user-group',
      '--no-create-home',
      '--shell',
      '/bin/sh',
      DATABASE_USER,
    ]);
  } catch (cause) {
    throw new StartError(
      `PostgreSQL doesn't run as root, and the system user "${DATABASE_USER}" could not be created. ` +
        'Create it, or run the server as another user, or set DATABASE_URL.',
      cause,
    );
  }
  const created = await findUser(DATABASE_USER);
  if (created === null)
    throw new StartError(`The system user "${DATABASE_USER}" was created and is not there.`);
  return created;
}

/** True when `user` can run `program`; asks the system rather than computing modes and access lists. */
export async function canRun(program: string, args: readonly string[], user: RunAs | null): Promise<boolean> {
  try {
    await run(program, args, { cwd: '/', ...user });
    return true;
  } catch {
    return false;
  }
}

/** True when `user` can enter `directory`: each folder above it lets them pass. */
export function canEnter(directory: string, user: RunAs | null): Promise<boolean> {
  return canRun('/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], user);
}
