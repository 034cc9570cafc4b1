import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { STOP_TIMEOUT_MS } from './limits.ts';

/**
 * A second process that ends the demo's programs if the demo itself is killed: a process that gets SIGKILL can't clean up.
 * It hears of them over a pipe, whose end means that the demo is gone.
 */
export class Guard {
  readonly #process: ChildProcess;

  constructor(programFile: string) {
    this.#process = spawn(process.execPath, [programFile, 'demo', '--guard'], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#process.stdin?.on('error', () => {});
    this.#process.unref();
  }

  /** From now on this process must not outlive the demo. */
  watch(processId: number): void {
    this.#process.stdin?.write(`+${processId}\n`);
  }

  /** This process ended. */
  forget(processId: number): void {
    this.#process.stdin?.write(`-${processId}\n`);
  }

  /** Nothing is left to guard. */
  release(): void {
    this.#process.stdin?.end();
  }
}

/** The guard's own main function. */
export async function runGuard(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  const processIds = new Set<number>();
  for await (const line of createInterface({ input: process.stdin })) {
    const processId = Number(line.slice(1));
    if (line.startsWith('+')) processIds.add(processId);
    else processIds.delete(processId);
  }
  for (const processId of processIds) signalProcess(processId, 'SIGTERM');
  const endMs = Date.now() + STOP_TIMEOUT_MS;
  while ([...processIds].some((processId) => signalProcess(processId, 0)) && Date.now() < endMs)
    await wait(100);
  // Each leads a group of its own, so this reaches what it has started, too.
  for (const processId of processIds) signalProcess(-processId, 'SIGKILL');
}

/** False when there is no such process. */
export function signalProcess(processId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(processId, signal);
  } catch {
    return false;
  }
}
