import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { QualityService } from '../quality/index.ts';
import type { Attempt, AttemptOrder } from './attempt.ts';
import { afterFailure, afterSuccess, isToldAlready } from './health.ts';
import { EXPECTED_COMPLETION_TOKENS } from './limits.ts';
import type { FailureCode } from './types.ts';

/** What judging needs. */
export interface JudgeDependencies {
  readonly quality: Pick<QualityService, 'record'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Failures that the requester or this server caused, and having no room: held against no provider. */
const NOBODYS_FAULT: ReadonlySet<FailureCode> = new Set([
  'provider_busy',
  'reader_stalled',
  'request_cancelled',
  'request_timed_out',
  'unavailable',
]);

/** Tokens that a request counts as at its provider until the true number is known. */
export function expectedTokensOf({
  promptTokens,
  completionTokensMax,
}: Pick<AttemptOrder, 'promptTokens' | 'completionTokensMax'>): number {
  return (
    promptTokens + Math.min(completionTokensMax ?? EXPECTED_COMPLETION_TOKENS, EXPECTED_COMPLETION_TOKENS)
  );
}

/** Tokens that a provider worked on. Vectors have no text: their prompt is the work. */
export function takenTokensOf({ order, end }: Attempt, completionTokens: number): number {
  const isDone = completionTokens > 0 || (order.task.api === 'embeddings' && end?.kind === 'answered');
  return isDone ? order.promptTokens + completionTokens : 0;
}

/**
 * Holds against a provider, or in its favour, how its attempt ended; `completionTokens` is the server's count of what it
 * delivered. An answer without text says nothing either way: a stop word that comes first is the requester's doing.
 */
export function judgeAttempt(
  attempt: Attempt,
  { completionTokens, paddedShare }: { readonly completionTokens: number; readonly paddedShare: number },
  dependencies: JudgeDependencies,
): void {
  const { provider, order, end, isProbe } = attempt;
  const { clock } = dependencies;
  const { standing } = provider;
  // What owners do with their own devices says nothing to others.
  if (attempt.isOwn) return;
  const nowMs = clock.monotonicMs();
  const takenTokens = takenTokensOf(attempt, completionTokens);
  standing.addDebt(takenTokens - expectedTokensOf(order), nowMs);
  if (end?.kind === 'failed') {
    if (end.code === 'provider_busy') standing.slotLimit.observeBusy(attempt.place - 1, nowMs);
    if (!NOBODYS_FAULT.has(end.code)) blame(attempt, end.code, dependencies);
    standing.touch();
    return;
  }
  const { firstTokenMs } = attempt;
  if (end?.kind !== 'answered' || firstTokenMs === null) return;
  standing.paceOf(attempt.modelName).observeEnd(order.promptTokens, firstTokenMs);
  observeAnswer(attempt, completionTokens, paddedShare, dependencies);
  standing.health = afterSuccess(standing.health, isProbe, order.accountId);
  const tokenMs = Math.max(0, nowMs - attempt.startedMs - firstTokenMs) / Math.max(1, completionTokens);
  dependencies.quality.record(provider.id, provider.tenantId, { kind: 'completed', firstTokenMs, tokenMs });
  standing.touch();
  if (end.claim !== null)
    compareClaim(attempt, end.claim.promptTokens + end.claim.completionTokens, takenTokens, dependencies);
}

function blame(attempt: Attempt, code: FailureCode, dependencies: JudgeDependencies): void {
  const { provider, order, isProbe, isFaultItsOwn } = attempt;
  const { quality, clock, random, logger } = dependencies;
  const { standing, id, tenantId } = provider;
  const failure = { wasProbe: isProbe, accountId: order.accountId, isItsOwn: isFaultItsOwn };
  const isNews = !isToldAlready(standing.health, failure);
  standing.health = afterFailure(standing.health, failure, clock.monotonicMs(), random.fraction());
  if (isNews)
    quality.record(id, tenantId, {
      kind: code === 'provider_answer_malformed' ? 'malformed' : 'unavailable',
    });
  const fields = {
    operation: 'marketplace.requests.create',
    code,
    providerId: id,
    transactionId: order.requestId,
  };
  logger.warn(fields, 'a provider failed a request');
}

function observeAnswer(
  { provider, modelName: model }: Attempt,
  completionTokens: number,
  paddedShare: number,
  { logger }: JudgeDependencies,
): void {
  const answers = provider.standing.answersOf(model);
  answers.observeAnswer(completionTokens, paddedShare);
  if (!answers.isPaddingOutlier) return;
  const fields = { operation: 'marketplace.requests.create', providerId: provider.id, model };
  logger.warn({ ...fields, paddedShare: answers.paddedShare }, 'pads its answers');
}

function compareClaim(
  { provider, modelName }: Attempt,
  claimedTokens: number,
  countedTokens: number,
  { logger }: JudgeDependencies,
): void {
  const ratio = provider.standing.answersOf(modelName).observeClaim(claimedTokens, countedTokens);
  if (ratio === null) return;
  logger.warn(
    { operation: 'marketplace.requests.create', providerId: provider.id, model: modelName, ratio },
    'claims too many tokens',
  );
}
