import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { QualityService } from '../quality/index.ts';
import type { Attempt } from './attempt.ts';
import { EXPECTED_COMPLETION_TOKENS } from './limits.ts';
import { afterFailure, afterSuccess } from './provider-health.ts';
import type { FailureCode } from './types.ts';

/** What judging needs. */
export interface JudgeDependencies {
  readonly quality: Pick<QualityService, 'record'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Tokens that a request counts as at its provider until the true number is known. */
export function expectedTokens({ order }: Attempt): number {
  return order.promptTokens + Math.min(order.completionTokensMax, EXPECTED_COMPLETION_TOKENS);
}

/**
 * Holds against a provider, or in its favour, how its attempt ended. `code` null: well. What the requester or this server
 * caused is held against nobody.
 */
export function judgeAttempt(
  attempt: Attempt,
  code: FailureCode | null,
  completionTokens: number,
  { quality, clock, random, logger }: JudgeDependencies,
): void {
  const { provider, isProbe, order } = attempt;
  const { standing, id, owner } = provider;
  const nowMs = clock.monotonicMs();
  const takenTokens = completionTokens === 0 ? 0 : order.promptTokens + completionTokens;
  standing.addDebt(takenTokens - expectedTokens(attempt), nowMs);
  if (code === 'request_cancelled' || code === 'request_timed_out' || code === 'unavailable') return;
  if (code === null) {
    standing.pace.observeEnd();
    standing.health = afterSuccess(standing.health, isProbe);
    const firstTokenMs = attempt.firstTokenMs ?? 0;
    const tokenMs = Math.max(0, nowMs - attempt.startedMs - firstTokenMs) / Math.max(1, completionTokens);
    quality.record(id, owner.tenantId, { kind: 'completed', firstTokenMs, tokenMs });
    return;
  }
  standing.health = afterFailure(standing.health, isProbe, nowMs, random.fraction());
  const kind = code === 'provider_answer_malformed' ? 'malformed' : 'unavailable';
  quality.record(id, owner.tenantId, { kind });
  logger.warn(
    { operation: 'marketplace.requests.create', code, providerId: id, transactionId: order.requestId },
    'a provider failed a request',
  );
}
