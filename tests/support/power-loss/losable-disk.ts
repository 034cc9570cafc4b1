import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { requireDebianPackage } from '../apt.ts';

const SOURCE = fileURLToPath(new URL('file-system.c', import.meta.url));

/** A disk whose power can be cut: what was not synced by then is gone. `file-system.c` says what that is. */
export interface LosableDisk {
  /** An empty folder at first, which every user may pass through. */
  readonly path: string;
  /** The power is gone: nothing reaches the disk any more, and every process that works on it is killed. */
  cut(): Promise<void>;
  /**
   * The power is back, and the disk holds what was synced. With a seed above 0 also a part of what was not, chosen by
   * the seed.
   */
  restore(seed?: number): Promise<void>;
  /** Removes it, and ends every process that still works on it. */
  remove(): Promise<void>;
}

/** Builds the file system and mounts it. Needs root and FUSE. */
export async function createLosableDisk(): Promise<LosableDisk> {
  const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-disk-'));
  chmodSync(directory, 0o711);
  const program = join(directory, 'file-system');
  await build(program);
  const path = mkdtempSync(join(directory, 'disk-'));
  const child = spawn(program, [path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answer = answersOf(child);
  await answer('mounted');
  const tell = (line: string, expected: string) => {
    child.stdin.write(`${line}\n`);
    return answer(expected);
  };
  return {
    path,
    cut: async () => {
      await tell('cut', 'cut');
      await killUsers(path, child.pid);
    },
    restore: (seed = 0) => tell(`restore ${seed}`, 'mounted'),
    remove: async () => {
      await killUsers(path, child.pid);
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.stdin.end();
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function build(program: string): Promise<void> {
  await requireDebianPackage('cc', 'gcc');
  await requireDebianPackage('/usr/include/stdio.h', 'libc6-dev');
  await requireDebianPackage('/usr/include/fuse3/fuse_lowlevel.h', 'libfuse3-dev');
  const words = [
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-I/usr/include/fuse3',
    '-o',
    program,
    SOURCE,
    '-lfuse3',
  ];
  const { status, stderr } = spawnSync('cc', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the file system for the tests was not built: ${stderr}`);
}

/** Waits for the lines that `child` prints, one after another. */
function answersOf(child: ChildProcess): (expected: string) => Promise<void> {
  const lines: string[] = [];
  let wake = () => {};
  let ended = false;
  if (child.stdout === null) throw new Error('no pipe');
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    wake();
  });
  child.once('close', () => {
    ended = true;
    wake();
  });
  return async (expected) => {
    while (lines.length === 0) {
      if (ended)
        throw new Error('the file system for the tests ended: it needs root, libfuse3 and /dev/fuse');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const line = lines.shift();
    if (line !== expected) throw new Error(`the file system answered ${line}`);
  };
}

/** Kills, until none is left, the processes that work in `path` or name it on their command line. */
async function killUsers(path: string, except: number | undefined): Promise<void> {
  for (;;) {
    const users = readdirSync('/proc').filter(
      (name) => /^\d+$/.test(name) && Number(name) !== except && usesPath(name, path),
    );
    if (users.length === 0) return;
    for (const user of users) kill(Number(user));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function usesPath(processId: string, path: string): boolean {
  try {
    if (readFileSync(`/proc/${processId}/cmdline`, 'utf8').includes(path)) return true;
    return readlinkSync(`/proc/${processId}/cwd`).startsWith(path);
  } catch {
    // It has ended meanwhile.
    return false;
  }
}

function kill(processId: number): void {
  try {
    process.kill(processId, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
