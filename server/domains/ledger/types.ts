import type { LedgerAccountId, TenantId, TransactionId, TransferId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import type { BusinessRow, GuardedRow, GuardRefusal } from './row-writer.postgres.ts';

/**
 * Accounts of a tenant. `available` can be spent, `held` is set aside by open holds, `earnings` wait for their release, and
 * `receivable` is what the tenant owes: 0 or negative. `allowance` is computing time that was granted, and no money.
 */
export const TENANT_ACCOUNT_KINDS = ['available', 'held', 'earnings', 'receivable', 'allowance'] as const;
export type TenantAccountKind = (typeof TENANT_ACCOUNT_KINDS)[number];

/** Accounts of the platform: its commissions (`fee`), and what lies at each payment provider (`clearing`). */
export type AccountKind = TenantAccountKind | 'fee' | 'clearing';

/** Ways by which money comes into the ledger and leaves it. `manual` is booked by an operator. */
export const CLEARING_PROVIDERS = ['manual', 'stripe', 'paypal'] as const;
export type ClearingProvider = (typeof CLEARING_PROVIDERS)[number];

/** Kinds of transfers. */
export const TRANSFER_KINDS = [
  'top_up',
  'refund',
  'payout',
  'chargeback',
  'adjustment',
  'hold',
  'post',
  'void',
  'expire',
  'transfer',
  'subscription',
  'release_earnings',
  'reversal',
  'allowance_grant',
  'allowance_end',
] as const satisfies readonly LedgerCommand['kind'][];

/** Whose accounts are meant. */
export interface LedgerOwner {
  readonly tenantId: TenantId;
}

/** One account, named before it exists: its id follows from its owner, kind and part. */
export interface Account {
  readonly id: LedgerAccountId;
  readonly tenantId: TenantId;
  readonly kind: AccountKind;
  /** The shard of the fees, the payment provider of a clearing account; empty for a tenant's account. */
  readonly part: string;
}

/** Who gets how much. A payee of 0 gets no entry. */
export interface Payee {
  readonly owner: LedgerOwner;
  readonly amountMicrocents: Microcents;
}

/**
 * Money between a tenant and the world outside, through a payment provider. `top_up` comes in. `refund` and `payout` go
 * out of what is available; a payout is in whole cents. `chargeback` takes back money that may have been spent: what
 * is not available becomes a receivable.
 */
export interface ClearingCommand {
  readonly kind: 'top_up' | 'refund' | 'payout' | 'chargeback';
  readonly id: TransferId;
  readonly owner: LedgerOwner;
  readonly amountMicrocents: Microcents;
  readonly clearing: ClearingProvider;
}

/** A correction by an operator: positive gives, negative takes as a chargeback does. */
export interface AdjustmentCommand {
  readonly kind: 'adjustment';
  readonly id: TransferId;
  readonly owner: LedgerOwner;
  readonly amountMicrocents: Microcents;
  readonly clearing: ClearingProvider;
}

/** Available money is set aside until it is posted, voided or expires. 0 is allowed: the hold can still be resolved only once. */
export interface HoldCommand {
  readonly kind: 'hold';
  readonly id: TransferId;
  readonly owner: LedgerOwner;
  readonly amountMicrocents: Microcents;
  readonly expiresAfterMs: number;
  readonly transactionId: TransactionId | null;
}

/** Held money goes to the payees and to the fees, 0 at least; what is left of the hold is available again. */
export interface PostCommand {
  readonly kind: 'post';
  readonly id: TransferId;
  readonly holdId: TransferId;
  readonly payees: readonly Payee[];
  readonly feeMicrocents: Microcents;
}

/** The whole hold becomes available again: at once (`void`), or because its time is over (`expire`). */
export interface ReleaseHoldCommand {
  readonly kind: 'void' | 'expire';
  readonly id: TransferId;
  readonly holdId: TransferId;
}

/** Available money goes to the payees and to the fees at once. */
export interface TransferCommand {
  readonly kind: 'transfer';
  readonly id: TransferId;
  readonly owner: LedgerOwner;
  readonly payees: readonly Payee[];
  readonly feeMicrocents: Microcents;
  readonly transactionId: TransactionId | null;
}

/** Available money pays the platform for a subscription. */
export interface SubscriptionCommand {
  readonly kind: 'subscription';
  readonly id: TransferId;
  readonly owner: LedgerOwner;
  readonly amountMicrocents: Microcents;
}

/** The tenant's earnings whose release time is over become available. */
export interface ReleaseEarningsCommand {
  readonly kind: 'release_earnings';
  readonly id: TransferId;
  readonly owner: LedgerOwner;
}

/**
 * A part of what was posted goes back to who paid it (`owner`): of the payees' earnings, as long as they wait for their release, and
 * of the fees. A post is reversed once at most.
 */
export interface ReversalCommand {
  readonly kind: 'reversal';
  readonly id: TransferId;
  readonly owner: LedgerOwner;
  readonly postId: TransferId;
  /** What each of the payees gives back. */
  readonly payees: readonly Payee[];
  /** What the platform gives back. */
  readonly feeMicrocents: Microcents;
}

/** Computing time of this worth is the tenant's until `endsAtMs`: it pays for requests before the balance does. */
export interface AllowanceGrantCommand {
  readonly kind: 'allowance_grant';
  readonly id: TransferId;
  readonly owner: LedgerOwner;
  readonly amountMicrocents: Microcents;
  readonly endsAtMs: number;
}

/** What is left of allowances that have ended goes back to the platform. */
export interface AllowanceEndCommand {
  readonly kind: 'allowance_end';
  readonly id: TransferId;
  readonly owner: LedgerOwner;
}

/** One change of the books. `id` is the idempotency key: the same command under it is carried out once. */
export type LedgerCommand =
  | ClearingCommand
  | AdjustmentCommand
  | HoldCommand
  | PostCommand
  | ReleaseHoldCommand
  | TransferCommand
  | SubscriptionCommand
  | ReleaseEarningsCommand
  | ReversalCommand
  | AllowanceGrantCommand
  | AllowanceEndCommand;

/**
 * One step of business: its commands and rows are committed in one transaction, all or none. Each command is decided on
 * what the ones before it left.
 */
export interface UnitOfWork {
  /** Whose line it waits in: units of different tenants are written in turn. Without one it is a job of the server itself. */
  readonly tenantId?: TenantId;
  /** Judged first, in this order; without them nobody but the ledger decides. */
  readonly guards?: readonly GuardedRow[];
  readonly commands: readonly LedgerCommand[];
  readonly rows: readonly BusinessRow[];
}

/** A transfer as it is kept, for good. */
export interface Transfer {
  readonly id: TransferId;
  readonly owner: LedgerOwner;
  readonly kind: LedgerCommand['kind'];
  /** What moved: cost for `post` and `transfer`, the whole hold for `void` and `expire`. Negative only for `adjustment`. */
  readonly amountMicrocents: Microcents;
  readonly feeMicrocents: Microcents;
  /** What came back from a hold to its owner. */
  readonly releasedMicrocents: Microcents;
  /** How the held account changed: the hold's amount, negative where the hold is resolved. */
  readonly heldMicrocents: Microcents;
  /** How its owner's allowance changed. */
  readonly allowanceMicrocents: Microcents;
  readonly holdId: TransferId | null;
  /** The post that it reverses. */
  readonly reversesId: TransferId | null;
  readonly transactionId: TransactionId | null;
  readonly expiresAtMs: number | null;
  readonly entryCount: number;
  readonly fingerprint: string;
  readonly createdAtMs: number;
}

/** One side of a transfer. The entries of a transfer sum to zero. */
export interface Entry {
  readonly transferId: TransferId;
  readonly account: Account;
  /** 1 for the first entry of the account, one more for each that follows. */
  readonly position: bigint;
  readonly transferKind: LedgerCommand['kind'];
  readonly transactionId: TransactionId | null;
  readonly amountMicrocents: Microcents;
  /** When earnings become available; null for every other entry. */
  readonly releaseAtMs: number | null;
}

/** A hold that nothing resolved yet. */
export interface OpenHold {
  readonly holdId: TransferId;
  readonly owner: LedgerOwner;
  readonly amountMicrocents: Microcents;
  /** What of it an allowance pays, before anything else. */
  readonly allowanceMicrocents: Microcents;
  readonly transactionId: TransactionId | null;
  readonly expiresAtMs: number;
}

/** Earnings of one transfer that are not available yet. */
export interface PendingEarnings {
  readonly transferId: TransferId;
  readonly owner: LedgerOwner;
  readonly amountMicrocents: Microcents;
  readonly releaseAtMs: number;
}

/** Why a command was not carried out. Nothing of its unit was changed. */
export type LedgerRefusal =
  | 'amount_out_of_range'
  | 'insufficient_balance'
  | 'hold_not_found'
  | 'hold_resolved'
  | 'hold_not_expired'
  | 'nothing_to_release'
  | 'earnings_released'
  | 'idempotency_key_reused'
  | GuardRefusal;

/** A command that was carried out. `replayed`: an earlier command under this id did it. */
export interface CommandResult {
  readonly transfer: Transfer;
  readonly replayed: boolean;
  /** What its owner has available when it is carried out; null: an earlier one did it. */
  readonly availableMicrocents: Microcents | null;
}

/** The answer to a unit, given after the commit. `results` has one entry a command; `command` is the index of the refused one, 0 where a guard refused. */
export type UnitOutcome =
  | { readonly ok: true; readonly results: readonly CommandResult[] }
  | { readonly ok: false; readonly reason: LedgerRefusal; readonly command: number };

/** A tenant's money. What it owes is positive here. */
export interface Balance {
  readonly availableMicrocents: Microcents;
  readonly heldMicrocents: Microcents;
  readonly earningsMicrocents: Microcents;
  readonly owedMicrocents: Microcents;
  /** No money: what is left of allowances. */
  readonly allowanceMicrocents: Microcents;
}

/** An allowance as its tenant sees it: tokens at a price of reference, until a time. */
export interface Allowance {
  readonly id: TransferId;
  readonly tokens: bigint;
  /** What is left of them, but for what is set aside for requests that run. What is used counts against what ends first. */
  readonly tokensLeft: bigint;
  /** Micro-cents for 1000 tokens: a model at half of it uses half a token for each. */
  readonly referenceMicrocents: Microcents;
  readonly grantedAtMs: number;
  readonly endsAtMs: number;
}

/** A line of a tenant's statement. */
export interface StatementEntry {
  /** The entry's position in its account. */
  readonly position: bigint;
  readonly transferId: TransferId;
  readonly account: TenantAccountKind;
  readonly kind: LedgerCommand['kind'];
  readonly transactionId: TransactionId | null;
  readonly amountMicrocents: Microcents;
  readonly releaseAtMs: number | null;
  readonly createdAtMs: number;
}

/** Where a page of a statement begins: below these positions, one for each account of the tenant. */
export type StatementCursor = Readonly<Record<TenantAccountKind, bigint>>;

/** Newest first. `nextBefore` asks for the following page; null on the last one. */
export interface StatementPage {
  readonly entries: readonly StatementEntry[];
  readonly nextBefore: StatementCursor | null;
}

/** The whole ledger, read in one snapshot. In order: `entriesSumMicrocents` is 0 and nothing is mismatched. */
export interface TrialBalance {
  readonly entriesSumMicrocents: Microcents;
  readonly totalMicrocents: Readonly<Record<AccountKind, Microcents>>;
  /** Accounts whose kept balance isn't the sum of their entries. */
  readonly mismatchedAccounts: number;
  readonly openHolds: number;
  readonly openHoldsMicrocents: Microcents;
}

/** What a round of verification found. */
export interface VerificationRound {
  /** Accounts that were compared. */
  readonly accounts: number;
  /** Entries that were summed for the first time. */
  readonly entries: number;
  /** Accounts whose balance is not the sum of their entries. */
  readonly wrongAccounts: readonly LedgerAccountId[];
  /** Whether all balances sum to zero, open holds are what is held, and waiting earnings are what is earned. */
  readonly totalsMatch: boolean;
  /** The account to go on behind; null: the round came to the last account. */
  readonly nextAfter: LedgerAccountId | null;
}
