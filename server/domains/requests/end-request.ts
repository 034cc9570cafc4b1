import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { TenantId, TransferId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import type { UnitOfWork, UnitOutcome } from '../ledger/index.ts';
import { billableTextInTurn, type PricingService, type TokenCounter } from '../pricing/index.ts';
import type { Attempt, AttemptEnd, ProviderService } from '../providers/index.ts';
import type { BegunTransaction, EndedTransaction, TransactionShare } from '../transactions/index.ts';
import type { AnswerBudget } from './answer-budget.ts';
import type { AnswerStream } from './answer-stream.ts';
import type { BalanceAfter } from './balance-after.ts';
import { usageOf, type Verdict, verdictOf } from './billing.ts';
import { sealAnswer } from './kept-answer.ts';
import type { RequestTimes } from './limits.ts';
import type { RequestLedger } from './ports.ts';
import { type DeliveredText, hashOf, lastShare, servingProvider } from './shares.ts';
import type { ComputeEvent, ComputeOrder } from './types.ts';
import {
  holdGoneUnit,
  type KeptWithBill,
  notExchangedUnit,
  paidUnit,
  unpaidShare,
  unpaidUnit,
} from './units.ts';

/** What requests need from outside. */
export interface EndDependencies {
  readonly providers: Pick<ProviderService, 'takeSlot' | 'judge'>;
  readonly ledger: RequestLedger;
  readonly pricing: PricingService;
  readonly budget: AnswerBudget;
  /** Tokens of a text, by the model's tokenizer where it has one. */
  readonly tokens: Pick<TokenCounter, 'countText' | 'tokenizerOf' | 'countedBy'>;
  /** Seals answers that are kept. */
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Aborted when the server gives up what it could not write. */
  readonly stopped: AbortSignal;
}

/** The same for one request, whose ledger remembers what it held. */
export type RequestEndDependencies = EndDependencies & { readonly ledger: BalanceAfter };

/** The last attempt of a request; null: none was made. */
export interface LastAttempt {
  readonly attempt: Attempt | null;
  readonly end: AttemptEnd;
  readonly attempts: number;
  /** What others delivered before they broke off. */
  readonly earlierShares: readonly TransactionShare[];
  /** True where its provider was judged before. */
  readonly isJudged: boolean;
  /** A hold that the transaction's was to take the place of, where no commit confirmed it; null: there is none. */
  readonly earlierHoldId: TransferId | null;
}

/** What is to be kept of an answer. */
export interface Keeping {
  /** True: for whoever repeats its request under its idempotency key. */
  readonly isUnderKey: boolean;
  /** What its order says of it. */
  readonly keepsWhole: ComputeOrder['keepsWhole'] | undefined;
}

interface EndContext {
  readonly times: RequestTimes;
  readonly dependencies: RequestEndDependencies;
}

type FinalEvent = Exclude<ComputeEvent, { kind: 'delta' }>;

/** Ways to write the same end, the likeliest first. */
type EndUnits = readonly [UnitOfWork, ...UnitOfWork[]];

/**
 * Writes the end of a request in one commit and returns what its reader is told. Never rejects: where the database doesn't
 * take it, or doesn't say so, it is written again until the hold is over, and the reader learns that the outcome isn't known.
 */
export async function endRequest(
  transaction: BegunTransaction,
  last: LastAttempt,
  stream: AnswerStream,
  keeping: Keeping,
  times: RequestTimes,
  dependencies: RequestEndDependencies,
): Promise<FinalEvent> {
  const context = { times, dependencies };
  const { providers, tokens, logger } = dependencies;
  // Who left before anybody was asked to go on owes nobody an end of the answer.
  const wasServed = stream.hasText && last.attempt?.isSent !== false;
  let verdict = verdictOf(last.end, wasServed, last.attempt?.isInTime ?? false);
  let counted: CountedTexts = { tokens: 0, hash: null, paddedShare: 0 };
  try {
    if (verdict.kind !== 'unpaid') counted = await countTexts(stream.partTexts, transaction, tokens);
  } catch (error) {
    logger.error({ ...fieldsOf(transaction), error }, 'an answer could not be counted');
    verdict = { kind: 'unpaid', code: 'unavailable' };
  }
  const completionTokens = counted.tokens;
  if (last.attempt !== null && !last.isJudged)
    providers.judge(last.attempt, completionTokens, counted.paddedShare);
  if (verdict.kind === 'unpaid') return endUnpaid(transaction, last, verdict.code, context);
  return endPaid(transaction, last, stream, { verdict, text: counted, keeping }, context);
}

/** Whose texts are counted, and by which tokenizer. */
interface Counted {
  readonly requester: { readonly tenantId: TenantId };
  readonly tokenizer: string | null;
}

/** The texts of an answer, and the part of them that is not billed, from 0 to 1. */
interface CountedTexts extends DeliveredText {
  readonly paddedShare: number;
}

/** Billable tokens of texts, each counted by itself. Rejects as `TokenCounter` does. */
export async function countTexts(
  texts: readonly string[],
  { requester: { tenantId }, tokenizer }: Counted,
  tokens: Pick<TokenCounter, 'countText'>,
): Promise<CountedTexts> {
  const billable: string[] = [];
  for (const text of texts) billable.push(await billableTextInTurn(text));
  const counts = await Promise.all(billable.map((text) => tokens.countText(tenantId, text, tokenizer)));
  const length = lengthOf(texts);
  return {
    hash: length === 0 ? null : hashOf(texts.join('\n')),
    tokens: counts.reduce((sum, count) => sum + count, 0),
    paddedShare: length === 0 ? 0 : 1 - lengthOf(billable) / length,
  };
}

const lengthOf = (texts: readonly string[]): number => texts.reduce((sum, { length }) => sum + length, 0);

const NO_USAGE = { cachedPromptTokens: 0, reasoningTokens: 0 };

async function endUnpaid(
  transaction: BegunTransaction,
  last: LastAttempt,
  code: Extract<Verdict, { kind: 'unpaid' }>['code'],
  context: EndContext,
): Promise<FinalEvent> {
  const state = code === 'request_cancelled' ? 'CANCELLED' : 'FAILED';
  const shares = unpaidShares(transaction, last);
  const result = {
    state,
    finishReason: null,
    failureCode: code,
    shares,
    allowanceMicrocents: 0n,
  } as const;
  const ended = endedOf(transaction, last, result, NO_USAGE, context);
  const unit = unpaidUnit(transaction.holdId, ended);
  // Where the exchange of holds took place meanwhile, the earlier hold is resolved, and the first unit is right after all.
  const earlier = last.earlierHoldId === null ? [] : [notExchangedUnit(last.earlierHoldId, ended), unit];
  await commitEnd(transaction, [unit, ...earlier], ended, context);
  return { kind: 'failed', code };
}

async function endPaid(
  transaction: BegunTransaction,
  last: LastAttempt,
  stream: AnswerStream,
  answer: {
    readonly verdict: Exclude<Verdict, { kind: 'unpaid' }>;
    readonly text: DeliveredText;
    readonly keeping: Keeping;
  },
  context: EndContext,
): Promise<FinalEvent> {
  const { verdict } = answer;
  const { promptTokens } = transaction;
  const claim = verdict.kind === 'paid' ? verdict.claim : null;
  const earlierTokens = last.earlierShares.reduce((sum, earlier) => sum + earlier.completionTokens, 0);
  const counts = {
    text: answer.text,
    tokensMax: transaction.completionTokensMax - earlierTokens,
    claim,
  };
  const share = lastShare(transaction, last.attempt, counts, context.dependencies.pricing);
  const shares = [...last.earlierShares, share];
  const costMicrocents = shares.reduce((sum, one) => sum + one.costMicrocents, 0n);
  const usage = usageOf({ prompt: promptTokens, completion: earlierTokens + share.completionTokens }, claim);
  const finishReason = verdict.kind === 'paid' ? verdict.finishReason : null;
  const failureCode = verdict.kind === 'paid' ? null : verdict.code;
  const state = verdict.kind === 'paid' ? 'COMPLETED' : 'CANCELLED';
  const { heldAllowanceMicrocents: drawn } = context.dependencies.ledger;
  // The allowance pays first.
  const allowanceMicrocents = drawn < costMicrocents ? drawn : costMicrocents;
  const result = { state, finishReason, failureCode, shares, allowanceMicrocents } as const;
  const ended = endedOf(transaction, last, result, usage, context);
  const event: FinalEvent =
    verdict.kind === 'paid'
      ? { kind: 'end', finishReason: verdict.finishReason, ...usage, costMicrocents }
      : { kind: 'failed', code: verdict.code };
  const kept =
    event.kind === 'end'
      ? keptOf(transaction, share, stream.fields, event, answer.keeping, context)
      : NOT_KEPT;
  const outcome = await commitEnd(transaction, [paidUnit(transaction.holdId, ended, kept)], ended, context);
  if (outcome === 'unknown') return { kind: 'failed', code: 'outcome_unknown' };
  return outcome === 'hold_gone' ? { kind: 'failed', code: 'unavailable' } : event;
}

const NOT_KEPT: KeptWithBill = { underKey: null, stored: null };

/** What is kept of a whole answer. A fault of what makes it keeps nobody from being paid. */
function keptOf(
  { id, model, createdAtMs }: BegunTransaction,
  { provider: { providerId } }: TransactionShare,
  fields: JsonObject,
  end: Extract<FinalEvent, { kind: 'end' }>,
  { isUnderKey, keepsWhole }: Keeping,
  { dependencies: { secretBox, logger } }: EndContext,
): KeptWithBill {
  const whole = { model, createdAtMs, fields, end };
  const underKey = isUnderKey ? sealAnswer(secretBox, id, { ...whole, providerId }) : null;
  try {
    return { underKey, stored: keepsWhole?.({ ...whole, transactionId: id }) ?? null };
  } catch (error) {
    // What an AppError says is its provider's fault, of which its reader is told.
    if (!(error instanceof AppError))
      logger.error({ ...fieldsOf({ id }), error }, 'an answer was not kept with its bill');
    return { underKey, stored: null };
  }
}

/**
 * Commits the end, by the first of `units` that the ledger takes. `hold_gone`: nobody is paid, which is written instead.
 * `unknown`: it is tried again later.
 */
async function commitEnd(
  transaction: BegunTransaction,
  units: EndUnits,
  ended: EndedTransaction,
  context: EndContext,
): Promise<'written' | 'hold_gone' | 'unknown'> {
  const { ledger, logger } = context.dependencies;
  try {
    const outcome = await commitFirst(units, ledger);
    if (outcome.ok) return 'written';
    // A hold that was never taken has no transaction either.
    if (outcome.reason !== 'hold_not_found') {
      logger.error(
        { ...fieldsOf(transaction), code: outcome.reason },
        'a hold is gone before the end of its request',
      );
    }
    const shares = ended.shares.map(({ provider, prices }) => unpaidShare(provider, prices));
    const unpaid = {
      state: 'FAILED',
      finishReason: null,
      failureCode: 'hold_resolved',
      shares,
      allowanceMicrocents: 0n,
    } as const;
    await ledger.commit(holdGoneUnit({ ...ended, ...unpaid }));
    return 'hold_gone';
  } catch (error) {
    logger.error(
      { ...fieldsOf(transaction), error },
      'the end of a request could not be written; it is tried again',
    );
    void commitLater(transaction, units, context);
    return 'unknown';
  }
}

/** Commits the first of the units that the ledger takes; the outcome of the last where it takes none. */
async function commitFirst([first, ...others]: EndUnits, ledger: RequestLedger): Promise<UnitOutcome> {
  let outcome = await ledger.commit(first);
  for (const unit of others) {
    if (outcome.ok) break;
    outcome = await ledger.commit(unit);
  }
  return outcome;
}

/** Tries again until the database says what became of the end, or the hold is over, or the server stops. */
async function commitLater(
  transaction: BegunTransaction,
  units: EndUnits,
  { times, dependencies }: EndContext,
): Promise<void> {
  const { ledger, clock, logger, stopped } = dependencies;
  const untilMs = transaction.createdAtMs + times.holdLifeMs;
  while (!stopped.aborted && clock.nowMs() < untilMs) {
    await new Promise<void>((resolve) => clock.after(times.endRetryMs, resolve));
    if (stopped.aborted) return;
    try {
      await commitFirst(units, ledger);
      return;
    } catch (error) {
      logger.warn({ ...fieldsOf(transaction), error }, 'the end of a request could still not be written');
    }
  }
}

/** Nothing for anybody: everyone who delivered is shown a transaction that was not paid. */
function unpaidShares(transaction: BegunTransaction, { attempt, earlierShares }: LastAttempt) {
  const provider = attempt === null ? transaction.provider : servingProvider(attempt);
  const earlier = earlierShares.filter((share) => share.provider.providerId !== provider.providerId);
  return [
    ...earlier.map((share) => unpaidShare(share.provider, share.prices)),
    unpaidShare(provider, transaction.prices),
  ];
}

function endedOf(
  { id, requester, model, promptTokens, createdAtMs, keyId, orderHash, tokenizer: asked }: BegunTransaction,
  { attempts }: LastAttempt,
  result: Pick<EndedTransaction, 'state' | 'finishReason' | 'failureCode' | 'shares' | 'allowanceMicrocents'>,
  { cachedPromptTokens, reasoningTokens }: Pick<EndedTransaction, 'cachedPromptTokens' | 'reasoningTokens'>,
  { dependencies: { clock, tokens } }: EndContext,
): EndedTransaction {
  const mayHaveKey = keyId !== null;
  const tokenizer = tokens.countedBy(asked);
  const order = { id, requester, model, promptTokens, createdAtMs, orderHash, mayHaveKey, tokenizer };
  return { ...order, attempts, finishedAtMs: clock.nowMs(), cachedPromptTokens, reasoningTokens, ...result };
}

function fieldsOf({ id }: Pick<BegunTransaction, 'id'>) {
  return { operation: 'marketplace.requests.end', transactionId: id };
}
