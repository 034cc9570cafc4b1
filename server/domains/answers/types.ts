import type { AccountId, TenantId, TransactionId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';

/** Which of a transport's answers it is; ids of several kinds don't meet. */
export type AnswerKind = 'response' | 'request';

/** An answer to keep. */
export interface AnswerToKeep {
  readonly kind: AnswerKind;
  /** A UUID. */
  readonly id: string;
  /** False: it is at work, and `end` writes how it ended. */
  readonly hasEnded: boolean;
  readonly content: JsonObject;
}

/** How an answer ended that is billed, sealed: to be written by `endedAnswers`, in the commit of its bill. */
export interface BilledAnswer {
  readonly kind: AnswerKind;
  readonly id: string;
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
  readonly transactionId: TransactionId;
  readonly content: Uint8Array;
}

/** An answer as it was kept. */
export interface StoredAnswer {
  readonly id: string;
  readonly hasEnded: boolean;
  /** The transaction that it was billed by; null: none, or not known. */
  readonly transactionId: TransactionId | null;
  readonly content: JsonObject;
}
