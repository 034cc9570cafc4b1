import { RatatoskrType } from '../../../proto/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';

/** What a session may send of one type of message, beside what the session, its token and its tenant may as a whole. */
export interface TypeLimit {
  /** Of one payload, in clear. */
  readonly bytesMax: number;
  readonly perMinuteMax: number;
  /** Requests of the type that run at the same time: what it may cost while it runs. Absent: it takes nothing that stays. */
  readonly runningMax?: number;
}

const MINUTE_MS = 60_000;

/**
 * By type. Bytes: the longest that is right, and for what moves money no more than is worth keeping. Numbers in a minute: far above what a
 * client has to send, for offers and money far below what a whole session may.
 */
export const TYPE_LIMITS: ReadonlyMap<RatatoskrType, TypeLimit> = new Map([
  [RatatoskrType.CONNECTION_REQUEST, { bytesMax: 8_192, perMinuteMax: 1 }],
  [RatatoskrType.BUSINESS_REQUEST, { bytesMax: 65_519, perMinuteMax: 6_000, runningMax: 64 }],
  [RatatoskrType.MARKETPLACE_REQUEST, { bytesMax: 65_519, perMinuteMax: 3_000, runningMax: 48 }],
  [RatatoskrType.PAYMENT_REQUEST, { bytesMax: 16_384, perMinuteMax: 600, runningMax: 8 }],
  [RatatoskrType.STREAM_DATA, { bytesMax: 49_408, perMinuteMax: 60_000 }],
  [RatatoskrType.STREAM_CREDIT, { bytesMax: 64, perMinuteMax: 120_000 }],
  [RatatoskrType.HEARTBEAT, { bytesMax: 64, perMinuteMax: 600 }],
  [RatatoskrType.DISCONNECT, { bytesMax: 8_192, perMinuteMax: 1 }],
  [RatatoskrType.PROVIDER_REGISTRATION, { bytesMax: 49_152, perMinuteMax: 60 }],
  [RatatoskrType.COMPUTE_CREDIT, { bytesMax: 64, perMinuteMax: 120_000 }],
  [RatatoskrType.COMPUTE_DELTA, { bytesMax: 49_408, perMinuteMax: 600_000 }],
  [RatatoskrType.COMPUTE_ALIVE, { bytesMax: 64, perMinuteMax: 60_000 }],
  [RatatoskrType.COMPUTE_RESULT, { bytesMax: 4_096, perMinuteMax: 60_000 }],
]);

/** Counts what a session sends, by type. */
export class TypeLimits {
  readonly #clock: Clock;
  readonly #countsRates: boolean;
  #minute = 0;
  readonly #counts = new Map<RatatoskrType, number>();

  /** `countsRates` false: only sizes are looked at. */
  constructor({ clock, countsRates }: { readonly clock: Clock; readonly countsRates: boolean }) {
    this.#clock = clock;
    this.#countsRates = countsRates;
  }

  /** What a message is too many or too large for: `rate_limited` or `too_large`; null: it may be. */
  excessOf(type: RatatoskrType, bytes: number): AppError | null {
    const limit = TYPE_LIMITS.get(type);
    if (limit === undefined) return null;
    if (bytes > limit.bytesMax) {
      return new AppError(
        'too_large',
        'too_large',
        `A message of this type has ${limit.bytesMax} bytes at most.`,
      );
    }
    return this.#countsRates && this.#count(type) > limit.perMinuteMax ? this.#tooMany() : null;
  }

  #count(type: RatatoskrType): number {
    const minute = Math.floor(this.#clock.nowMs() / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#counts.clear();
    }
    const count = (this.#counts.get(type) ?? 0) + 1;
    this.#counts.set(type, count);
    return count;
  }

  #tooMany(): AppError {
    const leftMs = MINUTE_MS - (this.#clock.nowMs() % MINUTE_MS);
    const details = { retryAfterSeconds: Math.ceil(leftMs / 1_000) };
    return new AppError('rate_limited', 'rate_limited', 'Too many messages of this type came in a minute.', {
      details,
    });
  }
}
