import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { MEASURES_MAX, WRITES_PER_MINUTE } from './limits.ts';
import type { MeasureStore } from './ports.ts';
import type { AbuseMeasure } from './types.ts';

const MINUTE_MS = 60_000;

/** Writes one after the other, and only so many in a minute: measures of a flood of addresses end with the process. */
export function createMeasureWriter({
  store,
  clock,
  logger,
}: {
  readonly store: MeasureStore;
  readonly clock: Clock;
  readonly logger: Logger;
}) {
  let last: Promise<void> = Promise.resolve();
  let minute = { beganMs: Number.NEGATIVE_INFINITY, count: 0 };
  /** The newest that are in the database. */
  const written = new Set<string>();
  const markWritten = (id: string): void => {
    written.add(id);
    const [oldest] = written;
    if (written.size > MEASURES_MAX && oldest !== undefined) written.delete(oldest);
  };
  const write = (work: () => Promise<void>): void => {
    const nowMs = clock.monotonicMs();
    if (nowMs - minute.beganMs >= MINUTE_MS) minute = { beganMs: nowMs, count: 0 };
    if (++minute.count > WRITES_PER_MINUTE) return;
    last = last.then(work).catch((error: unknown) => {
      logger.error({ operation: 'abuse.write', error }, 'a measure is not kept over a restart');
    });
  };
  return {
    put: (measure: AbuseMeasure) => write(() => store.put(measure).then(() => markWritten(measure.id))),
    remove: (id: string) => write(() => store.remove(id)),
    markWritten,
    isWritten: (id: string) => written.has(id),
    settled: () => last,
  };
}
