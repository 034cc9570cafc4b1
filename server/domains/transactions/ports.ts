import type { AccountActor } from '../../kernel/actor.ts';
import type { CredentialId, TransactionId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { Analytics, AnalyticsQuery } from './analytics-types.ts';
import type { Generation, OpenTransaction, Transaction } from './types.ts';

/** Which open transactions are meant: those of a node, or those begun before a time. */
export interface OpenTransactionQuery {
  readonly nodeId: string | null;
  readonly createdBeforeMs: number;
}

/** Where transactions are read. They are written together with the ledger's commands; see `rows.postgres.ts`. */
export interface TransactionStore {
  /** The oldest open transactions behind `after`. */
  findOpen(
    query: OpenTransactionQuery,
    after: ListPosition<TransactionId> | null,
    limit: number,
  ): Promise<readonly OpenTransaction[]>;
  findTransaction(actor: AccountActor, id: TransactionId): Promise<Transaction | null>;
  /** One that the account asked for; with a key one that came with it. */
  findGeneration(
    actor: AccountActor,
    id: TransactionId,
    keyId: CredentialId | null,
  ): Promise<Generation | null>;
  listTransactions(
    actor: AccountActor,
    role: 'requester' | 'provider',
    after: ListPosition<TransactionId> | null,
    limit: number,
  ): Promise<readonly Transaction[]>;
}

/** Where the sums of both sides are read. */
export interface AnalyticsStore {
  /** Of what the account asked for, or its tenant's providers served. */
  analyse(actor: AccountActor, query: AnalyticsQuery): Promise<Analytics>;
  /** Forgets the hours before a time. */
  removeBefore(timeMs: number): Promise<void>;
}
