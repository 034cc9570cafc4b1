import type { Reading } from '../../api/types.ts';

/** How far back a plot goes, and of how many seconds the values become one: some hundred points each. */
export const RANGES = {
  hour: { seconds: 3_600, step: 10 },
  day: { seconds: 86_400, step: 300 },
  month: { seconds: 30 * 86_400, step: 7_200 },
} as const;
export type Range = keyof typeof RANGES;

/** Points in the order of time: seconds since 1970, and what was measured then. */
export interface History {
  readonly times: number[];
  readonly values: (number | null)[];
}

/** Truth is 1; what is no number has no place in a plot. */
export const plotted = ({ value }: Pick<Reading, 'value'>): number | null =>
  typeof value === 'boolean' ? Number(value) : typeof value === 'number' ? value : null;

/** Adds what was measured since. What is older than the range goes; so memory is bounded by the steps of a range and `RECENT_MAX`. */
export function addRecent(history: History, reading: Reading, range: Range): void {
  const { times, values } = history;
  const at = Date.parse(reading.at) / 1000;
  const value = plotted(reading);
  const last = times.at(-1) ?? Number.NEGATIVE_INFINITY;
  if (value === null || at <= last) return;
  // Closer than half a point of the plot: the later value is enough.
  if (at - last < RANGES[range].step / 20) {
    values[values.length - 1] = value;
    return;
  }
  times.push(at);
  values.push(value);
  if (times.length <= RECENT_MAX) return;
  times.splice(0, times.length - RECENT_MAX);
  values.splice(0, values.length - RECENT_MAX);
}

/** Points of a plot at most. */
export const RECENT_MAX = 8_000;
