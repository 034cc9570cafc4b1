import type { Clock } from '../../kernel/clock.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { FAILED_TOKENIZERS_MAX, FIRST_REST_MS, MODEL_COUNTERS_MAX, REST_MS_MAX } from './limits.ts';
import type { ModelTokenizers } from './ports.ts';
import {
  type CountedMessage,
  createTokenCounter,
  longSlicesOf,
  type PlainTokenCounter,
} from './token-counter.ts';

/** Counts with the tokenizer of a model where it has one, else with o200k_base, which is an estimate of what the model counts. */
export interface TokenCounter {
  /** The tokenizer of a model, which counts unless it fails; null: o200k_base does. */
  tokenizerOf(model: string): string | null;
  /** The tokenizer that is counted with where this one was asked for: null where it has failed, and o200k_base took its place. */
  countedBy(tokenizer: string | null): string | null;
  /** Tokens of `text`. See `PlainTokenCounter`; a tokenizer of a model takes runs of any length up to 16,384 characters. */
  countText(tenantId: TenantId, text: string, tokenizer?: string | null): Promise<number>;
  /** Tokens of a conversation that is to be continued, as `PlainTokenCounter` counts them. */
  countPrompt(
    tenantId: TenantId,
    messages: readonly CountedMessage[],
    tokensMax: number,
    tokenizer?: string | null,
  ): Promise<number>;
}

/**
 * Tokenizers that took too long, or more memory than there is, or could not be read. One that fails is not asked for a minute, then for
 * twice as long each time: what counts again after a failure of the database has to come back, what is slow must not hold up others.
 */
class FailedTokenizers {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** How long each rests, and until when; null: it may be asked again. The longest ago first. */
  readonly #rests = new Map<string, { readonly restMs: number; readonly untilMs: number | null }>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  has(tokenizer: string): boolean {
    return (this.#rests.get(tokenizer)?.untilMs ?? null) !== null;
  }

  /** It is asked again, if its rest is over. */
  endRest(tokenizer: string): void {
    const rest = this.#rests.get(tokenizer);
    if (rest === undefined || rest.untilMs === null || rest.untilMs > this.#clock.monotonicMs()) return;
    this.#rests.set(tokenizer, { ...rest, untilMs: null });
  }

  add(tokenizer: string): void {
    const before = this.#rests.get(tokenizer);
    const restMs = before === undefined ? FIRST_REST_MS : Math.min(before.restMs * 2, REST_MS_MAX);
    this.#rests.delete(tokenizer);
    this.#rests.set(tokenizer, { restMs, untilMs: this.#clock.monotonicMs() + restMs });
    const [oldest] = this.#rests.keys();
    if (this.#rests.size > FAILED_TOKENIZERS_MAX && oldest !== undefined) this.#rests.delete(oldest);
  }

  /** It has counted. */
  delete(tokenizer: string): void {
    this.#rests.delete(tokenizer);
  }
}

/** Makes the counter of a process out of the one for o200k_base and those of models. */
export function createModelTokenCounter(
  plain: PlainTokenCounter,
  models: ModelTokenizers,
  clock: Pick<Clock, 'monotonicMs'>,
): TokenCounter {
  const counters = new Map<string, PlainTokenCounter>();
  const failed = new FailedTokenizers(clock);

  /** What waits behind a failure isn't asked: each question would take others the time until it is given up. */
  const countUnlessFailed: ModelTokenizers['countTokens'] = async (tokenizer, portions) => {
    if (failed.has(tokenizer)) throw new Error('this tokenizer has failed');
    try {
      const tokens = await models.countTokens(tokenizer, portions);
      failed.delete(tokenizer);
      return tokens;
    } catch (error) {
      failed.add(tokenizer);
      throw error;
    }
  };
  const counterOf = (tokenizer: string): PlainTokenCounter => {
    const known = counters.get(tokenizer);
    const counter =
      known ??
      createTokenCounter(
        { tokenizer: { countTokens: (portions) => countUnlessFailed(tokenizer, portions) } },
        longSlicesOf,
      );
    counters.delete(tokenizer);
    counters.set(tokenizer, counter);
    const [oldest] = counters.keys();
    if (counters.size > MODEL_COUNTERS_MAX && oldest !== undefined) counters.delete(oldest);
    return counter;
  };
  const count = async (
    tokenizer: string | null,
    work: (counter: PlainTokenCounter) => Promise<number>,
  ): Promise<number> => {
    if (tokenizer === null || failed.has(tokenizer)) return work(plain);
    try {
      return await work(counterOf(tokenizer));
    } catch {
      return work(plain);
    }
  };
  return {
    tokenizerOf(model) {
      const tokenizer = models.tokenizerOf(model);
      if (tokenizer === null) return null;
      failed.endRest(tokenizer);
      return failed.has(tokenizer) ? null : tokenizer;
    },
    countedBy: (tokenizer) => (tokenizer === null || failed.has(tokenizer) ? null : tokenizer),
    countText: (tenantId, text, tokenizer = null) =>
      count(tokenizer, (counter) => counter.countText(tenantId, text)),
    countPrompt: (tenantId, messages, tokensMax, tokenizer = null) =>
      count(tokenizer, (counter) => counter.countPrompt(tenantId, messages, tokensMax)),
  };
}
