import type { TransactionId } from '../../kernel/ids.ts';
import { type AttemptOrder, CREDIT_BYTES } from '../providers/index.ts';
import type { RequestTimes } from './limits.ts';
import type { ComputeOrder, KeyedRequester } from './types.ts';

/** Where an answer stands that another provider is to give, or to go on with. */
export interface Progress {
  /** The request from the partial answer on; null: nothing of it is there yet. */
  readonly body: Uint8Array | null;
  /** Tokens of the answer that others have delivered. */
  readonly deliveredTokens: number;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
}

/** What the next provider is asked: all of the answer, or the rest of it. */
export function attemptOrderOf(
  asked: { readonly id: TransactionId; readonly requester: KeyedRequester; readonly order: ComputeOrder },
  times: RequestTimes,
  { body, deliveredTokens, deadlineMs }: Progress,
): AttemptOrder {
  const { id, order, requester } = asked;
  const { completionTokensMax } = order;
  return {
    requestId: id,
    accountId: requester.accountId,
    tenantId: requester.tenantId,
    memberId: requester.keyId ?? requester.accountId,
    model: order.model,
    task: order.task,
    body: body ?? order.body,
    isContinuation: body !== null,
    promptTokens: order.promptTokens + deliveredTokens,
    completionTokensMax: completionTokensMax === null ? null : completionTokensMax - deliveredTokens,
    firstTokenTimeoutMs: times.firstTokenTimeoutMs,
    stallTimeoutMs: times.stallTimeoutMs,
    // Who goes on gets its credit when it is asked: what is unread then counts against it.
    creditBytes: body === null ? CREDIT_BYTES : 0,
    deadlineMs,
  };
}
