import { MICROCENTS_PER_CENT, type Microcents } from '../../kernel/money.ts';
import {
  allowanceSource,
  clearingAccount,
  feeAccount,
  feeAccounts,
  type TenantAccountsOf,
} from './accounts.ts';
import { HOLD_LIFE_MS_MAX, PAYEES_MAX, TRANSFER_MICROCENTS_MAX } from './limits.ts';
import type { Account, LedgerCommand, LedgerOwner, LedgerRefusal, Payee } from './types.ts';

/** How transfers are booked. */
export interface BookingOptions {
  /** Which of the fee accounts takes this writer's fees: 0 to `FEE_SHARDS - 1`. */
  readonly feeShard: number;
  /** How long earnings wait before they can be spent, in milliseconds. 0: they are available at once. */
  readonly earningsReleaseDelayMs: number;
}

/** One side of a transfer before it is kept. */
export interface Move {
  readonly account: Account;
  readonly amountMicrocents: Microcents;
  readonly releaseAtMs: number | null;
}

/** The command's parameters in one canonical form. Two commands under one id are the same if this is the same. */
export function fingerprintOf(command: LedgerCommand): string {
  switch (command.kind) {
    case 'top_up':
    case 'refund':
    case 'payout':
    case 'chargeback':
    case 'adjustment':
      return `${command.kind}|${command.owner.tenantId}|${command.amountMicrocents}|${command.clearing}`;
    case 'hold':
      return `hold|${command.owner.tenantId}|${command.amountMicrocents}|${command.expiresAfterMs}|${command.transactionId ?? ''}`;
    case 'post':
      return `post|${command.holdId}|${payeesText(command.payees)}|${command.feeMicrocents}`;
    case 'transfer':
      return `transfer|${command.owner.tenantId}|${payeesText(command.payees)}|${command.feeMicrocents}|${command.transactionId ?? ''}`;
    case 'subscription':
      return `subscription|${command.owner.tenantId}|${command.amountMicrocents}`;
    case 'void':
    case 'expire':
      return `${command.kind}|${command.holdId}`;
    case 'release_earnings':
    case 'allowance_end':
      return `${command.kind}|${command.owner.tenantId}`;
    case 'allowance_grant':
      return `allowance_grant|${command.owner.tenantId}|${command.amountMicrocents}|${command.endsAtMs}`;
    case 'reversal':
      return `reversal|${command.postId}|${payeesText(command.payees)}|${command.feeMicrocents}`;
  }
}

function payeesText(payees: readonly Payee[]): string {
  return payees.map(({ owner, amountMicrocents }) => `${owner.tenantId}:${amountMicrocents}`).join(',');
}

/** The tenants whose money `command` names. The owner of a hold that it resolves is not among them. */
export function ownersOf(command: LedgerCommand): readonly LedgerOwner[] {
  const owners = 'owner' in command ? [command.owner] : [];
  return 'payees' in command ? [...owners, ...command.payees.map(({ owner }) => owner)] : owners;
}

/**
 * Every account that `command` can move and that may not exist yet. The accounts of a hold's owner exist since the hold,
 * and a debt can only be paid off on a receivable that a debit has made.
 */
export function accountsOf(
  command: LedgerCommand,
  options: BookingOptions,
  accountsOfTenant: TenantAccountsOf,
): readonly Account[] {
  const accounts: Account[] = [];
  if ('owner' in command) accounts.push(accountsOfTenant(command.owner).available);
  if (command.kind === 'allowance_grant' || command.kind === 'allowance_end')
    accounts.push(accountsOfTenant(command.owner).allowance, allowanceSource());
  if ('clearing' in command) accounts.push(clearingAccount(command.clearing));
  if ('payees' in command) {
    for (const { owner } of command.payees) {
      const { available, earnings } = accountsOfTenant(owner);
      accounts.push(available);
      if (options.earningsReleaseDelayMs > 0) accounts.push(earnings);
    }
  }
  // What was a fee may lie in any of their accounts.
  if (command.kind === 'reversal') accounts.push(...feeAccounts());
  else if ('payees' in command || command.kind === 'subscription')
    accounts.push(feeAccount(options.feeShard));
  if (command.kind === 'hold') accounts.push(accountsOfTenant(command.owner).held);
  if (command.kind === 'chargeback' || command.kind === 'adjustment') {
    accounts.push(accountsOfTenant(command.owner).receivable);
  }
  return accounts;
}

/** Refuses a command whose own numbers can't be right, whatever the books say. */
export function checkCommand(command: LedgerCommand): LedgerRefusal | null {
  switch (command.kind) {
    case 'top_up':
    case 'refund':
    case 'chargeback':
    case 'subscription':
    case 'allowance_grant':
      return isAmount(command.amountMicrocents, 1n) ? null : 'amount_out_of_range';
    case 'payout': {
      const { amountMicrocents } = command;
      const isWhole = amountMicrocents % MICROCENTS_PER_CENT === 0n;
      return isWhole && isAmount(amountMicrocents, 1n) ? null : 'amount_out_of_range';
    }
    case 'adjustment': {
      const { amountMicrocents } = command;
      return isAmount(amountMicrocents < 0n ? -amountMicrocents : amountMicrocents, 1n)
        ? null
        : 'amount_out_of_range';
    }
    case 'hold':
      return isAmount(command.amountMicrocents, 0n) ? null : 'amount_out_of_range';
    case 'post':
    case 'transfer':
    case 'reversal': {
      const cost = costOf(command);
      return cost !== null && isAmount(cost, command.kind === 'post' ? 0n : 1n)
        ? null
        : 'amount_out_of_range';
    }
    case 'void':
    case 'expire':
    case 'release_earnings':
    case 'allowance_end':
      return null;
  }
}

/** What is paid in all; null where a part is negative or there are too many payees. */
export function costOf(command: {
  readonly payees: readonly Payee[];
  readonly feeMicrocents: Microcents;
}): Microcents | null {
  const { payees, feeMicrocents } = command;
  if (payees.length > PAYEES_MAX || feeMicrocents < 0n) return null;
  let cost = feeMicrocents;
  for (const { amountMicrocents } of payees) {
    if (amountMicrocents < 0n) return null;
    cost += amountMicrocents;
  }
  return cost;
}

/** True for the life of a hold in milliseconds: whole, from 1 to a day. */
export function isHoldLife(expiresAfterMs: number): boolean {
  return Number.isInteger(expiresAfterMs) && expiresAfterMs >= 1 && expiresAfterMs <= HOLD_LIFE_MS_MAX;
}

function isAmount(microcents: Microcents, least: Microcents): boolean {
  return microcents >= least && microcents <= TRANSFER_MICROCENTS_MAX;
}
