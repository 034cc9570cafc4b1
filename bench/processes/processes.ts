import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Where a process runs: what serves on one core, what loads it on another. */
export type Place = 'server' | 'load';

/** What Linux counts processor time in, in /proc/<pid>/stat. */
const TICKS_PER_SECOND = 100;
const STOP_TIMEOUT_MS = 20_000;

const hasCores =
  availableParallelism() >= 2 && spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;
const running = new Set<ChildProcess>();

// Nothing outlives the bench, however it ends.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** How to start a program in its place: pinned to a core of its own where the machine has two. */
export function placed(place: Place, command: readonly string[]): [program: string, args: string[]] {
  const core = place === 'server' ? '0' : '1';
  const [program = '', ...args] = hasCores ? ['taskset', '-c', core, ...command] : command;
  return [program, args];
}

/** Notes a process that must not outlive this one. */
export function watch(child: ChildProcess): void {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

/** Asks a process to end, and kills it when it doesn't. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}

/** Processor time that a process has used so far, in seconds, all its threads together. */
export function cpuSecondsOf(processId: number): number {
  // The fields behind the name, which may hold anything.
  const text = readFileSync(`/proc/${processId}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Processor time of a process and of all that it started and that still run, in seconds. */
export function cpuSecondsOfTree(processId: number): number {
  try {
    const children = readFileSync(`/proc/${processId}/task/${processId}/children`, 'latin1').trim();
    const each = children === '' ? [] : children.split(' ');
    return each.reduce((sum, child) => sum + cpuSecondsOfTree(Number(child)), cpuSecondsOf(processId));
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}

/** Memory of a process that is in RAM, in bytes. */
export function residentBytesOf(processId: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${processId}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** Starts a program that isn't ours in its place; its output goes nowhere. */
export function startProgram(place: Place, command: readonly string[]): ChildProcess & { pid: number } {
  const [program, args] = placed(place, command);
  const child = spawn(program, args, { stdio: 'ignore' });
  child.on('error', () => {});
  watch(child);
  return child as ChildProcess & { pid: number };
}

/** Where a program is: in the path or in one of these places. Null: it isn't installed. */
export function findProgram(name: string, places: readonly string[] = []): string | null {
  const inPath = (process.env.PATH ?? '').split(':').map((folder) => `${folder}/${name}`);
  return [...inPath, ...places].find((file) => existsSync(file)) ?? null;
}
