import type { Clock } from '../../kernel/clock.ts';
import { setLongTimer } from '../../kernel/timers.ts';

/** The machine's clock. */
export function createSystemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after: (delayMs, work) =>
      setLongTimer(delayMs, work, (timerMs, fire) => {
        const timer = setTimeout(fire, timerMs).unref();
        return () => clearTimeout(timer);
      }),
  };
}
