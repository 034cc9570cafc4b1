import {
  CROWDED_MAX,
  NOTICEABLE_LATENCY_MS,
  PREFILL_MS_PER_TOKEN_ALLOWED,
  SLOTS_BELIEVED,
  SLOTS_GROWTH,
  SLOTS_SHRINK,
} from './limits.ts';
import { PromptLine } from './prompt-line.ts';

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
  /** Times to the first token of requests that it had alone. */
  readonly #alone = new PromptLine();
  /** When it gave text last, to whichever request. */
  #textAtMs = Number.NEGATIVE_INFINITY;
  /** The more often it had too many, the more slowly it is given more. */
  #decreases = 0;
  /** Requests given before are part of what the last decrease was for. */
  #decreasedAtMs = Number.NEGATIVE_INFINITY;

  /** Requests that it is given at a time. */
  slotsOf(declaredSlots: number): number {
    return Math.min(declaredSlots, Math.max(1, Math.floor(this.#limit)));
  }

  /** Text of one of its requests came. */
  noteText(nowMs: number): void {
    this.#textAtMs = nowMs;
  }

  /** It had no room for a request beside `others`. */
  observeBusy(others: number, nowMs: number): void {
    this.#limit = Math.max(1, Math.min(this.#limit, others));
    this.#decreasedAtMs = nowMs;
    this.#decreases++;
  }

  /**
   * The first token of a request came after `elapsedMs`; it was the `place`th that the provider had, and began at
   * `startedMs`. True: it is given more from now on.
   */
  observeFirstText(request: PlacedRequest, elapsedMs: number, nowMs: number): boolean {
    const { place } = request;
    if (place === 1) this.#alone.add(request.promptTokens, elapsedMs);
    if (this.observeWait(request, elapsedMs, nowMs) || place < Math.floor(this.#limit)) return false;
    this.#limit += this.#decreases === 0 ? 1 : SLOTS_GROWTH / this.#decreases;
    return true;
  }

  /**
   * A request has waited this long for its first token. True: longer than one that is at work does, while others had text: where
   * nobody has any, a model is being loaded.
   */
  observeWait({ place, promptTokens, startedMs }: PlacedRequest, waitedMs: number, nowMs: number): boolean {
    const unseenMs = NOTICEABLE_LATENCY_MS + promptTokens * PREFILL_MS_PER_TOKEN_ALLOWED;
    const usualMs = this.#alone.allowedAt(promptTokens) ?? unseenMs;
    const isLate = waitedMs > CROWDED_MAX * usualMs + NOTICEABLE_LATENCY_MS;
    if (place === 1 || !isLate || this.#textAtMs < startedMs + NOTICEABLE_LATENCY_MS) return false;
    if (startedMs >= this.#decreasedAtMs) {
      this.#limit = Math.max(1, Math.min(this.#limit, place) * SLOTS_SHRINK);
      this.#decreasedAtMs = nowMs;
      this.#decreases++;
    }
    return true;
  }
}
