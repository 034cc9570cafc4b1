/** The longest wait of a timer of Node, in milliseconds: it takes a longer one for one millisecond. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** Sets one timer; the returned function takes it back. */
export type SetTimer = (delayMs: number, work: () => void) => () => void;

/**
 * Calls `work` once, after `delayMs`, however long that is: a wait longer than a timer is made of several. Infinity waits
 * without an end. Throws RangeError for NaN. The returned function takes it back.
 */
export function setLongTimer(delayMs: number, work: () => void, setTimer: SetTimer): () => void {
  if (Number.isNaN(delayMs)) throw new RangeError('a wait must be a number of milliseconds');
  let cancel = () => {};
  const wait = (leftMs: number) => {
    cancel =
      leftMs <= TIMER_MS_MAX
        ? setTimer(leftMs, work)
        : setTimer(TIMER_MS_MAX, () => wait(leftMs - TIMER_MS_MAX));
  };
  wait(delayMs);
  return () => cancel();
}
