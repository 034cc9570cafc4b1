/** Buckets for each doubling: a duration read back is at most 9 % off. */
const BUCKETS_PER_DOUBLING = 4;

/** The bucket that a duration is counted in, in milliseconds. */
export function durationBucket(durationMs: number): number {
  return Math.round(Math.log2(Math.max(durationMs, 1)) * BUCKETS_PER_DOUBLING);
}

/** How many requests took about as long. */
export interface CountedDuration {
  readonly bucket: number;
  readonly completed: number;
}

/** The time that so many of a hundred requests took at most, in milliseconds, about; null where there were none. `counted` begins with the shortest. */
export function percentileMs(counted: readonly CountedDuration[], percent: number): number | null {
  const all = counted.reduce((sum, { completed }) => sum + completed, 0);
  let seen = 0;
  for (const { bucket, completed } of counted) {
    seen += completed;
    if (seen * 100 >= all * percent) return Math.round(2 ** (bucket / BUCKETS_PER_DOUBLING));
  }
  return null;
}
