import { expect, test } from 'vitest';
import { setLongTimer, TIMER_MS_MAX } from '../../../server/kernel/timers.ts';

/** Timers that fire at once, and what they waited. */
function waitsOf(delayMs: number, timersMax = 10): { waits: number[]; fired: boolean } {
  const waits: number[] = [];
  let fired = false;
  let pending: (() => void) | null = null;
  setLongTimer(
    delayMs,
    () => {
      fired = true;
    },
    (timerMs, work) => {
      waits.push(timerMs);
      pending = work;
      return () => {};
    },
  );
  for (let count = 1; count < timersMax && !fired; count++) (pending as (() => void) | null)?.();
  return { waits, fired };
}

test('a wait of thirty days is made of timers that Node can hold', () => {
  const { waits, fired } = waitsOf(2_592_001_000);
  expect(fired).toBe(true);
  expect(Math.max(...waits)).toBeLessThanOrEqual(TIMER_MS_MAX);
  expect(waits.reduce((sum, wait) => sum + wait)).toBe(2_592_001_000);
});

test('a wait without an end never fires', () => {
  expect(waitsOf(Number.POSITIVE_INFINITY).fired).toBe(false);
});

test('a wait that is no number is refused', () => {
  expect(() => waitsOf(Number.NaN)).toThrow(RangeError);
});
