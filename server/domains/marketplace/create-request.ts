import type { AccountActor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import type { TransactionId, TransferId } from '../../kernel/ids.ts';
import { type Cents, centsToMicrocents } from '../../kernel/money.ts';
import { type LedgerService, transferIdFor } from '../ledger/index.ts';
import type { PricingService } from '../pricing/index.ts';
import type { QualityService } from '../quality/index.ts';
import { Attempt, type AttemptEvent } from './attempt.ts';
import {
  completionTokensOf,
  narrowCandidates,
  noProviderAvailable,
  type PricedCandidate,
  requestFailed,
  serverStopping,
} from './candidates.ts';
import { type DeliveryDependencies, deliverAnswer } from './deliver-answer.ts';
import { EventQueue } from './event-queue.ts';
import { expectedTokens, judgeAttempt } from './judge-attempt.ts';
import { ATTEMPTS_MAX, type MarketplaceTimes, REQUEST_BODY_BYTES_MAX } from './limits.ts';
import { newTransaction } from './open-transaction.ts';
import type { MarketplaceStore, ScoringCore } from './ports.ts';
import type { ProviderRegistry } from './registry.ts';
import { selectProvider } from './selection.ts';
import type {
  ComputeAnswer,
  ComputeEvent,
  ComputeOrder,
  FailureCode,
  OpenTransaction,
  ProviderId,
} from './types.ts';
import type { Place } from './waiting-room.ts';

/** What carrying out a request needs. */
export interface RequestDependencies extends DeliveryDependencies {
  readonly registry: ProviderRegistry;
  readonly ledger: Pick<LedgerService, 'hold' | 'void'>;
  readonly pricing: PricingService;
  readonly quality: QualityService;
  readonly store: MarketplaceStore;
  readonly core: ScoringCore;
}

/** Settings of requests. */
export interface RequestOptions {
  readonly nodeId: string;
  readonly times: MarketplaceTimes;
}

/** A provider whose slot is taken. */
interface Choice {
  readonly candidate: PricedCandidate;
  readonly attempt: Attempt;
}

/** One request on its way: from the choice of a provider to the settlement. */
export class ComputeRun {
  readonly #options: RequestOptions;
  readonly #dependencies: RequestDependencies;
  readonly #actor: AccountActor;
  readonly #order: ComputeOrder;
  readonly #id: TransactionId;
  readonly #tried = new Set<ProviderId>();
  readonly #createdAtMs: number;
  readonly #deadlineMs: number;
  #completionTokensMax = 0;
  #unaffordableCents: bigint | null = null;
  #transaction: OpenTransaction | null = null;
  /** Holds that may be open, noted before the ledger hears of them: one whose commit wasn't heard of is open too. */
  readonly #holdIds: TransferId[] = [];

  constructor(
    id: TransactionId,
    actor: AccountActor,
    order: ComputeOrder,
    options: RequestOptions,
    dependencies: RequestDependencies,
  ) {
    const { clock } = dependencies;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#actor = actor;
    this.#order = order;
    this.#id = id;
    this.#createdAtMs = clock.nowMs();
    this.#deadlineMs = clock.monotonicMs() + options.times.requestTimeoutMs;
  }

  /**
   * Resolves with the first piece of text; `track` gets the rest of the work, which goes on whether the events are read or
   * not. Rejects when no provider gave any; then nothing is held or billed.
   */
  async begin(track: (work: Promise<void>) => void): Promise<ComputeAnswer> {
    const { body, model, signal } = this.#order;
    if (body.length > REQUEST_BODY_BYTES_MAX) {
      throw new AppError('too_large', 'too_large', `The body may have ${REQUEST_BODY_BYTES_MAX} bytes.`);
    }
    const offering = this.#dependencies.registry.offering(model);
    if (offering.length === 0) {
      throw new AppError('not_found', 'model_not_found', 'No provider offers this model.');
    }
    this.#completionTokensMax = completionTokensOf(this.#order, offering);
    let code: FailureCode = 'provider_failed';
    try {
      while (this.#tried.size < ATTEMPTS_MAX) {
        if (this.#leftMs() <= 0) {
          code = 'request_timed_out';
          break;
        }
        const attempt = await this.#nextAttempt();
        if (attempt === null) break;
        const first = await this.#firstEvent(attempt);
        if (first.kind === 'text') return this.#answer(attempt, first.text, track);
        code = first.code;
        if (code === 'request_cancelled' || code === 'unavailable' || signal.aborted) break;
      }
    } catch (error) {
      await this.#giveUp('unavailable');
      throw error;
    }
    await this.#giveUp(code);
    if (this.#tried.size === 0 && code !== 'request_timed_out') throw noProviderAvailable();
    throw requestFailed(code, this.#id);
  }

  /** Milliseconds until the whole request must be over. */
  #leftMs(): number {
    return this.#deadlineMs - this.#dependencies.clock.monotonicMs();
  }

  /** A slot at a provider, paid for by a hold and kept in the transaction. Null: every provider was tried. */
  async #nextAttempt(): Promise<Attempt | null> {
    for (;;) {
      const choice = await this.#chooseAgain();
      if (choice === null) return null;
      const { attempt } = choice;
      try {
        if (await this.#cover(choice.candidate)) {
          await this.#keep(choice.candidate);
          return attempt;
        }
        this.#unaffordableCents = choice.candidate.estimateCents;
      } catch (error) {
        attempt.fail('unavailable');
        throw error;
      }
      attempt.fail('unavailable');
    }
  }

  /** After a failed attempt that one's failure is the answer, not that nobody else would do. */
  async #chooseAgain(): Promise<Choice | null> {
    try {
      return await this.#choose();
    } catch (error) {
      if (this.#tried.size > 0 && error instanceof AppError) return null;
      throw error;
    }
  }

  async #choose(): Promise<Choice | null> {
    const { registry, clock } = this.#dependencies;
    const { model, signal } = this.#order;
    const { waitingRoom } = registry;
    const waitUntilMs = clock.monotonicMs() + Math.min(this.#options.times.slotWaitMs, this.#leftMs());
    let place: Place | null = null;
    try {
      for (;;) {
        const choice = this.#chooseNow();
        if (choice !== 'all_busy') return choice;
        const waitMs = waitUntilMs - clock.monotonicMs();
        if (waitMs <= 0 || signal.aborted) throw noProviderAvailable();
        place ??= waitingRoom.enter(model, this.#actor.accountId);
        if (place === null) throw noProviderAvailable();
        await waitingRoom.wait(place, waitMs, signal);
      }
    } finally {
      if (place !== null) waitingRoom.leave(place);
    }
  }

  #chooseNow(): Choice | 'all_busy' | null {
    const { registry, core, random, quality, clock, pricing } = this.#dependencies;
    const { promptTokens, model, costCentsMax } = this.#order;
    if (registry.isClosed) throw serverStopping();
    const neededTokens = promptTokens + this.#completionTokensMax;
    const limits = { tried: this.#tried, unaffordableCents: this.#unaffordableCents, costCentsMax };
    const candidates = narrowCandidates(registry.offering(model), neededTokens, limits, (price) => {
      return pricing.price(neededTokens, price).costCents;
    });
    if (candidates === null) return null;
    const qualityOf = (id: ProviderId) => quality.assessmentOf(id);
    const selection = selectProvider(candidates, clock.monotonicMs(), { core, random, qualityOf });
    if (!selection.ok) {
      if (selection.reason === 'all_busy') return 'all_busy';
      throw noProviderAvailable();
    }
    const { chosen, isProbe } = selection;
    const candidate = candidates.find(({ provider }) => provider === chosen.provider) as PricedCandidate;
    // At once: whoever chooses next must see that the slot is taken.
    return { candidate, attempt: this.#reserve(candidate, isProbe) };
  }

  #reserve({ provider }: PricedCandidate, isProbe: boolean): Attempt {
    const { registry, clock } = this.#dependencies;
    const { model, body, promptTokens } = this.#order;
    const [requestId, completionTokensMax, deadlineMs] = [
      this.#id,
      this.#completionTokensMax,
      this.#deadlineMs,
    ];
    const order = { requestId, model, body, promptTokens, completionTokensMax, deadlineMs };
    const attempt = new Attempt(provider, order, isProbe, {
      clock,
      times: this.#options.times,
      onEnd: (ended) => registry.untrack(ended, ended.ended ?? 'failed'),
    });
    registry.track(attempt);
    return attempt;
  }

  /** Sees to it that the hold covers the most this provider could cost. False: the balance doesn't reach. */
  async #cover({ estimateCents }: PricedCandidate): Promise<boolean> {
    const { ledger } = this.#dependencies;
    const before = this.#transaction;
    if (estimateCents <= (before?.heldCents ?? 0n)) return true;
    if (await this.#hold(estimateCents)) return true;
    if (!before?.holdId) return false;
    // The balance may reach for the larger hold alone, though not for both at once.
    await ledger.void(before.holdId);
    this.#transaction = { ...before, holdId: null, heldCents: 0n };
    return this.#hold(estimateCents);
  }

  /** Takes a hold in place of the one before. False: the balance doesn't reach. */
  async #hold(amountCents: Cents): Promise<boolean> {
    const { ledger, store } = this.#dependencies;
    const before = this.#transaction;
    const holdId = transferIdFor('hold', this.#id, String(this.#tried.size));
    this.#holdIds.push(holdId);
    const held = await ledger.hold(this.#actor, {
      holdId,
      amountMicrocents: centsToMicrocents(amountCents),
      expiresAfterMs: this.#options.times.holdLifeMs,
      transactionId: this.#id,
    });
    if (!held.ok) {
      this.#holdIds.pop();
      if (held.reason === 'insufficient_balance') return false;
      throw new AppError('invalid', 'amount_out_of_range', 'The request could cost too much.');
    }
    this.#transaction = { ...(before ?? this.#newTransaction()), holdId, heldCents: amountCents };
    if (before === null) return true;
    // Written first: were the old hold gone before the new one is known, a crash would leave the new one open.
    await store.assignTransaction(this.#transaction);
    if (before.holdId !== null) await ledger.void(before.holdId);
    return true;
  }

  async #keep({ provider, model }: PricedCandidate): Promise<void> {
    const { store } = this.#dependencies;
    const isNew = this.#tried.size === 0;
    this.#tried.add(provider.id);
    this.#transaction = {
      ...(this.#transaction ?? this.#newTransaction()),
      providerId: provider.id,
      providerOwner: provider.owner,
      priceCentsPer1000Tokens: model.priceCentsPer1000Tokens,
      attempts: this.#tried.size,
    };
    if (isNew) await store.insertTransaction(this.#transaction, this.#options.nodeId);
  }

  #newTransaction(): OpenTransaction {
    const { tenantId, accountId } = this.#actor;
    const requester = { tenantId, accountId };
    return newTransaction(this.#id, requester, this.#order, this.#completionTokensMax, this.#createdAtMs);
  }

  /** Sends the request and waits for what comes first. A failure has then been held against the provider. */
  async #firstEvent(attempt: Attempt): Promise<Exclude<AttemptEvent, { kind: 'result' }>> {
    const { store, clock } = this.#dependencies;
    const { signal } = this.#order;
    const cancel = () => attempt.fail('request_cancelled');
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
    attempt.provider.standing.addDebt(expectedTokens(attempt), clock.monotonicMs());
    attempt.start();
    try {
      // Where the money is must be known before any of it can be owed.
      const [event] = await Promise.all([
        attempt.next(),
        store.assignTransaction(this.#transaction as OpenTransaction),
      ]);
      if (event?.kind === 'text') return event;
      const code = event?.kind === 'failed' ? event.code : 'provider_failed';
      judgeAttempt(attempt, code, 0, this.#dependencies);
      return { kind: 'failed', code };
    } catch (error) {
      attempt.fail('unavailable');
      judgeAttempt(attempt, 'unavailable', 0, this.#dependencies);
      throw error;
    } finally {
      if (attempt.ended !== null) signal.removeEventListener('abort', cancel);
    }
  }

  #answer(attempt: Attempt, text: string, track: (work: Promise<void>) => void): ComputeAnswer {
    const events = new EventQueue<ComputeEvent>();
    events.push({ kind: 'text', text });
    const transaction = this.#transaction as OpenTransaction;
    track(deliverAnswer(attempt, transaction, text, events, this.#dependencies));
    const { id: providerId } = attempt.provider;
    return {
      transactionId: this.#id,
      providerId,
      createdAtMs: this.#createdAtMs,
      isReplay: false,
      events,
    };
  }

  /** Ends a request that got no text. What can't be written now is left to recovery and to the hold's expiry. */
  async #giveUp(code: FailureCode): Promise<void> {
    if (this.#transaction === null && this.#holdIds.length === 0) return;
    try {
      await this.#dependencies.settlements.release(this.#id, this.#holdIds, code);
    } catch (cause) {
      const fields = {
        operation: 'marketplace.requests.create',
        code: 'unavailable',
        transactionId: this.#id,
        cause,
      };
      this.#dependencies.logger.error(fields, 'a failed request could not be ended; recovery will');
    }
  }
}
