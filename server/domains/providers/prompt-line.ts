import { PREFILL_MS_PER_TOKEN_ALLOWED, USUAL_PACE_STEP } from './limits.ts';

/** Prompts that differ by less say little about how their length matters. */
const NOISE_TOKENS = 200;
/** The least that a short prompt is taken to need, as a share of the mean time of all. */
const SHARE_OF_MEAN_MIN = 0.2;

/**
 * A straight line through times by length of prompt: least squares, in which older observations weigh less and less, drawn flat
 * where the lengths differ by little.
 */
export class PromptLine {
  #weight = 0;
  #meanTokens = 0;
  #meanMs = 0;
  #varianceTokens = 0;
  #covariance = 0;
  #tokensMax = 0;

  add(promptTokens: number, elapsedMs: number): void {
    this.#weight++;
    const share = Math.max(USUAL_PACE_STEP, 1 / this.#weight);
    const tokensOff = promptTokens - this.#meanTokens;
    const msOff = elapsedMs - this.#meanMs;
    this.#meanTokens += share * tokensOff;
    this.#meanMs += share * msOff;
    this.#varianceTokens = (1 - share) * (this.#varianceTokens + share * tokensOff * tokensOff);
    this.#covariance = (1 - share) * (this.#covariance + share * tokensOff * msOff);
    this.#tokensMax = Math.max(this.#tokensMax, promptTokens);
  }

  /** Milliseconds for such a prompt; null before the first observation. */
  at(promptTokens: number): number | null {
    if (this.#weight === 0) return null;
    const atMs = this.#meanMs + this.#slope() * (promptTokens - this.#meanTokens);
    return Math.max(1, atMs, this.#meanMs * SHARE_OF_MEAN_MIN);
  }

  /** As `at`, and as much more as a home machine may need where it was never seen with one as long. */
  allowedAt(promptTokens: number): number | null {
    const usualMs = this.at(promptTokens);
    if (usualMs === null) return null;
    const slope = Math.max(0, PREFILL_MS_PER_TOKEN_ALLOWED - this.#slope());
    return usualMs + slope * Math.max(0, promptTokens - this.#tokensMax);
  }

  #slope(): number {
    return Math.max(0, this.#covariance / (this.#varianceTokens + NOISE_TOKENS ** 2));
  }
}
