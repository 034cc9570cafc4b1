import {
  NOTICEABLE_LATENCY_MS,
  PACE_STEP,
  PACE_TOKENS,
  REFERENCE_PROMPT_TOKENS,
  SLOWDOWN_MAX,
  USUAL_PACE_STEP,
} from './limits.ts';
import { PromptLine } from './prompt-line.ts';
import type { PlacedRequest } from './slot-limit.ts';

/** Characters that stand for a token while an answer is still coming: counting each piece exactly would cost too much. */
const CHARACTERS_PER_TOKEN = 4;

/** What a request shows about its provider while it runs. */
export interface RunningRequest extends PlacedRequest {
  /** The model it is for. */
  readonly modelName: string;
  /** When the last piece of text came; null before the first. */
  readonly lastTextMs: number | null;
}

/**
 * How fast a provider is now with one model, and how fast it used to be. The time to the first token is judged by what a prompt
 * of that length usually takes: a long one takes longer everywhere. Requests that wait count too: silence is the first sign of
 * a provider that has turned slow.
 */
export class ModelPace {
  readonly #usualFirst = new PromptLine();
  /** The present time to the first token, in terms of what is usual for its prompt. */
  #firstRatio = 1;
  #tokenMs: number | null = null;
  #usualTokenMs: number | null = null;

  /** The first text of an answer came after `elapsedMs`; that of a probe says alone how it is now. */
  observeFirstText(promptTokens: number, elapsedMs: number, isProbe = false): void {
    const usualMs = this.#usualFirst.allowedAt(promptTokens);
    if (usualMs === null) this.#usualFirst.add(promptTokens, elapsedMs);
    else this.#firstRatio = step(this.#firstRatio, elapsedMs / usualMs, isProbe ? 1 : PACE_STEP);
  }

  /** More text came, `elapsedMs` after the piece before. */
  observeMoreText(elapsedMs: number, characters: number): void {
    const tokens = Math.max(1, characters / CHARACTERS_PER_TOKEN);
    this.#tokenMs = step(this.#tokenMs, elapsedMs / tokens, PACE_STEP);
  }

  /** A request came to a good end: its pace becomes a little more of what is usual. */
  observeEnd(promptTokens: number, firstTextMs: number): void {
    this.#usualFirst.add(promptTokens, firstTextMs);
    if (this.#tokenMs !== null) this.#usualTokenMs = step(this.#usualTokenMs, this.#tokenMs, USUAL_PACE_STEP);
  }

  /** Expected milliseconds to the first token of such a prompt; null for a provider that has shown nothing. */
  firstTextMs(promptTokens: number): number | null {
    const usualMs = this.#usualFirst.at(promptTokens);
    return usualMs === null ? null : usualMs * this.#firstRatio;
  }

  /** Milliseconds for each token; null until known. */
  tokenMs(): number | null {
    return this.#tokenMs;
  }

  /**
   * Expected milliseconds to the first token of an ordinary prompt and 50 further ones; null for a provider that has shown
   * nothing.
   */
  latencyMs(running: Iterable<RunningRequest>, nowMs: number): number | null {
    let ratio = this.#firstRatio;
    let gapMs = 0;
    let waitedMs = 0;
    for (const { promptTokens, startedMs, lastTextMs } of running) {
      if (lastTextMs !== null) {
        gapMs = Math.max(gapMs, nowMs - lastTextMs);
        continue;
      }
      const usualMs = this.#usualFirst.allowedAt(promptTokens);
      if (usualMs === null) waitedMs = Math.max(waitedMs, nowMs - startedMs);
      else ratio = Math.max(ratio, (nowMs - startedMs) / usualMs);
    }
    const firstMs = this.#usualFirst.at(REFERENCE_PROMPT_TOKENS);
    if (firstMs === null) return waitedMs === 0 ? null : waitedMs;
    return firstMs * ratio + Math.max((this.#tokenMs ?? 0) * PACE_TOKENS, gapMs);
  }

  /** True when it takes several times as long as it used to. */
  isSlowedDown(latencyMs: number): boolean {
    const firstMs = this.#usualFirst.at(REFERENCE_PROMPT_TOKENS);
    if (firstMs === null || this.#usualTokenMs === null) return false;
    const usualMs = firstMs + this.#usualTokenMs * PACE_TOKENS;
    return latencyMs > SLOWDOWN_MAX * Math.max(usualMs, NOTICEABLE_LATENCY_MS);
  }
}

function step(before: number | null, value: number, weight: number): number {
  return before === null ? value : before + (value - before) * weight;
}
