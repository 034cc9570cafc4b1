import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { BifrostError, createLocks, type HeldLock, locksOverHttp } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { stopSignal } from '../node/process.ts';
import { requireAccess } from '../node/server-access.ts';
import type { ServerOptions } from '../node/server-options.ts';

/** The options of `lock`. */
export interface LockCommandOptions extends ServerOptions {
  readonly credentials?: string;
  readonly network?: string;
  readonly device?: string;
  readonly read?: boolean;
  readonly priority?: number;
  readonly wait?: number;
  readonly lease: number;
}

/** What a command whose lock is lost gets between SIGTERM and SIGKILL. */
const KILL_DELAY_MS = 5_000;
const EXIT_FAILED = 1;

/**
 * Runs a command while a lock is held; its exit code, or 1 where the lock was lost. Throws an InvalidArgumentError without a
 * credential, an Error where there is no such command, and BifrostError where the lock can't be had.
 */
export async function runLocked(
  name: string,
  [program = '', ...args]: readonly string[],
  options: LockCommandOptions,
): Promise<number> {
  const stopped = stopSignal();
  const locks = createLocks(locksOverHttp(accessOf(options)));
  const lock = await locks.acquire(name, { ...lockOptions(options), signal: stopped });
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: {
      ...process.env,
      YGGDRASIL_LOCK_NAME: name,
      YGGDRASIL_LOCK_ID: lock.lockId,
      YGGDRASIL_LOCK_TOKEN: String(lock.token),
    },
  });
  stopped.addEventListener('abort', () => child.kill('SIGTERM'));
  const kill = endWhenLost(child, lock);
  try {
    const code = await exitCodeOf(child);
    return lock.lost.aborted ? EXIT_FAILED : code;
  } finally {
    clearTimeout(kill.timer);
    await lock.release().catch((error: unknown) => {
      const reason = error instanceof BifrostError ? error.message : String(error);
      process.stderr.write(`lock: ${name} was not given back: ${reason}\n`);
    });
  }
}

function lockOptions({ network, device, read, priority, wait, lease }: LockCommandOptions) {
  return {
    leaseMs: lease * 1000,
    mode: read === true ? ('read' as const) : ('write' as const),
    ...(network === undefined ? {} : { networkId: network }),
    ...(device === undefined ? {} : { deviceId: device }),
    ...(priority === undefined ? {} : { priority }),
    ...(wait === undefined ? {} : { waitMs: wait * 1000 }),
  };
}

function accessOf({ credentials, ...options }: LockCommandOptions) {
  const tokens = credentials === undefined ? {} : { token: readCredentialsFile(credentials).token };
  const ways = '--credentials, --token, or YGGDRASIL_TOKEN';
  const { origin, token, tenantId } = requireAccess({ ...options, ...tokens }, ways);
  return { url: origin, token, ...(tenantId === null ? {} : { tenantId }) };
}

/** Another may have the lock by now: the command must not go on. */
function endWhenLost(child: ChildProcess, lock: HeldLock): { timer: NodeJS.Timeout | undefined } {
  const kill: { timer: NodeJS.Timeout | undefined } = { timer: undefined };
  lock.lost.addEventListener('abort', () => {
    child.kill('SIGTERM');
    kill.timer = setTimeout(() => child.kill('SIGKILL'), KILL_DELAY_MS);
  });
  return kill;
}

function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`The command can't be run: ${error.message}`)));
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}
