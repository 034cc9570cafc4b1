import { AppError, invalidInput } from '../../kernel/errors.ts';
import type { Cents } from '../../kernel/money.ts';
import { COMPLETION_TOKENS_DEFAULT, COMPLETION_TOKENS_MAX, RETRY_AFTER_SECONDS } from './limits.ts';
import type { Eligible } from './selection.ts';
import type { ComputeOrder, FailureCode, ProviderId } from './types.ts';

/** A provider that could take the request, and the most it could cost there. */
export interface PricedCandidate extends Eligible {
  readonly estimateCents: Cents;
}

/** What narrows the choice of a request beside its model. */
export interface ChoiceLimits {
  readonly tried: ReadonlySet<ProviderId>;
  /** The balance didn't reach for this much; null: it was not asked yet, or it did. */
  readonly unaffordableCents: Cents | null;
}

/**
 * How long the answer may become: what the requester wants, or a default that the largest context still takes. Refuses
 * with `invalid_input` and `context_length_exceeded`.
 */
export function completionTokensOf(order: ComputeOrder, offering: readonly Eligible[]): number {
  const { completionTokensMax: wanted, promptTokens } = order;
  if (wanted !== null && (!Number.isInteger(wanted) || wanted < 1 || wanted > COMPLETION_TOKENS_MAX)) {
    throw invalidInput(`max_tokens must be 1 to ${COMPLETION_TOKENS_MAX}.`);
  }
  const contextTokensMax = Math.max(...offering.map(({ model }) => model.contextTokens));
  const room = contextTokensMax - promptTokens;
  if (room < (wanted ?? 1)) {
    throw new AppError(
      'invalid',
      'context_length_exceeded',
      `The model takes ${contextTokensMax} tokens; the request needs ${promptTokens + (wanted ?? 1)}.`,
      { details: { contextTokensMax, promptTokens } },
    );
  }
  return wanted ?? Math.min(COMPLETION_TOKENS_DEFAULT, room);
}

/**
 * Those of `offering` that the request may go to. Refuses with `maximum_cost_exceeded` when all cost more than the requester
 * allows, and with `insufficient_balance` when all cost more than the balance; null when all were tried.
 */
export function narrowCandidates(
  offering: readonly Eligible[],
  neededTokens: number,
  limits: ChoiceLimits & { readonly costCentsMax: Cents | null },
  estimate: (priceCentsPer1000Tokens: Cents) => Cents,
): readonly PricedCandidate[] | null {
  const untried = offering
    .filter(({ provider, model }) => !limits.tried.has(provider.id) && model.contextTokens >= neededTokens)
    .map((candidate) => ({ ...candidate, estimateCents: estimate(candidate.model.priceCentsPer1000Tokens) }));
  if (untried.length === 0) return null;
  const { costCentsMax, unaffordableCents } = limits;
  const allowed = untried.filter(
    ({ estimateCents }) => costCentsMax === null || estimateCents <= costCentsMax,
  );
  if (allowed.length === 0) {
    throw new AppError(
      'payment_required',
      'maximum_cost_exceeded',
      'Every provider could cost more than allowed.',
      {
        details: { costCentsMax: Number(costCentsMax) },
      },
    );
  }
  const affordable = allowed.filter(
    ({ estimateCents }) => unaffordableCents === null || estimateCents < unaffordableCents,
  );
  if (affordable.length === 0) {
    throw new AppError('payment_required', 'insufficient_balance', 'The available balance is too low.');
  }
  return affordable;
}

/** The server takes no requests any more. */
export function serverStopping(): AppError {
  return new AppError('unavailable', 'unavailable', 'The server is stopping.');
}

/** Nobody can serve the request now: all are put aside, or busy for too long. */
export function noProviderAvailable(): AppError {
  return new AppError('unavailable', 'no_provider_available', 'No provider can serve this model right now.', {
    details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
  });
}

/** The request was given to providers and failed at each. */
export function requestFailed(code: FailureCode, transactionId: string): AppError {
  const messages: Record<FailureCode, string> = {
    provider_failed: 'The provider could not answer.',
    provider_stalled: 'The provider stopped answering.',
    provider_vanished: 'The provider went away.',
    provider_answer_malformed: 'The provider answered with nonsense.',
    request_cancelled: 'The request was cancelled.',
    request_timed_out: 'The request took longer than a request may.',
    unavailable: 'The server can not serve this right now.',
  };
  return new AppError('unavailable', code, messages[code], {
    details: { transactionId, retryAfterSeconds: RETRY_AFTER_SECONDS },
  });
}
