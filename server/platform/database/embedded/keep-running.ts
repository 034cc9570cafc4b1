import type { Clock } from '../../../kernel/clock.ts';
import type { Logger } from '../../../kernel/logger.ts';
import { EMBEDDED_RESTART_PAUSE_MAX_MS, EMBEDDED_RESTART_PAUSE_MS, EMBEDDED_STEADY_MS } from '../limits.ts';
import type { Postmaster } from './postmaster.ts';

/** A database that is started again when it ends by itself. */
export interface KeptDatabase {
  /** Ends it for good; resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts the database again by `launch` whenever it ends by itself, for as long as the server lives: what keeps it from running,
 * a full disk or too little memory, may be mended meanwhile. The pause doubles with each failure in a row, up to
 * `EMBEDDED_RESTART_PAUSE_MAX_MS`. Meanwhile whoever needs it is told `unavailable`.
 */
export function keepRunning(
  first: Pick<Postmaster, 'ended' | 'requestStop'>,
  launch: () => Promise<Pick<Postmaster, 'ended' | 'requestStop'>>,
  { clock, logger }: { clock: Clock; logger: Logger },
): KeptDatabase {
  const operation = 'database.keepRunning';
  let current = first;
  let stopping = false;
  let endPause = () => {};

  const pause = (durationMs: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(durationMs, resolve);
      endPause = () => {
        cancel();
        resolve();
      };
    });

  const run = async () => {
    let failures = 0;
    let startedMs = clock.monotonicMs();
    for (;;) {
      await current.ended;
      if (stopping) return;
      if (clock.monotonicMs() - startedMs >= EMBEDDED_STEADY_MS) failures = 0;
      failures++;
      logger.error({ operation, failures }, 'the embedded database ended by itself; starting it again');
      await pause(Math.min(EMBEDDED_RESTART_PAUSE_MS * 2 ** (failures - 1), EMBEDDED_RESTART_PAUSE_MAX_MS));
      if (stopping) return;
      startedMs = clock.monotonicMs();
      try {
        current = await launch();
      } catch (error) {
        logger.error({ operation, error }, 'the embedded database did not start');
      }
      if (stopping) current.requestStop();
    }
  };
  const running = run();

  return {
    async stop() {
      stopping = true;
      endPause();
      current.requestStop();
      await running;
    },
  };
}
