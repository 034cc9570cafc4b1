import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Installing waits that long for another process that installs, or for the network, in milliseconds. */
const INSTALL_TIMEOUT_MS = 300_000;
/** One process at a time asks apt; a lock older than the time an installation may take is nobody's. */
const LOCK_FILE = path.join(tmpdir(), 'yggdrasil-tests-apt.lock');
const LOCK_POLL_MS = 250;

/**
 * Makes sure that `command`, or the file of that path, exists, for tests that use a program or library of Debian's. As root
 * it is installed from `packageName`, with progress on stderr; otherwise, and when that fails, throws one message that says what to install.
 */
export async function requireDebianPackage(command: string, packageName: string): Promise<void> {
  if (commandExists(command)) return;
  const advice = `the tests need '${command}': run 'apt-get install ${packageName}' as root`;
  if (process.getuid?.() !== 0 || !commandExists('apt-get')) throw new Error(advice);
  const deadlineMs = Date.now() + INSTALL_TIMEOUT_MS;
  await takeLock(deadlineMs, advice);
  try {
    if (commandExists(command)) return;
    process.stderr.write(`installing ${packageName} for the tests ...\n`);
    // The lists of an image may be old or missing; one update is enough for all packages of a run.
    if (process.env.YGGDRASIL_TESTS_APT_UPDATED === undefined) {
      await apt(['update'], deadlineMs, advice);
      process.env.YGGDRASIL_TESTS_APT_UPDATED = '1';
    }
    await apt(['install', '--yes', '--no-install-recommends', packageName], deadlineMs, advice);
    process.stderr.write(`installed ${packageName}\n`);
  } finally {
    rmSync(LOCK_FILE, { force: true });
  }
  if (!commandExists(command)) throw new Error(`${packageName} brings no '${command}'; ${advice}`);
}

function commandExists(command: string): boolean {
  if (command.startsWith('/')) return existsSync(command);
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command]).status === 0;
}

/** Waits until no other process of the tests installs anything. */
async function takeLock(deadlineMs: number, advice: string): Promise<void> {
  for (;;) {
    try {
      const lock = openSync(LOCK_FILE, 'wx');
      writeSync(lock, `${process.pid}\n`);
      closeSync(lock);
      return;
    } catch {
      dropStaleLock();
      if (Date.now() > deadlineMs) throw new Error(`${LOCK_FILE} stays locked; ${advice}`);
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
    }
  }
}

function dropStaleLock(): void {
  const lock = statSync(LOCK_FILE, { throwIfNoEntry: false });
  if (lock && Date.now() - lock.mtimeMs > INSTALL_TIMEOUT_MS) rmSync(LOCK_FILE, { force: true });
}

/** Runs apt-get, which itself waits for dpkg's lock. Its output appears only if it fails. */
async function apt(args: readonly string[], deadlineMs: number, advice: string): Promise<void> {
  const remainingMs = Math.max(1, deadlineMs - Date.now());
  const child = spawn('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: remainingMs,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`apt-get ${args[0]} failed; ${advice}\n${output.slice(-2_000)}`);
}
