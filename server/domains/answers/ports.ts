import type { AccountActor } from '../../kernel/actor.ts';
import type { TransactionId } from '../../kernel/ids.ts';
import type { AnswerKind } from './types.ts';

/** An answer in its table. */
export interface SealedAnswer {
  readonly kind: AnswerKind;
  readonly id: string;
  readonly hasEnded: boolean;
  readonly content: Uint8Array;
}

/** What may be kept. */
export interface AnswerBounds {
  readonly accountMax: number;
  readonly accountBytesMax: number;
  readonly tenantMax: number;
  readonly tenantBytesMax: number;
}

/** The same with what was billed for it; null: nothing, or not known. */
export interface FoundAnswer extends Omit<SealedAnswer, 'kind'> {
  readonly transactionId: TransactionId | null;
}

/**
 * Where answers are kept. Times are milliseconds since 1970. An owner is an account, which has all of its answers, or one of its API
 * keys, which has those that it asked for.
 */
export interface AnswerStore {
  /** Keeps it unless it is kept already; of what is beyond the bounds the oldest go, those at work last. */
  add(
    owner: AccountActor,
    answer: SealedAnswer,
    times: { readonly createdAtMs: number; readonly expiresAtMs: number },
    bounds: AnswerBounds,
  ): Promise<void>;
  /** False: it is not kept, or has ended already, unless `replaces`. */
  end(owner: AccountActor, answer: Omit<SealedAnswer, 'hasEnded'>, replaces: boolean): Promise<boolean>;
  /** Those of the owner that are there and not over. */
  find(
    owner: AccountActor,
    kind: AnswerKind,
    ids: readonly string[],
    nowMs: number,
  ): Promise<readonly FoundAnswer[]>;
  /** False: there was none. */
  remove(owner: AccountActor, kind: AnswerKind, id: string): Promise<boolean>;
  removeExpired(nowMs: number): Promise<void>;
}
