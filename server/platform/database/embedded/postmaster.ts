import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile, stat } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { kill } from 'node:process';
import { socketFile } from '../connect.ts';
import { CHILD_ENVIRONMENT } from './initialize.ts';
import { isAlive } from './is-alive.ts';
import type { Place } from './place.ts';
import type { RunAs } from './run-as.ts';

/** How long a start waits for the last processes of a PostgreSQL whose first one has ended. */
const LOCK_WAIT_S = 5;

/**
 * Runs PostgreSQL and watches its own standard input, a pipe from the server, which ends when the server closes it or
 * dies in whatever way: then PostgreSQL is told to stop (SIGINT, "fast shutdown") and writes its checkpoint; told again
 * each second, because in its first moments it doesn't listen yet. Signals meant for the server's group don't reach the
 * two: the server decides when its database stops.
 *
 * The lock (descriptor 4) is held by every process of PostgreSQL for as long as it lives, in whatever container. Who has
 * it may remove the files of a PostgreSQL that is gone; one that starts would take the number in them for a living one.
 * Where there is no `flock`, the look before the start has to do. The lock is reported on the standard output.
 */
const WATCH = `
trap '' HUP INT TERM
lock=$1 processFile=$2 socket=$3
shift 3
exec 3<&0 </dev/null 4>>"$lock"
if command -v flock >/dev/null && ! flock -w ${LOCK_WAIT_S} 4; then
  echo "another server has locked $lock: stop it, or give this one a YGGDRASIL_DATA_DIR of its own" >&2
  exit 1
fi
rm -f -- "$processFile" "$socket" "$socket.lock"
echo locked
exec 1>&2
"$@" 3<&- &
database=$!
{ read -r _ <&3; while kill -INT "$database"; do sleep 1; done; } 2>/dev/null 4>&- &
watcher=$!
exec 3<&- 4>&-
wait "$database"
status=$?
kill -KILL "$watcher" 2>/dev/null; wait "$watcher" 2>/dev/null
exit "$status"
`;

/** It names the socket; nothing listens on it. */
export const PORT = '5432';

/** A running PostgreSQL of ours. */
export interface Postmaster {
  /** Resolves when it has ended, wanted or not. */
  readonly ended: Promise<void>;
  /** False once it has ended. */
  isRunning(): boolean;
  /** True once it has the cluster's lock. What answers at the socket before that is another server's PostgreSQL. */
  hasLock(): boolean;
  /** Tells it to stop; `ended` says when it has. */
  requestStop(): void;
  /** What it has written to its log since it was started, the last 4 KB. */
  readLog(): Promise<string>;
}

const LOG_TAIL_BYTES = 4096;
/** The log is begun anew at a start that finds it larger. */
const LOG_BYTES_MAX = 10_000_000;

/**
 * Starts PostgreSQL on a cluster that nobody else works on. It is not ready yet when this resolves, and may still refuse,
 * as where another one works there.
 */
export async function spawnPostmaster(
  program: string,
  args: readonly string[],
  { cluster, sockets }: Place,
  logFile: string,
  user: RunAs | null,
): Promise<Postmaster> {
  const sizeBytes = await stat(logFile).then(
    ({ size }) => size,
    () => 0,
  );
  const log = await open(logFile, sizeBytes > LOG_BYTES_MAX ? 'w' : 'a', 0o600);
  const startBytes = sizeBytes > LOG_BYTES_MAX ? 0 : sizeBytes;
  let child: ChildProcess;
  try {
    const files = [`${cluster}.lock`, join(cluster, 'postmaster.pid'), join(sockets, socketFile(PORT))];
    child = spawn('/bin/sh', ['-c', WATCH, 'sh', ...files, program, ...args], {
      cwd: '/',
      env: CHILD_ENVIRONMENT,
      detached: true,
      stdio: ['pipe', 'pipe', log.fd],
      ...user,
    });
  } finally {
    await log.close();
  }
  let running = true;
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      running = false;
      resolve();
    };
    child.once('exit', end);
    child.once('error', end);
  });
  child.stdin?.on('error', () => {});
  let locked = false;
  child.stdout?.once('data', () => {
    locked = true;
  });
  return {
    ended,
    isRunning: () => running,
    hasLock: () => locked,
    requestStop: () => child.stdin?.end(),
    readLog: async () => {
      const text = await readFile(logFile);
      return text
        .subarray(Math.max(startBytes, text.length - LOG_TAIL_BYTES))
        .toString('utf8')
        .trim();
    },
  };
}

/** True for PostgreSQL's own first process, and its watcher: another program may have the cluster's path among its words. */
const runsCluster = async (processId: number, cluster: string): Promise<boolean> =>
  (await readProcess(processId, 'cmdline')).includes(`\0-D\0${cluster}\0`);

const readProcess = (processId: number, file: 'cmdline' | 'stat') =>
  readFile(`/proc/${processId}/${file}`, 'utf8').catch(() => '');

/** What `postmaster.pid` says about a PostgreSQL that uses this cluster already. */
export type Occupant =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'running';
      readonly processId: number /** nobody watches for its server's end any more */;
      readonly orphan: boolean;
    };

/**
 * Who uses the cluster. A file left by a crash whose number now belongs to another program (usual in containers, where
 * numbers repeat) means nobody. Only Linux tells a program by its number; elsewhere the number decides.
 */
export async function findOccupant(cluster: string): Promise<Occupant> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const processId = Number.parseInt(text, 10);
  if (!(processId > 0) || !isAlive(processId)) return { kind: 'none' };
  if (platform() !== 'linux') return { kind: 'running', processId, orphan: false };
  if (!(await runsCluster(processId, cluster))) return { kind: 'none' };
  // "pid (name) state ppid ..."; the name may hold anything, its last bracket is the last of the line.
  const parentId = Number((await readProcess(processId, 'stat')).split(') ').at(-1)?.split(' ')[1]);
  return { kind: 'running', processId, orphan: !(await runsCluster(parentId, cluster)) };
}

/** Tells an orphan to stop, as its watcher would have. */
export function stopOrphan(processId: number): void {
  try {
    kill(processId, 'SIGINT');
  } catch {
    // It has just ended, or belongs to another user: the caller waits for its end and reports if there is none.
  }
}
