import type { Clock } from '../../kernel/clock.ts';
import type { DeviceSignature } from '../../kernel/device-signature.ts';
import type { AccountId, TenantId, TransactionId } from '../../kernel/ids.ts';
import { isOfTask, itemsOf } from './features.ts';
import {
  ANSWER_CHARACTERS_MAX,
  CHARACTERS_PER_TOKEN_MAX,
  CONTEXT_TOKENS_MAX,
  DELTA_BYTES_MAX,
  EMBEDDINGS_CHARACTERS_MAX,
  FINISH_REASON,
  LATENCY_MS_DEFAULT,
  LIFE_WITHOUT_TEXT_MS_MAX,
  NOTICEABLE_LATENCY_MS,
  PREFILL_MS_PER_TOKEN_ALLOWED,
  REST_MS_MAX,
  SLOWDOWN_MAX,
  TEXTLESS_BYTES_MAX,
} from './limits.ts';
import type { LiveProvider } from './live-provider.ts';
import type { Eligible } from './model-market.ts';
import type { RunningRequest } from './pace.ts';
import type {
  AttemptEnd,
  CompletionDelta,
  DeltaMessage,
  FailureCode,
  ModelOffer,
  ProviderError,
  ProviderFault,
  ProviderOrder,
  ResultMessage,
  TokenClaim,
} from './types.ts';

/** What is asked of a provider, and what bounds it. */
export interface AttemptOrder extends ProviderOrder {
  /** Who asks. */
  readonly accountId: AccountId;
  readonly tenantId: TenantId;
  /** Who of the tenant: the API key that the request came with, or the account. */
  readonly memberId: string;
  readonly promptTokens: number;
  /** When the whole request must be over, in monotonic milliseconds. */
  readonly deadlineMs: number;
}

/** Who an attempt is made for. */
export interface AttemptListener {
  /** A piece of the answer came, the first together with text. Never after `ended`. */
  delta(delta: CompletionDelta): void;
  /** It is over. Called once. */
  ended(end: AttemptEnd): void;
}

/**
 * One request at one provider: takes its messages in, allows nothing but the protocol, and watches its silence. It holds a
 * slot of the provider from its making to its end.
 */
export class Attempt implements RunningRequest {
  readonly provider: LiveProvider;
  /** The model as it was offered when the slot was taken: what is paid. */
  readonly model: ModelOffer;
  readonly order: AttemptOrder;
  readonly isProbe: boolean;
  readonly startedMs: number;
  /** How many requests its provider had when it came, itself included. */
  readonly place: number;
  /** Milliseconds in which the first token may come, by what its provider has shown; null: nothing yet. */
  readonly #expectedFirstMs: number | null;
  readonly #clock: Clock;
  readonly #giveSlotBack: (attempt: Attempt) => void;
  readonly #slotsGrew: (attempt: Attempt) => void;
  readonly #rests: (attempt: Attempt, restMs: number) => void;
  #listener: AttemptListener | null = null;
  #firstTextMs: number | null = null;
  #lastTextMs: number | null = null;
  #nextIndex = 0;
  /** Of the answer, as its pieces came. */
  #characters = 0;
  #charactersLeft: number;
  #creditBytesLeft: number;
  /** Pieces without text that came before the first text. */
  readonly #textless: CompletionDelta[] = [];
  /** Which of several answers, or vectors, have come. */
  readonly #items = new Set<unknown>();
  #textlessBytes = 0;
  #cancelTimer: () => void = () => {};
  #end: AttemptEnd | null = null;
  #isFaultItsOwn = false;
  #signature: DeviceSignature | null = null;

  constructor(
    { provider, model }: Eligible,
    order: AttemptOrder,
    isProbe: boolean,
    dependencies: {
      readonly clock: Clock;
      readonly giveSlotBack: (attempt: Attempt) => void;
      readonly slotsGrew: (attempt: Attempt) => void;
      /** Its endpoint wants to be left alone with the model for this time. */
      readonly rests: (attempt: Attempt, restMs: number) => void;
    },
  ) {
    this.provider = provider;
    this.model = model;
    this.order = order;
    this.isProbe = isProbe;
    this.#clock = dependencies.clock;
    this.#giveSlotBack = dependencies.giveSlotBack;
    this.#slotsGrew = dependencies.slotsGrew;
    this.#rests = dependencies.rests;
    this.startedMs = this.#clock.monotonicMs();
    this.#charactersLeft = charactersMaxOf(order, model);
    this.#creditBytesLeft = order.creditBytes;
    const { standing } = provider;
    standing.running.add(this);
    if (isProbe) standing.probe = this;
    if (!this.isOwn) standing.givenAtMs = this.startedMs;
    this.place = standing.running.size;
    this.#expectedFirstMs = standing.paceOf(model.name).firstTextMs(order.promptTokens);
    standing.touch();
  }

  get modelName(): string {
    return this.model.name;
  }

  get promptTokens(): number {
    return this.order.promptTokens;
  }

  /** True: who asks owns the provider. What they do for each other is paid by nobody and teaches nothing. */
  get isOwn(): boolean {
    return this.order.tenantId === this.provider.tenantId;
  }

  /** True when its failure can't have been brought about by what was asked. */
  get isFaultItsOwn(): boolean {
    return this.#isFaultItsOwn;
  }

  /** True: it was sent, and its provider isn't later than may be expected. Who leaves it now leaves work behind. */
  get isInTime(): boolean {
    if (!this.isSent) return false;
    const allowedMs =
      SLOWDOWN_MAX * Math.max(this.#expectedFirstMs ?? LATENCY_MS_DEFAULT, NOTICEABLE_LATENCY_MS) +
      this.promptTokens * PREFILL_MS_PER_TOKEN_ALLOWED;
    return (this.#lastTextMs ?? this.#clock.monotonicMs()) - this.startedMs <= allowedMs;
  }

  /** What its provider signed of the end; null: nothing, or it ended otherwise. */
  get signature(): DeviceSignature | null {
    return this.#signature;
  }

  get lastTextMs(): number | null {
    return this.#lastTextMs;
  }

  /** How it ended; null while it runs. */
  get end(): AttemptEnd | null {
    return this.#end;
  }

  /** Milliseconds from the start to the first text; null before it. */
  get firstTokenMs(): number | null {
    return this.#firstTextMs === null ? null : this.#firstTextMs - this.startedMs;
  }

  /** Characters of the answer that have come. */
  get characters(): number {
    return this.#characters;
  }

  /** False: its provider has heard nothing of it. */
  get isSent(): boolean {
    return this.#listener !== null;
  }

  /** Sends the request; `listener` hears what becomes of it, at once where it has ended already. */
  send(listener: AttemptListener): void {
    if (this.#end !== null) {
      listener.ended(this.#end);
      return;
    }
    this.#listener = listener;
    this.#watchSilence(this.order.firstTokenTimeoutMs);
    if (!this.provider.link.request(this.order)) this.fail('provider_vanished');
  }

  /** Gives the slot back unused, for nobody's fault. */
  giveBack(): void {
    this.#endWith({ kind: 'unused' });
  }

  /** The provider may send `bytes` more of the answer. */
  grant(bytes: number): void {
    if (this.#end !== null || bytes === 0) return;
    const couldNotSend = this.#creditBytesLeft < DELTA_BYTES_MAX;
    this.#creditBytesLeft += bytes;
    if (couldNotSend) this.#watchSilence(this.#silenceMs());
    if (!this.provider.link.grant(this.order.requestId, bytes)) this.fail('provider_vanished');
  }

  /** Takes a piece of the answer. False: it is not allowed here, and the attempt has failed. */
  receiveDelta({ index, delta }: Omit<DeltaMessage, 'requestId'>): boolean {
    if (this.#end !== null || this.#listener === null) return false;
    const { task } = this.order;
    // Vectors have no text, and are what is wanted.
    const characters = task.api === 'embeddings' ? delta.bytes : delta.text.length;
    this.#characters += characters;
    this.#charactersLeft -= characters;
    this.#creditBytesLeft -= delta.bytes;
    if (index !== this.#nextIndex || this.#charactersLeft < 0 || this.#creditBytesLeft < 0)
      return this.#refuse();
    if (!isOfTask(delta.fields, task)) return this.#refuse();
    for (const item of itemsOf(delta.fields)) this.#items.add(item.index);
    this.#nextIndex++;
    if (characters === 0) return this.#receiveTextless(delta);
    const nowMs = this.#clock.monotonicMs();
    const sinceMs = nowMs - (this.#lastTextMs ?? this.startedMs);
    if (task.api !== 'embeddings') this.#observeText(sinceMs, characters, nowMs);
    this.#firstTextMs ??= nowMs;
    this.#lastTextMs = nowMs;
    this.#watchSilence(this.order.stallTimeoutMs);
    this.#deliverTextless();
    this.#listener.delta(delta);
    return true;
  }

  /** Its first text, or more of it, came `sinceMs` after what was before. */
  #observeText(sinceMs: number, characters: number, nowMs: number): void {
    if (this.isOwn) return;
    const { standing } = this.provider;
    const pace = standing.paceOf(this.model.name);
    if (this.#firstTextMs === null) {
      pace.observeFirstText(this.promptTokens, sinceMs, this.isProbe);
      if (standing.slotLimit.observeFirstText(this, sinceMs, nowMs)) this.#slotsGrew(this);
    } else {
      pace.observeMoreText(sinceMs, characters);
    }
    standing.slotLimit.noteText(nowMs);
    standing.touch();
  }

  /** The provider works, though it has nothing to send: for some minutes that holds off the clock of its silence. */
  receiveSignOfLife(): void {
    if (this.#end !== null || this.#listener === null) return;
    const silentMs = this.#clock.monotonicMs() - (this.#lastTextMs ?? this.startedMs);
    if (silentMs < LIFE_WITHOUT_TEXT_MS_MAX) this.#watchSilence(this.#silenceMs());
  }

  /** Takes the end of the answer. False: it is not allowed here, and the attempt has failed. Throws where it is signed wrongly. */
  receiveResult({ finishReason, claim, error, signature }: Omit<ResultMessage, 'requestId'>): boolean {
    if (this.#end !== null || this.#listener === null) return false;
    this.#signature = signature?.() ?? null;
    if (error !== null) {
      this.#failedByItsWord(error);
      return true;
    }
    if (!FINISH_REASON.test(finishReason) || (claim !== null && !isClaim(claim))) return this.#refuse();
    if (!this.#isComplete()) return this.#refuse();
    this.#deliverTextless();
    this.#endWith({ kind: 'answered', finishReason, claim });
    return true;
  }

  /** Ends the attempt with `code` and tells the provider, where it can be told, that nobody waits any more. */
  fail(code: FailureCode): void {
    if (this.#end !== null) return;
    this.#isFaultItsOwn = code === 'provider_vanished' || code === 'provider_answer_malformed';
    this.#endWith({ kind: 'failed', code });
    if (this.isSent && code !== 'provider_vanished' && code !== 'provider_failed') {
      this.provider.link.cancel(this.order.requestId);
    }
  }

  /** Ends the answer here, as long as it is: its provider is told that nobody waits for more. */
  cutShort(): void {
    if (this.#end !== null || this.#listener === null) return;
    this.#endWith({ kind: 'answered', finishReason: 'length', claim: null });
    this.provider.link.cancel(this.order.requestId);
  }

  /** What it said itself needs no cancelling. */
  #failedByItsWord(error: ProviderError): void {
    const code = CODES_OF_FAULTS[error.fault];
    const restMs = error.fault === 'busy' ? Math.min((error.retryAfterSeconds ?? 0) * 1000, REST_MS_MAX) : 0;
    if (restMs > 0) this.#rests(this, restMs);
    // Without an answer of its endpoint the connection is refused, or it speaks another protocol.
    this.#isFaultItsOwn =
      error.fault === 'model_unknown' || (error.fault === 'provider' && error.status === null);
    this.#endWith(code === null ? { kind: 'rejected', error } : { kind: 'failed', code });
  }

  /** A piece without text is a sign of life. Before the first text it waits: its provider may still be replaced. */
  #receiveTextless(delta: CompletionDelta): boolean {
    this.receiveSignOfLife();
    if (this.#firstTextMs !== null) {
      this.#listener?.delta(delta);
      return true;
    }
    this.#textlessBytes += delta.bytes;
    if (this.#textlessBytes > TEXTLESS_BYTES_MAX) return this.#refuse();
    this.#textless.push(delta);
    return true;
  }

  #deliverTextless(): void {
    for (const delta of this.#textless.splice(0)) this.#listener?.delta(delta);
  }

  /** True: all answers that are wanted have come, the first of a text even if it is empty. */
  #isComplete(): boolean {
    const { api, choices } = this.order.task;
    return this.#items.size >= (api === 'embeddings' ? choices : choices - 1);
  }

  #refuse(): false {
    this.fail('provider_answer_malformed');
    return false;
  }

  #silenceMs(): number {
    return this.#firstTextMs === null ? this.order.firstTokenTimeoutMs : this.order.stallTimeoutMs;
  }

  #watchSilence(silenceMs: number): void {
    this.#cancelTimer();
    const leftMs = Math.max(0, this.order.deadlineMs - this.#clock.monotonicMs());
    this.#cancelTimer = this.#clock.after(Math.min(silenceMs, leftMs), () => {
      if (leftMs <= silenceMs) this.fail('request_timed_out');
      // Without credit for a whole piece the reader is slow, not the provider.
      else if (this.#creditBytesLeft < DELTA_BYTES_MAX) this.#watchSilence(silenceMs);
      else this.fail('provider_stalled');
    });
  }

  #endWith(end: AttemptEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#cancelTimer();
    const { standing } = this.provider;
    standing.running.delete(this);
    if (standing.probe === this) standing.probe = null;
    this.#giveSlotBack(this);
    this.#listener?.ended(end);
  }
}

/** Characters that an answer may have; more of them are no answer. */
function charactersMaxOf(
  { task, completionTokensMax, promptTokens }: AttemptOrder,
  model: ModelOffer,
): number {
  if (task.api === 'embeddings') return EMBEDDINGS_CHARACTERS_MAX;
  // Of several prompts each may be as long.
  const contextTokens = task.choices > 1 ? model.contextTokens : model.contextTokens - promptTokens;
  const tokensMax = (completionTokensMax ?? contextTokens) * task.choices;
  return Math.min((tokensMax + 1) * CHARACTERS_PER_TOKEN_MAX, ANSWER_CHARACTERS_MAX);
}

/** How an attempt ends by its provider's word; null: it is the requester's doing. */
const CODES_OF_FAULTS: Readonly<Record<ProviderFault, FailureCode | null>> = {
  requester: null,
  provider: 'provider_failed',
  model_unknown: 'provider_failed',
  busy: 'provider_busy',
  stalled: 'provider_stalled',
  malformed: 'provider_answer_malformed',
};

function isClaim(claim: TokenClaim): boolean {
  const { promptTokens, cachedPromptTokens, completionTokens, reasoningTokens } = claim;
  const isCount = (tokens: number) => Number.isInteger(tokens) && tokens >= 0 && tokens <= CONTEXT_TOKENS_MAX;
  return (
    isCount(promptTokens) &&
    isCount(cachedPromptTokens) &&
    isCount(completionTokens) &&
    isCount(reasoningTokens) &&
    cachedPromptTokens <= promptTokens &&
    reasoningTokens <= completionTokens
  );
}

/** The key of an attempt among those of all providers. */
export function attemptKey(deviceId: string, requestId: TransactionId | string): string {
  return `${deviceId}/${requestId}`;
}
