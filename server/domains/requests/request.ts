import { AppError, InvariantError } from '../../kernel/errors.ts';
import type { TransactionId, TransferId } from '../../kernel/ids.ts';
import {
  type Attempt,
  type AttemptEnd,
  CREDIT_BYTES,
  DELTA_BYTES_MAX,
  type Eligible,
  type FailureCode,
  noProviderAvailable,
  type ProviderId,
} from '../providers/index.ts';
import type { BegunTransaction } from '../transactions/index.ts';
import { AnswerCosts } from './answer-costs.ts';
import { AnswerCredit } from './answer-credit.ts';
import { AnswerStream } from './answer-stream.ts';
import { attemptOrderOf } from './attempt-order.ts';
import { BalanceAfter } from './balance-after.ts';
import { asProvidersFault, mayFailOver } from './billing.ts';
import { isTooLittle, narrowOffers, requireContext, type Unaffordable } from './candidates.ts';
import {
  countTexts,
  type EndDependencies,
  endRequest,
  type Keeping,
  type LastAttempt,
} from './end-request.ts';
import { failureOf, requestFailed, requestRejected, tooManyRunning } from './errors.ts';
import { GrowingHold } from './growing-hold.ts';
import { ATTEMPTS_MAX, FIRST_HOLD_TOKENS, FIRST_HOLD_TOKENS_MIN, type RequestTimes } from './limits.ts';
import type { KeyClaim } from './ports.ts';
import { isOpen, rankOf } from './preferences.ts';
import { BrokenOffShares, begunTransaction } from './shares.ts';
import type { ComputeAnswer, ComputeOrder, KeyedRequester, StartedRequest } from './types.ts';
import { beginUnit, holdIdFor, reholdUnit } from './units.ts';

/** Settings of requests. */
export interface RequestOptions {
  readonly nodeId: string;
  readonly times: RequestTimes;
}

/** What carrying out a request needs. */
export type RequestDependencies = EndDependencies;

/** What is asked, by whom, under which claim. */
export interface RequestInput {
  readonly id: TransactionId;
  readonly requester: KeyedRequester;
  readonly order: ComputeOrder;
  /** The requester says itself, in this request, what is too dear, or whom alone it wants. */
  readonly isPriceItsOwn: boolean;
  /** Null: it has no idempotency key. */
  readonly claim: KeyClaim | null;
  /** Every listed provider of the model when it came. */
  readonly offers: readonly Eligible[];
}

/**
 * One request, from the choice of a provider to its end: slot, hold and row in one commit, dispatch, answer, end in one
 * commit. A provider that fails before it delivered anything is followed by the next.
 */
export class ComputeRequest {
  readonly #options: RequestOptions;
  readonly #dependencies: RequestDependencies & { readonly ledger: BalanceAfter };
  readonly #input: RequestInput;
  readonly #createdAtMs: number;
  readonly #deadlineMs: number;
  /** Aborted when nobody waits any more; for an answer that is kept under a key somebody always does. */
  readonly #signal: AbortSignal;
  /** Tokens of the answer that are held first. */
  #firstTokens: number;
  readonly #stream: AnswerStream;
  readonly #credit: AnswerCredit;
  readonly #keeping: Keeping;
  readonly #failed = new Set<ProviderId>();
  readonly #brokenOff: BrokenOffShares;
  readonly #costs: AnswerCosts;
  /** What the next provider is asked instead of the order's body; null: nothing was delivered yet. */
  #continuationBody: Uint8Array | null = null;
  /** What the database knows of it: null before its first commit. */
  #transaction: BegunTransaction | null = null;
  /** The hold before the transaction's, while no commit has confirmed that this one took its place. */
  #earlierHoldId: TransferId | null = null;
  #holds = 0;
  #attempts = 0;
  #unaffordable: Unaffordable | null = null;
  #attempt: Attempt | null = null;
  /** Somebody has the answer's stream. */
  #isRead = false;
  #tellBegun: (attempt: Attempt) => void = () => {};

  /** Refuses with `invalid_input` and `context_length_exceeded`, and with `rate_limited` or `unavailable` without memory. */
  constructor(input: RequestInput, options: RequestOptions, dependencies: RequestDependencies) {
    const { clock } = dependencies;
    this.#input = input;
    this.#options = options;
    this.#dependencies = { ...dependencies, ledger: new BalanceAfter(dependencies.ledger) };
    this.#createdAtMs = clock.nowMs();
    this.#deadlineMs = clock.monotonicMs() + options.times.requestTimeoutMs;
    requireContext(input.order, input.offers);
    const { completionTokensMax, task } = input.order;
    this.#firstTokens = (completionTokensMax ?? FIRST_HOLD_TOKENS) * task.choices;
    this.#signal = input.claim === null ? input.order.signal : new AbortController().signal;
    this.#keeping = { isUnderKey: input.claim !== null, keepsWhole: input.order.keepsWhole };
    this.#brokenOff = new BrokenOffShares(dependencies.pricing);
    this.#costs = new AnswerCosts(input, this.#brokenOff, dependencies.pricing);
    const { accountId } = input.requester;
    this.#credit = new AnswerCredit(dependencies.budget, accountId, input.order.body.length);
    const listener = {
      read: (bytes: number) => this.#credit.readerTook(bytes),
      readerStalled: () => this.#readerStalled(),
      emptied: () => this.#credit.close(),
    };
    this.#stream = new AnswerStream(
      {
        isWhole: input.order.isWhole,
        unreadBytesMax: CREDIT_BYTES - DELTA_BYTES_MAX,
        stallTimeoutMs: options.times.readerStallTimeoutMs,
      },
      { clock, listener },
    );
  }

  /** Carries the request out. */
  start(): StartedRequest {
    const begun = new Promise<Attempt>((resolve) => {
      this.#tellBegun = resolve;
    });
    const outcome = this.#run();
    const answer = Promise.race([begun, outcome]).then((attempt) => this.#answerOf(attempt));
    return { answer, ended: Promise.allSettled([outcome]).then(() => undefined) };
  }

  /** Returns the attempt that gave the answer when its end is written. */
  async #run(): Promise<Attempt> {
    const { signal } = this.#input.order;
    const leave = () => this.#requesterLeft();
    signal.addEventListener('abort', leave);
    let failure: FailureCode = 'provider_failed';
    try {
      if (!this.#credit.reserve()) throw tooManyRunning();
      while (this.#attempts < ATTEMPTS_MAX) {
        if (this.#leftMs() <= 0) {
          if (!this.#stream.hasText) failure = 'request_timed_out';
          break;
        }
        const attempt = await this.#nextAttempt();
        if (attempt === null && this.#beginsAnew()) continue;
        if (attempt === null) break;
        const end = asProvidersFault(await this.#dispatch(attempt), attempt.order);
        if (!(await this.#goesOnAfter(attempt, end))) return await this.#writeEnd(attempt, end);
        if (end.kind === 'failed') failure = end.code;
      }
      throw this.#attempts === 0 && failure !== 'request_timed_out'
        ? noProviderAvailable()
        : requestFailed(failure, this.#input.id);
    } catch (error) {
      await this.#endWithoutAnswer(error);
      throw error;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** True: another provider may try, to go on with what this one delivered, or anew. */
  async #goesOnAfter(attempt: Attempt, end: AttemptEnd): Promise<boolean> {
    if (!mayFailOver(end) || this.#signal.aborted) return false;
    // Vectors have no text, and of some that came nothing is used.
    if (!this.#stream.hasText) this.#stream.beginAnew();
    const deliveredTokens = this.#stream.hasText ? await this.#noteDelivered(attempt) : 0;
    if (deliveredTokens === null && !this.#beginsAnew()) return false;
    this.#dependencies.providers.judge(attempt, deliveredTokens ?? 0);
    return true;
  }

  /** Notes what an attempt delivered before it broke off, in tokens. Null: nobody can go on with it. */
  async #noteDelivered(attempt: Attempt): Promise<number | null> {
    const { order, requester } = this.#input;
    const { beginning, partTexts } = this.#stream;
    const body = beginning === null ? null : order.continuationBody(beginning);
    if (body === null) return null;
    const text = await countTexts(partTexts, { requester, ...order }, this.#dependencies.tokens);
    const isAll = this.#brokenOff.completionTokens + text.tokens >= this.#costs.tokensMaxAt(attempt.model);
    if (isAll || !this.#credit.reserveBody(body.length)) return null;
    this.#continuationBody = body;
    this.#brokenOff.add(attempt, text);
    this.#stream.beginPart();
    return text.tokens;
  }

  /** True: nobody has seen what was delivered, which is dropped. */
  #beginsAnew(): boolean {
    if (!this.#input.order.isWhole || !this.#stream.hasText) return false;
    this.#stream.beginAnew();
    this.#brokenOff.clear();
    this.#continuationBody = null;
    return true;
  }

  /** A slot whose cost is held. Null: nobody is left to try. */
  async #nextAttempt(): Promise<Attempt | null> {
    const { providers } = this.#dependencies;
    for (;;) {
      const attempt = await this.#takeSlot();
      if (attempt === null) return null;
      try {
        const tokens = this.#costs.firstTokensAt(attempt.model, this.#firstTokens);
        const refused = await this.#hold(attempt, tokens);
        if (refused === null) return attempt;
        this.#unaffordable = { costMicrocents: this.#costs.costOf(attempt, tokens), refused };
      } catch (error) {
        attempt.giveBack();
        providers.judge(attempt, 0);
        throw error;
      }
      attempt.giveBack();
      providers.judge(attempt, 0);
    }
  }

  /** After a failed attempt that one's failure is the answer, not that nobody else would do. */
  async #takeSlot(): Promise<Attempt | null> {
    const { providers } = this.#dependencies;
    const { times } = this.#options;
    const { requester, order } = this.#input;
    try {
      return await providers.takeSlot({
        waitMs: Math.min(times.slotWaitMs, this.#leftMs()),
        signal: this.#signal,
        order: attemptOrderOf(this.#input, times, {
          body: this.#continuationBody,
          deliveredTokens: this.#brokenOff.completionTokens,
          deadlineMs: this.#deadlineMs,
        }),
        narrow: (offers) => this.#narrow(offers),
        rankOf: rankOf(order.preferences, requester.tenantId),
        contextTokensOnly: this.#isOpen() ? this.#neededTokens() : null,
        isPriceItsOwn: this.#input.isPriceItsOwn,
      });
    } catch (error) {
      if (this.#canHoldLess(error)) return this.#takeSlot();
      if (this.#attempts > 0 && error instanceof AppError) return null;
      throw error;
    }
  }

  /** True: everybody is too dear for what should be held first, and less of it would do. */
  #canHoldLess(error: unknown): boolean {
    const isLimited = this.#input.order.completionTokensMax !== null;
    if (isLimited || !(error instanceof AppError) || error.kind !== 'payment_required') return false;
    if (this.#firstTokens <= FIRST_HOLD_TOKENS_MIN) return false;
    this.#firstTokens = Math.max(FIRST_HOLD_TOKENS_MIN, Math.floor(this.#firstTokens / 4));
    this.#unaffordable = null;
    return true;
  }

  #neededTokens(): number {
    const { longestPromptTokens, completionTokensMax } = this.#input.order;
    return longestPromptTokens + (completionTokensMax ?? this.#brokenOff.completionTokens + 1);
  }

  /** True: everybody would do who can do what is needed and whose context is long enough. */
  #isOpen(): boolean {
    const { preferences, costMicrocentsMax } = this.#input.order;
    const hasBegun = this.#failed.size > 0 || this.#continuationBody !== null;
    return !hasBegun && costMicrocentsMax === null && this.#unaffordable === null && isOpen(preferences);
  }

  #narrow(offers: readonly Eligible[]): readonly Eligible[] | null {
    const { order, requester } = this.#input;
    const limits = {
      preferences: order.preferences,
      tenantId: requester.tenantId,
      needs: order.task.needs,
      neededTokens: this.#neededTokens(),
      isContinuation: this.#continuationBody !== null,
      brokenOff: this.#brokenOff.shares,
      failed: this.#failed,
      costMicrocentsMax: order.costMicrocentsMax,
      unaffordable: this.#unaffordable,
      nowMs: this.#dependencies.clock.nowMs(),
    };
    return narrowOffers(offers, limits, (offer) =>
      this.#costs.costOf(offer, this.#costs.firstTokensAt(offer.model, this.#firstTokens)),
    );
  }

  /**
   * Sees to it that the hold covers an answer of so many tokens: the first time in the request's first commit, later in one
   * more where that costs more than is held. Else what doesn't reach: the balance, or the limit of the API key.
   */
  async #hold(attempt: Attempt, completionTokensMax: number): Promise<Unaffordable['refused'] | null> {
    const { ledger } = this.#dependencies;
    const { holdLifeMs } = this.#options.times;
    const before = this.#transaction;
    const heldMicrocents = this.#costs.costOf(attempt, completionTokensMax);
    if (before !== null && heldMicrocents <= before.heldMicrocents) {
      this.#transaction = { ...before, completionTokensMax };
      return null;
    }
    const hold = { holdId: holdIdFor(this.#input.id, this.#holds++), heldMicrocents, completionTokensMax };
    const { nodeId } = this.#options;
    const begun = { ...this.#input, attempt, createdAtMs: this.#createdAtMs, nodeId };
    const after = before === null ? begunTransaction(begun, hold) : { ...before, ...hold };
    const unit =
      before === null
        ? beginUnit(after, this.#input.claim, holdLifeMs)
        : reholdUnit(before, hold, holdLifeMs);
    // Noted before the ledger hears of it: a commit that is not confirmed may have taken place.
    this.#transaction = after;
    this.#earlierHoldId = before?.holdId ?? null;
    const outcome = await ledger.commit(unit);
    this.#earlierHoldId = null;
    if (outcome.ok) return null;
    this.#transaction = before;
    const { reason } = outcome;
    if (isTooLittle(reason)) return reason;
    if (reason === 'amount_out_of_range') {
      throw new AppError('invalid', 'amount_out_of_range', 'The request could cost too much.');
    }
    throw new AppError('unavailable', 'unavailable', 'The request took longer than its hold.');
  }

  /** Sends the request to a provider; resolves with the end of the attempt, when no hold for it is on its way. */
  async #dispatch(attempt: Attempt): Promise<AttemptEnd> {
    this.#attempts++;
    this.#failed.add(attempt.provider.id);
    this.#input.order.asked?.(attempt.provider.id);
    this.#attempt = attempt;
    this.#credit.grantWith((bytes) => attempt.grant(bytes));
    if (this.#input.order.signal.aborted) this.#requesterLeft();
    const growing = this.#growingHoldOf(attempt);
    const end = await new Promise<AttemptEnd>((ended) => {
      attempt.send({
        delta: (delta) => {
          this.#stream.push(delta, this.#keeping.isUnderKey || this.#keeping.keepsWhole !== undefined);
          this.#tellBegun(attempt);
          growing?.add(delta.text);
        },
        ended,
      });
      if (!attempt.order.isContinuation) return;
      this.#credit.beginAgain(this.#stream.unreadBytes);
      // Its time may have run out while nobody answered.
      this.#stream.watchReader();
    });
    await growing?.end();
    // What is held is not known, so nobody is paid.
    return this.#earlierHoldId === null ? end : { kind: 'failed', code: 'unavailable' };
  }

  /** Null: all that the answer may cost is held. */
  #growingHoldOf(attempt: Attempt): GrowingHold | null {
    const { order } = this.#input;
    if (order.completionTokensMax !== null || order.task.api === 'embeddings') return null;
    const request = this;
    return new GrowingHold(
      {
        get heldTokens() {
          return request.#transaction?.completionTokensMax ?? 0;
        },
        holdFor: async (tokens) => {
          const { costMicrocentsMax } = order;
          const isAllowed =
            costMicrocentsMax === null || this.#costs.costOf(attempt, tokens) <= costMicrocentsMax;
          return isAllowed && (await this.#hold(attempt, tokens)) === null;
        },
        usedUp: () => attempt.cutShort(),
        lost: () => attempt.fail('unavailable'),
      },
      this.#costs.tokensMaxAt(attempt.model),
      this.#brokenOff.completionTokens,
    );
  }

  #end(transaction: BegunTransaction, last: LastAttempt) {
    const { times } = this.#options;
    return endRequest(transaction, last, this.#stream, this.#keeping, times, this.#dependencies);
  }

  /** Writes the end of the request and tells it to the reader. */
  async #writeEnd(attempt: Attempt, end: AttemptEnd): Promise<Attempt> {
    const transaction = this.#transaction;
    if (transaction === null) throw new InvariantError('a request was sent before it was held');
    const earlierHoldId = this.#earlierHoldId;
    const earlierShares = this.#brokenOff.shares;
    const last = { attempt, end, attempts: this.#attempts, earlierShares, isJudged: false, earlierHoldId };
    const event = await this.#end(transaction, last);
    // From here on the transaction has its end: nothing is given up any more.
    this.#transaction = null;
    this.#stream.end(event);
    if (event.kind === 'failed' && event.code !== 'outcome_unknown' && !this.#stream.hasText) {
      if (end.kind === 'rejected') throw requestRejected(end.error, this.#input.id);
      throw requestFailed(event.code, this.#input.id);
    }
    return attempt;
  }

  /** Ends a request that got no answer, or no more of it. What can't be written now is written by whoever ends abandoned transactions. */
  async #endWithoutAnswer(error: unknown): Promise<void> {
    const transaction = this.#transaction;
    this.#transaction = null;
    const code = error instanceof AppError ? failureOf(error) : 'unavailable';
    if (transaction !== null) {
      const end = { kind: 'failed', code } as const;
      const last = {
        attempt: this.#attempt,
        end,
        attempts: this.#attempts,
        earlierShares: this.#brokenOff.shares,
        isJudged: true,
        earlierHoldId: this.#earlierHoldId,
      };
      await this.#end(transaction, last);
    }
    this.#stream.end({ kind: 'failed', code });
    if (!this.#isRead) this.#stream.discard();
  }

  #answerOf(attempt: Attempt): ComputeAnswer {
    this.#isRead = true;
    return {
      transactionId: this.#input.id,
      model: this.#input.order.model,
      providerId: attempt.provider.id,
      createdAtMs: this.#createdAtMs,
      isReplay: false,
      events: this.#stream.events(),
      availableMicrocents: () => this.#dependencies.ledger.availableMicrocents,
    };
  }

  /** Under an idempotency key a request goes on without its requester, who asks again for the answer. */
  #requesterLeft(): void {
    if (this.#input.claim === null) this.#attempt?.fail('request_cancelled');
    else this.#stream.discard();
  }

  #readerStalled(): void {
    if (this.#input.claim === null) this.#attempt?.fail('reader_stalled');
    else this.#stream.discard();
  }

  /** Milliseconds until the whole request must be over. */
  #leftMs(): number {
    return this.#deadlineMs - this.#dependencies.clock.monotonicMs();
  }
}
