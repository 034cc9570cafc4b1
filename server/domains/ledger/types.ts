import type { LedgerAccountId, TenantId, TransactionId, TransferId } from '../../kernel/ids.ts';
import type { Cents } from '../../kernel/money.ts';

/** `available` and `held` belong to a tenant, `fees` and `external` to the platform. Only `external` may be negative. */
export type AccountKind = 'available' | 'held' | 'fees' | 'external';

/** Whose accounts are meant. */
export interface LedgerOwner {
  readonly tenantId: TenantId;
}

/** One account, named before it exists: its id follows from its owner and kind. */
export interface Account {
  readonly id: LedgerAccountId;
  readonly tenantId: TenantId;
  readonly kind: AccountKind;
}

/** Money from outside becomes available to a tenant. */
export interface TopUpCommand {
  readonly kind: 'top_up';
  readonly id: TransferId;
  readonly owner: LedgerOwner;
  readonly amountCents: Cents;
}

/** Available money is set aside until it is posted, voided or expires. */
export interface HoldCommand {
  readonly kind: 'hold';
  readonly id: TransferId;
  readonly owner: LedgerOwner;
  readonly amountCents: Cents;
  readonly expiresAfterMs: number;
  readonly transactionId: TransactionId | null;
}

/** Held money goes to the provider and to the fees; what is left of the hold is available again. */
export interface PostCommand {
  readonly kind: 'post';
  readonly id: TransferId;
  readonly holdId: TransferId;
  readonly provider: LedgerOwner;
  readonly earningsCents: Cents;
  readonly feeCents: Cents;
}

/** The whole hold becomes available again: at once (`void`), or because its time is over (`expire`). */
export interface ReleaseCommand {
  readonly kind: 'void' | 'expire';
  readonly id: TransferId;
  readonly holdId: TransferId;
}

/** What the ledger writer takes. `id` is the idempotency key: the same command under it is carried out once. */
export type LedgerCommand = TopUpCommand | HoldCommand | PostCommand | ReleaseCommand;

/** A transfer as it is kept, for good. */
export interface Transfer {
  readonly id: TransferId;
  readonly owner: LedgerOwner;
  readonly kind: LedgerCommand['kind'];
  /** What moved out of the source: the whole hold for `void` and `expire`, fee and earnings for `post`. */
  readonly amountCents: Cents;
  readonly feeCents: Cents;
  /** What came back to the requester. */
  readonly releasedCents: Cents;
  readonly holdId: TransferId | null;
  readonly transactionId: TransactionId | null;
  readonly expiresAtMs: number | null;
  readonly fingerprint: string;
  readonly createdAtMs: number;
}

/** One side of a transfer. The entries of a transfer sum to zero. */
export interface Entry {
  readonly transferId: TransferId;
  readonly account: Account;
  readonly transferKind: LedgerCommand['kind'];
  readonly transactionId: TransactionId | null;
  readonly amountCents: Cents;
}

/** A hold that nothing resolved yet. */
export interface OpenHold {
  readonly holdId: TransferId;
  readonly owner: LedgerOwner;
  readonly amountCents: Cents;
  readonly transactionId: TransactionId | null;
  readonly expiresAtMs: number;
}

/** Why a command was not carried out. Nothing was changed. */
export type LedgerRefusal =
  | 'amount_out_of_range'
  | 'insufficient_balance'
  | 'hold_not_found'
  | 'hold_resolved'
  | 'hold_not_expired'
  | 'idempotency_key_reused';

/** The answer to a command, given after the commit. `replayed`: an earlier command under this id did it. */
export type LedgerOutcome =
  | { readonly ok: true; readonly transfer: Transfer; readonly replayed: boolean }
  | { readonly ok: false; readonly reason: LedgerRefusal };

/** A tenant's money. */
export interface Balance {
  readonly availableCents: Cents;
  readonly heldCents: Cents;
}

/** A line of a tenant's statement. */
export interface StatementEntry {
  readonly sequence: bigint;
  readonly transferId: TransferId;
  readonly account: 'available' | 'held';
  readonly kind: LedgerCommand['kind'];
  readonly transactionId: TransactionId | null;
  readonly amountCents: Cents;
  readonly createdAtMs: number;
}

/** Newest first. `nextBefore` asks for the following page; null on the last one. */
export interface StatementPage {
  readonly entries: readonly StatementEntry[];
  readonly nextBefore: bigint | null;
}

/** The whole ledger, read in one snapshot. In order: `entriesSumCents` is 0 and nothing is mismatched. */
export interface TrialBalance {
  readonly entriesSumCents: Cents;
  readonly totalCents: Readonly<Record<AccountKind, Cents>>;
  /** Accounts whose kept balance isn't the sum of their entries. */
  readonly mismatchedAccounts: number;
  readonly openHolds: number;
  readonly openHoldsCents: Cents;
}
