import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kernel/clock.ts';

/** How much one client may do, and for how many clients that is known. */
export interface ClientLimits {
  readonly countMax: number;
  readonly intervalMs: number;
  /** Of more clients the one that was silent for longest is forgotten: memory is bounded, whoever asks. */
  readonly clientsMax: number;
}

/** What a client has left. */
export interface ClientCount {
  readonly limit: number;
  readonly remaining: number;
  /** When its interval ends, in whole seconds from now. */
  readonly resetSeconds: number;
}

/** Counts what each client does within an interval that begins with its first. */
export interface ClientLimiter {
  /** Counts one more; gives the seconds to wait where it was too much, else null. */
  countAndCheck(client: string): number | null;
  /** Counts one more; where it was too much, `isTaken` is false and nothing is counted. */
  take(client: string): ClientCount & { readonly isTaken: boolean };
  /** Counts nothing; the seconds until one more would not be too much, null where it isn't now. */
  secondsToWait(client: string): number | null;
}

interface Interval {
  count: number;
  beganMs: number;
}

/** The one counter for limits by time: of codes, of requests, of messages. */
export function createClientLimiter(
  { countMax, intervalMs, clientsMax }: ClientLimits,
  { clock }: { readonly clock: Clock },
): ClientLimiter {
  const intervals = new LRUCache<string, Interval>({ max: clientsMax });

  const currentOf = (client: string, nowMs: number): Interval | undefined => {
    const known = intervals.get(client);
    return known === undefined || nowMs - known.beganMs >= intervalMs ? undefined : known;
  };

  const begin = (client: string, beganMs: number): Interval => {
    const begun = { count: 0, beganMs };
    intervals.set(client, begun);
    return begun;
  };

  const countOf = ({ count, beganMs }: Interval, nowMs: number): ClientCount => ({
    limit: countMax,
    remaining: countMax - count,
    // What has passed is taken off last: adding the interval first rounds a clock's fractions up to a second too many.
    resetSeconds: Math.ceil((intervalMs - (nowMs - beganMs)) / 1000),
  });

  const take = (client: string) => {
    const nowMs = clock.monotonicMs();
    const interval = currentOf(client, nowMs) ?? begin(client, nowMs);
    const isTaken = interval.count < countMax;
    if (isTaken) interval.count++;
    return { ...countOf(interval, nowMs), isTaken };
  };

  return {
    countAndCheck(client) {
      const { isTaken, resetSeconds } = take(client);
      return isTaken ? null : resetSeconds;
    },
    take,
    secondsToWait(client) {
      const nowMs = clock.monotonicMs();
      const interval = currentOf(client, nowMs);
      if (interval === undefined || interval.count < countMax) return null;
      return countOf(interval, nowMs).resetSeconds;
    },
  };
}
