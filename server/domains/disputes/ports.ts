import type { AccountActor } from '../../kernel/actor.ts';
import type { AccountId, DisputeId, TenantId, TransactionId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type {
  Decision,
  DisputeEnd,
  DisputeReason,
  DisputeSide,
  DisputeState,
  SealedStatement,
  StoredDispute,
} from './types.ts';

/** A dispute that is opened, with its first statement. */
export interface NewDispute {
  readonly id: DisputeId;
  readonly transactionId: TransactionId;
  readonly reason: DisputeReason;
  readonly statement: SealedStatement;
}

/** Sends mail to whom it concerns, where they have an address. Nobody waits for it, and nothing fails with it. */
export interface DisputeMail {
  toAccount(accountId: AccountId, subject: string, text: string): void;
  toOwners(tenantId: TenantId, subject: string, text: string): void;
}

/** Which disputes a list has. */
export interface DisputeQuery {
  /** Null: in any. */
  readonly state: DisputeState | null;
  readonly after: ListPosition<DisputeId> | null;
  readonly limit: number;
}

/** Which of the disputes of one side a list has. */
export interface SideQuery extends DisputeQuery {
  /** Of this transaction alone; left out: of all. */
  readonly transactionId?: TransactionId | undefined;
}

/** What was said in a dispute, and decided. */
export interface DisputeHistory {
  readonly statements: readonly SealedStatement[];
  readonly decisions: readonly Decision[];
}

/** Where disputes are kept. What moves money is written with the ledger's units; see `rows.postgres.ts`. */
export interface DisputeStore {
  /**
   * Writes it and freezes the earnings. Refuses with `transaction_not_found`, `transaction_unpaid`, `dispute_exists`, `earnings_released`,
   * `limit_reached`.
   */
  open(requester: AccountActor, dispute: NewDispute, nowMs: number): Promise<void>;
  /** Whoever asks. */
  find(id: DisputeId): Promise<StoredDispute | null>;
  /** What was said, the oldest first, and decided, the newest first, of each of these disputes: of a page of them at once. */
  historiesOf(ids: readonly DisputeId[]): Promise<(id: DisputeId) => DisputeHistory>;
  /** Those of one side of the actor's, the newest first. */
  list(actor: AccountActor, side: DisputeSide, query: SideQuery): Promise<readonly StoredDispute[]>;
  /** Those of all, the oldest first. */
  listAll(query: DisputeQuery): Promise<readonly StoredDispute[]>;
  /** Refuses with `dispute_decided` and `limit_reached`. */
  addStatement(id: DisputeId, statement: SealedStatement): Promise<void>;
  /** Notes that the providers of the tenant agree, and returns the dispute. Refuses with `dispute_decided`. */
  agree(id: DisputeId, actor: AccountActor, nowMs: number): Promise<StoredDispute>;
  /** Ends one without giving anything back. Refuses with `dispute_decided`. */
  refuse(dispute: StoredDispute, end: DisputeEnd, nowMs: number): Promise<void>;
  /** Those that a rule decides now, the longest due first. */
  findDue(nowMs: number, limit: number): Promise<readonly StoredDispute[]>;
}
