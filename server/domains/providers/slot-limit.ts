import {
  CROWDED_MAX,
  NOTICEABLE_LATENCY_MS,
  PACE_STEP,
  PREFILL_MS_PER_TOKEN_ALLOWED,
  SLOTS_BELIEVED,
  SLOTS_GROWTH,
  SLOTS_SHRINK,
} from './limits.ts';

/** A request by how many others its provider had. */
export interface PlacedRequest {
  /** How many requests its provider had when it came, itself included. */
  readonly place: number;
  readonly promptTokens: number;
  readonly startedMs: number;
}

/**
 * How many requests a provider really serves at a time: what it says is only the most that it is given. Some are believed, one
 * more for each that began in time while all were in use; fewer after it says that it is busy, or lets requests wait that came
 * with others. (Additive increase, multiplicative decrease, as TCP finds its window: RFC 5681, section 3.1.)
 */
export class SlotLimit {
  #limit = SLOTS_BELIEVED;
  /** Milliseconds to the first token of requests that it had alone; null until seen. */
  #aloneMs: number | null = null;
  /** Requests given before are part of what the last decrease was for. */
  #decreasedAtMs = Number.NEGATIVE_INFINITY;

  /** Requests that it is given at a time. */
  slotsOf(declaredSlots: number): number {
    return Math.min(declaredSlots, Math.max(1, Math.floor(this.#limit)));
  }

  /** It had no room for a request beside `others`. */
  observeBusy(others: number, nowMs: number): void {
    this.#limit = Math.max(1, Math.min(this.#limit, others));
    this.#decreasedAtMs = nowMs;
  }

  /**
   * The first token of a request came after `elapsedMs`; it was the `place`th that the provider had, and began at
   * `startedMs`. True: it is given more from now on.
   */
  observeFirstText(request: PlacedRequest, elapsedMs: number, nowMs: number): boolean {
    const { place } = request;
    if (place === 1) {
      const weight = this.#aloneMs === null ? 1 : PACE_STEP;
      this.#aloneMs = (this.#aloneMs ?? 0) * (1 - weight) + elapsedMs * weight;
    }
    if (this.observeWait(request, elapsedMs, nowMs) || place < Math.floor(this.#limit)) return false;
    this.#limit += this.#decreasedAtMs === Number.NEGATIVE_INFINITY ? 1 : SLOTS_GROWTH;
    return true;
  }

  /** A request has waited this long for its first token. True: longer than one that is at work does. */
  observeWait({ place, promptTokens, startedMs }: PlacedRequest, waitedMs: number, nowMs: number): boolean {
    const usualMs = (this.#aloneMs ?? NOTICEABLE_LATENCY_MS) + promptTokens * PREFILL_MS_PER_TOKEN_ALLOWED;
    if (place === 1 || waitedMs <= CROWDED_MAX * usualMs + NOTICEABLE_LATENCY_MS) return false;
    if (startedMs >= this.#decreasedAtMs) {
      this.#limit = Math.max(1, Math.min(this.#limit, place) * SLOTS_SHRINK);
      this.#decreasedAtMs = nowMs;
    }
    return true;
  }
}
