import type { yggdrasil } from '../../../proto/index.ts';
import {
  ComputeCancel,
  ComputeRequest,
  encodePayload,
  FrameType,
  uuidToBytes,
} from '../../../proto/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { TransactionId } from '../../kernel/ids.ts';
import { EventQueue } from './event-queue.ts';
import {
  ANSWER_CHARACTERS_MAX,
  CHARACTERS_PER_TOKEN_MAX,
  CONTEXT_TOKENS_MAX,
  type MarketplaceTimes,
} from './limits.ts';
import type { LiveProvider } from './live-provider.ts';
import type { RunningRequest } from './provider-pace.ts';
import type { FailureCode, FinishReason } from './types.ts';

/** What an attempt gives to the request it belongs to. `result` and `failed` are its last. */
export type AttemptEvent =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'result';
      readonly finishReason: FinishReason;
      readonly claimedPromptTokens: number;
      readonly claimedCompletionTokens: number;
    }
  | { readonly kind: 'failed'; readonly code: FailureCode };

/** What is asked of the provider. */
export interface AttemptOrder {
  readonly requestId: TransactionId;
  readonly model: string;
  readonly body: Uint8Array;
  readonly promptTokens: number;
  readonly completionTokensMax: number;
  /** When the whole request must be over, in monotonic milliseconds. */
  readonly deadlineMs: number;
}

/**
 * One request at one provider: takes its frames in, allows nothing but the protocol, and watches its silence. Holds a slot
 * of the provider from its making to its end.
 */
export class Attempt implements RunningRequest {
  readonly provider: LiveProvider;
  readonly order: AttemptOrder;
  readonly isProbe: boolean;
  #startedMs: number;
  #sent = false;
  readonly #clock: Clock;
  readonly #times: MarketplaceTimes;
  readonly #onEnd: (attempt: Attempt) => void;
  readonly #events = new EventQueue<AttemptEvent>();
  #lastTextMs: number | null = null;
  #firstTextMs: number | null = null;
  #nextIndex = 0;
  #charactersLeft: number;
  #cancelTimer: () => void = () => {};
  #end: 'result' | 'failed' | null = null;

  constructor(
    provider: LiveProvider,
    order: AttemptOrder,
    isProbe: boolean,
    dependencies: { clock: Clock; times: MarketplaceTimes; onEnd: (attempt: Attempt) => void },
  ) {
    this.provider = provider;
    this.order = order;
    this.isProbe = isProbe;
    this.#clock = dependencies.clock;
    this.#times = dependencies.times;
    this.#onEnd = dependencies.onEnd;
    this.#startedMs = this.#clock.monotonicMs();
    this.#charactersLeft = Math.min(
      (order.completionTokensMax + 1) * CHARACTERS_PER_TOKEN_MAX,
      ANSWER_CHARACTERS_MAX,
    );
    provider.running.add(this);
    if (isProbe) provider.probe = this;
  }

  get startedMs(): number {
    return this.#startedMs;
  }

  get lastTextMs(): number | null {
    return this.#lastTextMs;
  }

  /** How it ended; null while it runs. */
  get ended(): 'result' | 'failed' | null {
    return this.#end;
  }

  /** Milliseconds from the start to the first text; null before it. */
  get firstTokenMs(): number | null {
    return this.#firstTextMs === null ? null : this.#firstTextMs - this.#startedMs;
  }

  /** Sends the request. A provider that can't be reached fails the attempt at once. */
  start(): void {
    if (this.#end !== null) return;
    const { requestId, model, body, completionTokensMax } = this.order;
    const payload = encodePayload(ComputeRequest, {
      requestId: uuidToBytes(requestId),
      model,
      body,
      maxTokens: completionTokensMax,
      stallTimeoutMs: this.#times.stallTimeoutMs,
    });
    this.#sent = true;
    this.#startedMs = this.#clock.monotonicMs();
    this.#watch(this.#times.firstTokenTimeoutMs);
    if (!this.provider.channel.send(FrameType.COMPUTE_REQUEST, payload)) this.fail('provider_vanished');
  }

  /** The next event; null after the last one. */
  next(): Promise<AttemptEvent | null> {
    return this.#events.next();
  }

  /** Takes a piece of text. False: it is not allowed here, and the attempt has failed. */
  onChunk(chunk: yggdrasil.v1.ComputeChunk.$Properties): boolean {
    if (this.#end !== null) return false;
    const text = chunk.text ?? '';
    this.#charactersLeft -= text.length;
    if ((chunk.index ?? 0) !== this.#nextIndex || this.#charactersLeft < 0) return this.#refuse();
    this.#nextIndex++;
    // An empty piece is no progress: the silence goes on.
    if (text === '') return true;
    const nowMs = this.#clock.monotonicMs();
    const isFirst = this.#firstTextMs === null;
    const sinceMs = nowMs - (this.#lastTextMs ?? this.#startedMs);
    this.provider.standing.pace.observeText(isFirst, sinceMs, text.length);
    this.#firstTextMs ??= nowMs;
    this.#lastTextMs = nowMs;
    this.#watch(this.#times.stallTimeoutMs);
    this.#events.push({ kind: 'text', text });
    return true;
  }

  /** Takes the end of the answer. False: it is not allowed here, and the attempt has failed. */
  onResult(result: yggdrasil.v1.ComputeResult.$Properties): boolean {
    if (this.#end !== null) return false;
    if (result.error) {
      this.fail('provider_failed');
      return true;
    }
    const { finishReason } = result;
    const claimedPromptTokens = result.promptTokens ?? 0;
    const claimedCompletionTokens = result.completionTokens ?? 0;
    if (
      (finishReason !== 'stop' && finishReason !== 'length') ||
      this.#firstTextMs === null ||
      Math.max(claimedPromptTokens, claimedCompletionTokens) > CONTEXT_TOKENS_MAX
    ) {
      return this.#refuse();
    }
    this.#finish('result', { kind: 'result', finishReason, claimedPromptTokens, claimedCompletionTokens });
    return true;
  }

  /** Ends the attempt with `code` and tells the provider that nobody waits any more. */
  fail(code: FailureCode): void {
    if (this.#end !== null) return;
    this.#finish('failed', { kind: 'failed', code });
    if (!this.#sent || code === 'provider_vanished' || code === 'provider_failed') return;
    const payload = encodePayload(ComputeCancel, { requestId: uuidToBytes(this.order.requestId) });
    this.provider.channel.send(FrameType.COMPUTE_CANCEL, payload);
  }

  #refuse(): false {
    this.fail('provider_answer_malformed');
    return false;
  }

  #watch(silenceMs: number): void {
    this.#cancelTimer();
    const leftMs = Math.max(0, this.order.deadlineMs - this.#clock.monotonicMs());
    const code = leftMs <= silenceMs ? 'request_timed_out' : 'provider_stalled';
    this.#cancelTimer = this.#clock.after(Math.min(silenceMs, leftMs), () => this.fail(code));
  }

  #finish(end: 'result' | 'failed', event: AttemptEvent): void {
    this.#end = end;
    this.#cancelTimer();
    this.provider.running.delete(this);
    if (this.provider.probe === this) this.provider.probe = null;
    this.#events.push(event);
    this.#events.end();
    this.#onEnd(this);
  }
}
