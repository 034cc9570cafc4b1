import { NOTICEABLE_LATENCY_MS, PACE_STEP, PACE_TOKENS, SLOWDOWN_MAX, USUAL_PACE_STEP } from './limits.ts';

/** Characters that stand for a token while an answer is still coming: counting each piece exactly would cost too much. */
const CHARACTERS_PER_TOKEN = 4;

/** What a request shows about its provider while it runs. */
export interface RunningRequest {
  readonly startedMs: number;
  /** When the last piece of text came; null before the first. */
  readonly lastTextMs: number | null;
}

/**
 * How fast a provider is now and how fast it used to be. Requests that wait count too: silence is the first sign of a
 * provider that has turned slow.
 */
export class ProviderPace {
  #firstTokenMs: number | null = null;
  #tokenMs: number | null = null;
  #usualLatencyMs: number | null = null;

  /** Text came: the first of a request after `elapsedMs`, or more of it since the piece before. */
  observeText(isFirst: boolean, elapsedMs: number, characters: number): void {
    if (isFirst) {
      this.#firstTokenMs = step(this.#firstTokenMs, elapsedMs, PACE_STEP);
    } else {
      const tokens = Math.max(1, characters / CHARACTERS_PER_TOKEN);
      this.#tokenMs = step(this.#tokenMs, elapsedMs / tokens, PACE_STEP);
    }
  }

  /** A request came to a good end: its pace becomes a little more of what is usual. */
  observeEnd(): void {
    const latencyMs = this.#settledLatencyMs();
    if (latencyMs !== null) this.#usualLatencyMs = step(this.#usualLatencyMs, latencyMs, USUAL_PACE_STEP);
  }

  /** Expected milliseconds to the first token and 50 further ones; null for a provider that has shown nothing. */
  latencyMs(running: Iterable<RunningRequest>, nowMs: number): number | null {
    let firstTokenMs = this.#firstTokenMs ?? 0;
    let gapMs = 0;
    for (const { startedMs, lastTextMs } of running) {
      if (lastTextMs === null) firstTokenMs = Math.max(firstTokenMs, nowMs - startedMs);
      else gapMs = Math.max(gapMs, nowMs - lastTextMs);
    }
    if (this.#firstTokenMs === null && firstTokenMs === 0) return null;
    return firstTokenMs + Math.max((this.#tokenMs ?? 0) * PACE_TOKENS, gapMs);
  }

  /** Milliseconds for each token; null until known. */
  tokenMs(): number | null {
    return this.#tokenMs;
  }

  /** True when it takes several times as long as it used to. */
  isSlowedDown(latencyMs: number): boolean {
    if (this.#usualLatencyMs === null) return false;
    return latencyMs > SLOWDOWN_MAX * Math.max(this.#usualLatencyMs, NOTICEABLE_LATENCY_MS);
  }

  #settledLatencyMs(): number | null {
    if (this.#firstTokenMs === null) return null;
    return this.#firstTokenMs + (this.#tokenMs ?? 0) * PACE_TOKENS;
  }
}

function step(before: number | null, value: number, weight: number): number {
  return before === null ? value : before + (value - before) * weight;
}
