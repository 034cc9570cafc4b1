import type { LedgerAccountId, TenantId, TransferId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import { allowanceSource, feeAccounts } from './accounts.ts';
import type { Move } from './rules.ts';
import type {
  Account,
  Entry,
  LedgerOwner,
  LedgerRefusal,
  OpenHold,
  Payee,
  PendingEarnings,
  Transfer,
} from './types.ts';

/** An account as a batch finds and leaves it. */
export interface AccountState {
  readonly balanceMicrocents: Microcents;
  readonly lastPosition: bigint;
}

/** The part of the ledger that a batch touches, as it is in the database under lock. */
export interface BookState {
  /** An account that is missing here has no entry. */
  readonly accounts: ReadonlyMap<LedgerAccountId, AccountState>;
  /** Transfers that exist under an id of the batch's commands, and the posts that they reverse with their holds. */
  readonly transfers: ReadonlyMap<TransferId, Transfer>;
  /** The holds that the batch's commands resolve; null: resolved already. Absent: never existed. */
  readonly holds: ReadonlyMap<TransferId, OpenHold | null>;
  /** Earnings whose time has come, of the tenants whose earnings the batch releases. */
  readonly dueEarnings: ReadonlyMap<TenantId, readonly PendingEarnings[]>;
  /** What allowances that have not ended were granted as, of the tenants whose allowances the batch ends. */
  readonly runningAllowances: ReadonlyMap<TenantId, Microcents>;
  /** Frozen earnings of the posts that the batch reverses. */
  readonly reversible: readonly PendingEarnings[];
  /** The posts that were reversed before, of those that the batch reverses. */
  readonly reversed: ReadonlySet<TransferId>;
}

/** What a batch adds to the ledger. Working lists of holds and new earnings follow from it in the database. */
export interface BookChanges {
  readonly transfers: readonly Transfer[];
  readonly entries: readonly Entry[];
  readonly releasedEarnings: readonly PendingEarnings[];
}

/** What a command comes to. */
export interface Decision {
  readonly ok: true;
  readonly owner: LedgerOwner;
  readonly facts: Partial<Transfer> & Pick<Transfer, 'amountMicrocents'>;
  readonly moves: readonly Move[];
  readonly opened?: OpenHold;
  readonly released?: readonly PendingEarnings[];
}
/** Why it comes to nothing. */
export interface Refusal {
  readonly ok: false;
  readonly reason: LedgerRefusal;
}

/** An account without an entry. */
export const EMPTY: AccountState = { balanceMicrocents: 0n, lastPosition: 0n };
/** Refuses a command. */
export const refused = (reason: LedgerRefusal): Refusal => ({ ok: false, reason });
/** One side of a transfer. */
export const move = (
  account: Account,
  amountMicrocents: Microcents,
  releaseAtMs: number | null = null,
): Move => ({
  account,
  amountMicrocents,
  releaseAtMs,
});

/** An allowance comes from the platform. */
export function grantedAllowance(
  owner: LedgerOwner,
  allowance: Account,
  amountMicrocents: Microcents,
): Decision {
  return {
    ok: true,
    owner,
    facts: { amountMicrocents, allowanceMicrocents: amountMicrocents },
    moves: [move(allowance, amountMicrocents), move(allowanceSource(), -amountMicrocents)],
  };
}

/**
 * What is left above `running`, which is what allowances that have not ended were granted as: what is used counts against what ends first, so
 * no more may be left.
 */
export function endedAllowances(
  owner: LedgerOwner,
  allowance: Account,
  leftMicrocents: Microcents,
  runningMicrocents: Microcents,
): Decision | Refusal {
  const ended = leftMicrocents - runningMicrocents;
  if (ended <= 0n) return refused('nothing_to_release');
  return {
    ok: true,
    owner,
    facts: { amountMicrocents: ended, allowanceMicrocents: -ended },
    moves: [move(allowance, -ended), move(allowanceSource(), ended)],
  };
}

/** What of a reversal of `amount` becomes an allowance again: money goes back first, as far as money was paid. */
export function reversedAllowance(
  post: Transfer,
  hold: Transfer | undefined,
  amount: Microcents,
): Microcents {
  const drawn = -(hold?.allowanceMicrocents ?? 0n);
  const paidInMoney = post.amountMicrocents - (drawn - post.allowanceMicrocents);
  return amount > paidInMoney ? amount - paidInMoney : 0n;
}

/** What each tenant gets, once. */
export function sumByTenant(payees: readonly Payee[]): Map<TenantId, Microcents> {
  const sums = new Map<TenantId, Microcents>();
  for (const { owner, amountMicrocents } of payees.filter((payee) => payee.amountMicrocents !== 0n))
    sums.set(owner.tenantId, amountMicrocents + (sums.get(owner.tenantId) ?? 0n));
  return sums;
}

/** Fees are in the accounts of all writers there ever were: they are taken from one after the other, what is missing from `last`. */
export function takenFees(
  feeMicrocents: Microcents,
  last: Account,
  stateOf: (account: Account) => AccountState,
): Move[] {
  let left = feeMicrocents;
  const moves: Move[] = [];
  for (const account of feeAccounts()) {
    const there = stateOf(account).balanceMicrocents;
    const taken = there < left ? there : left;
    if (taken > 0n) moves.push(move(account, -taken));
    left -= taken;
  }
  // More than there is: refused as every account that would be overdrawn.
  return left > 0n ? [...moves, move(last, -left)] : moves;
}
