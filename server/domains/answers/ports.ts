import type { AccountActor } from '../../kernel/actor.ts';
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

/** Where answers are kept. Times are milliseconds since 1970. */
export interface AnswerStore {
  /** Keeps it unless it is kept already; of what is beyond the bounds the oldest go, those at work last. */
  add(
    owner: AccountActor,
    answer: SealedAnswer,
    times: { readonly createdAtMs: number; readonly expiresAtMs: number },
    bounds: AnswerBounds,
  ): Promise<void>;
  /** False: it is not kept, or has ended already. */
  end(owner: AccountActor, answer: Omit<SealedAnswer, 'hasEnded'>): Promise<boolean>;
  /** Those of the account that are there and not over. */
  find(
    owner: AccountActor,
    kind: AnswerKind,
    ids: readonly string[],
    nowMs: number,
  ): Promise<readonly Omit<SealedAnswer, 'kind'>[]>;
  /** False: there was none. */
  remove(owner: AccountActor, kind: AnswerKind, id: string): Promise<boolean>;
  removeExpired(nowMs: number): Promise<void>;
}
