import type { Clock } from '../kernel/clock.ts';
import { StartError } from '../kernel/start-error.ts';

/** A part of the server that runs. What a part needs stands before it in the list. */
export interface Part {
  readonly name: string;
  /** Makes it ready; the parts before it are. */
  start?(): Promise<void>;
  /** From now on refuses new work; what is under way goes on. */
  stopAccepting?(): void;
  /** Resolves when its work has ended by itself. Given up when the time to stop is over. */
  drain?(): Promise<void>;
  /** Ends it, and what its work has left. `leftMs` of the time to stop remain; the parts after it have ended. */
  stop?(leftMs: number): Promise<void>;
}

/** Starts and stops the parts of a server in their order. */
export interface Lifecycle {
  /** Starts the parts one after the other. If one fails, it and those before it are stopped, and its error is thrown. */
  start(): Promise<void>;
  /**
   * One that starts ends with the part it is at, and `start` rejects. In this order: all parts refuse new work, all drain at the same time, then each is stopped, the last one first.
   * A part that fails doesn't keep the others from their end; rejects with the first failure.
   */
  stop(): Promise<void>;
}

/** The lifecycle of these parts; draining ends after `stopTimeoutMs`. */
export function createLifecycle(
  parts: readonly Part[],
  { stopTimeoutMs }: { readonly stopTimeoutMs: number },
  { clock }: { readonly clock: Clock },
): Lifecycle {
  const stopAll = async (started: readonly Part[], timeoutMs: number): Promise<void> => {
    const endMs = clock.monotonicMs() + timeoutMs;
    const leftMs = () => Math.max(0, endMs - clock.monotonicMs());
    const lastFirst = [...started].reverse();
    for (const part of lastFirst) part.stopAccepting?.();
    const errors: unknown[] = [];
    const attempt = async (work: (() => Promise<void>) | undefined) => {
      try {
        await work?.();
      } catch (error) {
        errors.push(error);
      }
    };
    await Promise.all(lastFirst.map((part) => attempt(() => within(leftMs(), part.drain?.(), clock))));
    for (const part of lastFirst) await attempt(async () => part.stop?.(leftMs()));
    if (errors.length > 0) throw errors[0];
  };

  let starting: Promise<void> | null = null;
  let stopping = false;
  const startAll = async () => {
    const started: Part[] = [];
    try {
      for (const part of parts) {
        if (stopping) throw new StartError('The server was stopped while it started.');
        started.push(part);
        await part.start?.();
      }
    } catch (error) {
      await stopAll(started, 0).catch(() => {});
      throw error;
    }
  };

  return {
    start() {
      starting = startAll();
      return starting;
    },
    async stop() {
      stopping = true;
      if (starting !== null) {
        const isStarted = await starting.then(
          () => true,
          () => false,
        );
        if (!isStarted) return;
      }
      await stopAll(parts, stopTimeoutMs);
    },
  };
}

/** Resolves with the work, or when its time is over. */
function within(timeoutMs: number, work: Promise<void> | undefined, clock: Clock): Promise<void> {
  if (work === undefined) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const cancel = clock.after(timeoutMs, resolve);
    work.then(resolve, reject).finally(cancel);
  });
}
