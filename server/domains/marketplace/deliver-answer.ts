import type { Attempt, AttemptEvent } from './attempt.ts';
import type { EventQueue } from './event-queue.ts';
import { type JudgeDependencies, judgeAttempt } from './judge-attempt.ts';
import { holdIdsOf, type Settlements } from './settlement.ts';
import type { ComputeEvent, OpenTransaction } from './types.ts';

/** What delivering an answer needs. */
export interface DeliveryDependencies extends JudgeDependencies {
  readonly settlements: Settlements;
  /** Exact tokens of a text. */
  readonly countTokens: (text: string) => Promise<number>;
}

/** Hands on the rest of an answer that began with `firstText`, settles it, and ends `events`. Never rejects. */
export async function deliverAnswer(
  attempt: Attempt,
  transaction: OpenTransaction,
  firstText: string,
  events: EventQueue<ComputeEvent>,
  dependencies: DeliveryDependencies,
): Promise<void> {
  const pieces = [firstText];
  try {
    for (let event = await attempt.next(); event !== null; event = await attempt.next()) {
      if (event.kind === 'text') {
        pieces.push(event.text);
        events.push(event);
      } else {
        events.push(await conclude(attempt, transaction, event, pieces.join(''), dependencies));
      }
    }
  } catch (cause) {
    // Nothing was decided: whatever fails from the decision on is the settlement's outcome.
    const fields = {
      operation: 'marketplace.requests.create',
      code: 'unavailable',
      transactionId: transaction.id,
    };
    dependencies.logger.error({ ...fields, cause }, 'an answer could not be settled');
    await dependencies.settlements
      .release(transaction.id, holdIdsOf(transaction), 'unavailable')
      .catch((reason: unknown) => {
        dependencies.logger.error(
          { ...fields, cause: reason },
          'a failed request could not be ended; recovery will',
        );
      });
    events.push({ kind: 'failed', code: 'unavailable' });
  } finally {
    events.end();
  }
}

/**
 * Settles. An answer that failed on the way costs nothing; one that was cancelled costs what was delivered; so does one that
 * took all its time, which ends there as one that has reached its length.
 */
async function conclude(
  attempt: Attempt,
  transaction: OpenTransaction,
  event: Exclude<AttemptEvent, { kind: 'text' }>,
  text: string,
  dependencies: DeliveryDependencies,
): Promise<ComputeEvent> {
  const { settlements, countTokens } = dependencies;
  const code = event.kind === 'failed' ? event.code : null;
  if (code !== null && code !== 'request_cancelled' && code !== 'request_timed_out') {
    judgeAttempt(attempt, code, 0, dependencies);
    await settlements.release(transaction.id, holdIdsOf(transaction), code);
    return { kind: 'failed', code };
  }
  const completionTokens = await countTokens(text);
  judgeAttempt(attempt, code, completionTokens, dependencies);
  const claim =
    event.kind === 'result'
      ? { promptTokens: event.claimedPromptTokens, completionTokens: event.claimedCompletionTokens }
      : null;
  const delivered = { text, completionTokens, claim };
  if (code === 'request_cancelled') {
    await settlements.settle(transaction, delivered, null);
    return { kind: 'failed', code };
  }
  const finishReason = event.kind === 'result' ? event.finishReason : 'length';
  const outcome = await settlements.settle(transaction, delivered, finishReason);
  if (outcome.kind === 'unknown') return { kind: 'failed', code: 'outcome_unknown' };
  if (outcome.kind === 'unpaid') return { kind: 'failed', code: 'unavailable' };
  const { settlement } = outcome;
  return {
    kind: 'end',
    finishReason,
    promptTokens: transaction.promptTokens,
    completionTokens: settlement.completionTokens,
    costCents: settlement.costCents,
  };
}
