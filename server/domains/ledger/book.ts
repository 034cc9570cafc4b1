import type { LedgerAccountId, TenantId, TransferId } from '../../kernel/ids.ts';
import { BALANCE_MICROCENTS_MAX, type Microcents } from '../../kernel/money.ts';
import { clearingAccount, feeAccount, type TenantAccountsOf } from './accounts.ts';
import {
  type AccountState,
  type BookChanges,
  type BookState,
  type Decision,
  EMPTY,
  endedAllowances,
  grantedAllowance,
  move,
  type Refusal,
  refused,
  reversedAllowance,
  sumByTenant,
  takenFees,
} from './book-decisions.ts';
import { type BookingOptions, checkCommand, costOf, fingerprintOf, type Move } from './rules.ts';
import type {
  Account,
  AdjustmentCommand,
  AllowanceEndCommand,
  AllowanceGrantCommand,
  ClearingCommand,
  CommandResult,
  Entry,
  HoldCommand,
  LedgerCommand,
  LedgerOwner,
  LedgerRefusal,
  OpenHold,
  Payee,
  PendingEarnings,
  PostCommand,
  ReleaseEarningsCommand,
  ReleaseHoldCommand,
  ReversalCommand,
  SubscriptionCommand,
  Transfer,
  TransferCommand,
  UnitOutcome,
} from './types.ts';
import { push, set } from './undo.ts';

/**
 * Decides a batch of units one after the other, each on what the ones before it left. Pure but for its own memory: the
 * caller keeps `changes()` in the transaction in which it read `state`.
 */
export class Book {
  readonly #nowMs: number;
  readonly #options: BookingOptions;
  readonly #accountsOf: TenantAccountsOf;
  readonly #accounts: Map<LedgerAccountId, AccountState>;
  readonly #transfers: Map<TransferId, Transfer>;
  readonly #holds: Map<TransferId, OpenHold | null>;
  readonly #dueEarnings: Map<TenantId, readonly PendingEarnings[]>;
  readonly #runningAllowances: Map<TenantId, Microcents>;
  readonly #reversible: readonly PendingEarnings[];
  readonly #reversed: Map<TransferId, true>;
  readonly #added: Transfer[] = [];
  readonly #entries: Entry[] = [];
  readonly #released: PendingEarnings[] = [];
  /** Takes back what the unit at work has changed, the last change first. */
  #undo: (() => void)[] = [];

  constructor(state: BookState, nowMs: number, options: BookingOptions, accountsOf: TenantAccountsOf) {
    this.#accountsOf = accountsOf;
    this.#nowMs = nowMs;
    this.#options = options;
    this.#accounts = new Map(state.accounts);
    this.#transfers = new Map(state.transfers);
    this.#holds = new Map(state.holds);
    this.#dueEarnings = new Map(state.dueEarnings);
    this.#runningAllowances = new Map(state.runningAllowances);
    this.#reversible = state.reversible;
    this.#reversed = new Map([...state.reversed].map((id) => [id, true]));
  }

  /** Carries out all commands of a unit, or none of them and says which was refused and why. */
  executeUnit(commands: readonly LedgerCommand[]): UnitOutcome {
    this.#undo = [];
    const results: CommandResult[] = [];
    for (const [index, command] of commands.entries()) {
      const result = this.#execute(command);
      if (!result.ok) {
        for (const takeBack of this.#undo.reverse()) takeBack();
        return { ok: false, reason: result.reason, command: index };
      }
      results.push(result);
    }
    return { ok: true, results };
  }

  /** What the units that were carried out add. */
  changes(): BookChanges {
    return { transfers: this.#added, entries: this.#entries, releasedEarnings: this.#released };
  }

  /** Order of checks: key used before, the command's own numbers, hold, balance. */
  #execute(command: LedgerCommand): (CommandResult & { readonly ok: true }) | Refusal {
    const earlier = this.#transfers.get(command.id);
    const fingerprint = fingerprintOf(command);
    if (earlier) {
      if (earlier.fingerprint !== fingerprint) return refused('idempotency_key_reused');
      return { ok: true, transfer: earlier, replayed: true, availableMicrocents: null };
    }
    const wrong = checkCommand(command);
    if (wrong !== null) return refused(wrong);
    const decision = this.#decide(command);
    if (!decision.ok) return decision;
    const refusal = this.#refusalOfMoves(decision.moves);
    if (refusal) return refused(refusal);
    const transfer = this.#keep(command, fingerprint, decision);
    const { balanceMicrocents } = this.#stateOf(this.#accountsOf(transfer.owner).available);
    return { ok: true, transfer, replayed: false, availableMicrocents: balanceMicrocents };
  }

  #decide(command: LedgerCommand): Decision | Refusal {
    switch (command.kind) {
      case 'top_up':
      case 'refund':
      case 'payout':
      case 'chargeback':
      case 'adjustment':
        return this.#clear(command);
      case 'hold':
        return this.#hold(command);
      case 'post':
      case 'void':
      case 'expire': {
        const hold = this.#holds.get(command.holdId);
        if (hold === undefined) return refused('hold_not_found');
        if (hold === null) return refused('hold_resolved');
        return command.kind === 'post' ? this.#post(command, hold) : this.#releaseHold(command, hold);
      }
      case 'transfer':
        return this.#transfer(command);
      case 'subscription':
        return this.#subscribe(command);
      case 'release_earnings':
        return this.#releaseEarnings(command);
      case 'reversal':
        return this.#reverse(command);
      case 'allowance_grant':
        return this.#grantAllowance(command);
      case 'allowance_end':
        return this.#endAllowances(command);
    }
  }

  #clear(command: ClearingCommand | AdjustmentCommand): Decision {
    const { owner, amountMicrocents } = command;
    const outside = clearingAccount(command.clearing);
    const decided = (moves: readonly Move[], toOutside: Microcents): Decision => ({
      ok: true,
      owner,
      facts: { amountMicrocents },
      moves: [...moves, move(outside, toOutside)],
    });
    if (command.kind === 'top_up' || (command.kind === 'adjustment' && amountMicrocents > 0n)) {
      return decided(this.#credit(owner, amountMicrocents), -amountMicrocents);
    }
    const { available, receivable } = this.#accountsOf(owner);
    if (command.kind === 'refund' || command.kind === 'payout') {
      return decided([move(available, -amountMicrocents)], amountMicrocents);
    }
    const taken = amountMicrocents < 0n ? -amountMicrocents : amountMicrocents;
    const there = this.#stateOf(available).balanceMicrocents;
    const covered = there < taken ? there : taken;
    return decided([move(available, -covered), move(receivable, covered - taken)], taken);
  }

  #hold(command: HoldCommand): Decision {
    const { id, owner, amountMicrocents, expiresAfterMs, transactionId } = command;
    const expiresAtMs = this.#nowMs + expiresAfterMs;
    const { available, held, allowance } = this.#accountsOf(owner);
    const left = this.#stateOf(allowance).balanceMicrocents;
    const allowanceMicrocents = left < amountMicrocents ? left : amountMicrocents;
    return {
      ok: true,
      owner,
      facts: {
        amountMicrocents,
        heldMicrocents: amountMicrocents,
        allowanceMicrocents: -allowanceMicrocents,
        transactionId,
        expiresAtMs,
      },
      moves: [
        move(allowance, -allowanceMicrocents),
        move(available, allowanceMicrocents - amountMicrocents),
        move(held, amountMicrocents),
      ],
      opened: { holdId: id, owner, amountMicrocents, allowanceMicrocents, transactionId, expiresAtMs },
    };
  }

  #post(command: PostCommand, hold: OpenHold): Decision | Refusal {
    const { payees, feeMicrocents } = command;
    const cost = costOf(command) ?? 0n;
    if (cost > hold.amountMicrocents) return refused('amount_out_of_range');
    const released = hold.amountMicrocents - cost;
    // The allowance pays first: what it needn't goes back to it.
    const unused = hold.allowanceMicrocents > cost ? hold.allowanceMicrocents - cost : 0n;
    const { held, allowance } = this.#accountsOf(hold.owner);
    return {
      ok: true,
      owner: hold.owner,
      facts: {
        amountMicrocents: cost,
        feeMicrocents,
        releasedMicrocents: released,
        heldMicrocents: -hold.amountMicrocents,
        allowanceMicrocents: unused,
        holdId: hold.holdId,
        transactionId: hold.transactionId,
      },
      moves: [
        move(held, -hold.amountMicrocents),
        move(allowance, unused),
        ...this.#pay(payees, feeMicrocents, hold.owner, released - unused),
      ],
    };
  }

  #releaseHold(command: ReleaseHoldCommand, hold: OpenHold): Decision | Refusal {
    const { owner, amountMicrocents, allowanceMicrocents, holdId, transactionId } = hold;
    const { held, allowance } = this.#accountsOf(owner);
    if (command.kind === 'expire' && hold.expiresAtMs > this.#nowMs) return refused('hold_not_expired');
    return {
      ok: true,
      owner,
      facts: {
        amountMicrocents,
        releasedMicrocents: amountMicrocents,
        heldMicrocents: -amountMicrocents,
        allowanceMicrocents,
        holdId,
        transactionId,
      },
      moves: [
        move(held, -amountMicrocents),
        move(allowance, allowanceMicrocents),
        ...this.#credit(owner, amountMicrocents - allowanceMicrocents),
      ],
    };
  }

  #transfer(command: TransferCommand): Decision {
    const { owner, payees, feeMicrocents, transactionId } = command;
    const cost = costOf(command) ?? 0n;
    return {
      ok: true,
      owner,
      facts: { amountMicrocents: cost, feeMicrocents, transactionId },
      moves: [move(this.#accountsOf(owner).available, -cost), ...this.#pay(payees, feeMicrocents, owner, 0n)],
    };
  }

  #subscribe({ owner, amountMicrocents }: SubscriptionCommand): Decision {
    return {
      ok: true,
      owner,
      facts: { amountMicrocents, feeMicrocents: amountMicrocents },
      moves: [
        move(this.#accountsOf(owner).available, -amountMicrocents),
        move(feeAccount(this.#options.feeShard), amountMicrocents),
      ],
    };
  }

  #releaseEarnings({ owner }: ReleaseEarningsCommand): Decision | Refusal {
    const due = this.#dueEarnings.get(owner.tenantId) ?? [];
    const amountMicrocents = due.reduce((sum, earnings) => sum + earnings.amountMicrocents, 0n);
    if (amountMicrocents === 0n) return refused('nothing_to_release');
    return {
      ok: true,
      owner,
      facts: { amountMicrocents },
      moves: [
        move(this.#accountsOf(owner).earnings, -amountMicrocents),
        ...this.#credit(owner, amountMicrocents),
      ],
      released: due,
    };
  }

  #reverse(command: ReversalCommand): Decision | Refusal {
    const { owner, postId, payees, feeMicrocents } = command;
    const post = this.#transfers.get(postId);
    if (post?.kind !== 'post' || post.owner.tenantId !== owner.tenantId || this.#reversed.has(postId))
      return refused('earnings_released');
    const cost = costOf(command) ?? 0n;
    const taken = sumByTenant(payees);
    for (const [tenantId, amountMicrocents] of taken) {
      const lot = this.#reversible.find(
        (each) => each.transferId === postId && each.owner.tenantId === tenantId,
      );
      if (lot === undefined || lot.amountMicrocents < amountMicrocents) return refused('earnings_released');
    }
    if (feeMicrocents > post.feeMicrocents) return refused('amount_out_of_range');
    const hold = post.holdId === null ? undefined : this.#transfers.get(post.holdId);
    const toAllowance = reversedAllowance(post, hold, cost);
    return {
      ok: true,
      owner,
      facts: {
        amountMicrocents: cost,
        feeMicrocents,
        allowanceMicrocents: toAllowance,
        reversesId: postId,
        transactionId: post.transactionId,
      },
      moves: [
        ...[...taken].map(([tenantId, amount]) => move(this.#accountsOf({ tenantId }).earnings, -amount)),
        ...takenFees(feeMicrocents, feeAccount(this.#options.feeShard), (account) => this.#stateOf(account)),
        move(this.#accountsOf(owner).allowance, toAllowance),
        ...this.#credit(owner, cost - toAllowance),
      ],
    };
  }

  #grantAllowance({ owner, amountMicrocents, endsAtMs }: AllowanceGrantCommand): Decision | Refusal {
    if (endsAtMs <= this.#nowMs) return refused('amount_out_of_range');
    const running = this.#runningAllowances.get(owner.tenantId) ?? 0n;
    set(this.#runningAllowances, owner.tenantId, running + amountMicrocents, this.#undo);
    return grantedAllowance(owner, this.#accountsOf(owner).allowance, amountMicrocents);
  }

  #endAllowances({ owner }: AllowanceEndCommand): Decision | Refusal {
    const { allowance } = this.#accountsOf(owner);
    const running = this.#runningAllowances.get(owner.tenantId) ?? 0n;
    return endedAllowances(owner, allowance, this.#stateOf(allowance).balanceMicrocents, running);
  }

  /** What payees, the platform and, of a hold, its owner get. A payee that is named twice gets one entry. */
  #pay(payees: readonly Payee[], fee: Microcents, owner: LedgerOwner, released: Microcents): Move[] {
    const delayMs = this.#options.earningsReleaseDelayMs;
    const shares = new Map<LedgerAccountId, Payee>();
    for (const payee of payees) {
      const { id } = this.#accountsOf(payee.owner).available;
      const amountMicrocents = payee.amountMicrocents + (shares.get(id)?.amountMicrocents ?? 0n);
      shares.set(id, { owner: payee.owner, amountMicrocents });
    }
    // A debt is paid off once in a transfer, by all that its debtor gets.
    const credits = new Map<LedgerAccountId, Payee>();
    if (released > 0n)
      credits.set(this.#accountsOf(owner).available.id, { owner, amountMicrocents: released });
    const moves: Move[] = [];
    for (const [id, share] of shares) {
      if (delayMs > 0) {
        const { earnings } = this.#accountsOf(share.owner);
        moves.push(move(earnings, share.amountMicrocents, this.#nowMs + delayMs));
      } else {
        const before = credits.get(id)?.amountMicrocents ?? 0n;
        credits.set(id, { owner: share.owner, amountMicrocents: before + share.amountMicrocents });
      }
    }
    for (const credit of credits.values()) moves.push(...this.#credit(credit.owner, credit.amountMicrocents));
    moves.push(move(feeAccount(this.#options.feeShard), fee));
    return moves;
  }

  /** Money that becomes available: what its owner owes is paid off first. */
  #credit(owner: LedgerOwner, amountMicrocents: Microcents): Move[] {
    const { available, receivable } = this.#accountsOf(owner);
    const owed = -this.#stateOf(receivable).balanceMicrocents;
    const paidOff = owed < amountMicrocents ? owed : amountMicrocents;
    return [move(receivable, paidOff), move(available, amountMicrocents - paidOff)];
  }

  #refusalOfMoves(moves: readonly Move[]): LedgerRefusal | null {
    const after = new Map<LedgerAccountId, Microcents>();
    for (const { account, amountMicrocents } of moves) {
      const before = after.get(account.id) ?? this.#stateOf(account).balanceMicrocents;
      after.set(account.id, before + amountMicrocents);
    }
    for (const { account } of moves) {
      const balance = after.get(account.id) ?? 0n;
      if (balance < 0n && account.kind !== 'clearing' && account.kind !== 'receivable') {
        return 'insufficient_balance';
      }
      if (balance > BALANCE_MICROCENTS_MAX || balance < -BALANCE_MICROCENTS_MAX) return 'amount_out_of_range';
    }
    return null;
  }

  #keep(command: LedgerCommand, fingerprint: string, decision: Decision): Transfer {
    const moves = decision.moves.filter(({ amountMicrocents }) => amountMicrocents !== 0n);
    const transfer: Transfer = {
      id: command.id,
      owner: { tenantId: decision.owner.tenantId },
      kind: command.kind,
      feeMicrocents: 0n,
      releasedMicrocents: 0n,
      heldMicrocents: 0n,
      allowanceMicrocents: 0n,
      holdId: null,
      reversesId: null,
      transactionId: null,
      expiresAtMs: null,
      entryCount: moves.length,
      fingerprint,
      createdAtMs: this.#nowMs,
      ...decision.facts,
    };
    for (const each of moves) this.#book(transfer, each);
    push(this.#added, transfer, this.#undo);
    set(this.#transfers, transfer.id, transfer, this.#undo);
    if (decision.opened) set(this.#holds, decision.opened.holdId, decision.opened, this.#undo);
    if (transfer.holdId !== null) set(this.#holds, transfer.holdId, null, this.#undo);
    if (transfer.reversesId !== null) set(this.#reversed, transfer.reversesId, true, this.#undo);
    if (decision.released) {
      for (const earnings of decision.released) push(this.#released, earnings, this.#undo);
      set(this.#dueEarnings, decision.owner.tenantId, [], this.#undo);
    }
    return transfer;
  }

  #book(transfer: Transfer, { account, amountMicrocents, releaseAtMs }: Move): void {
    const before = this.#stateOf(account);
    const position = before.lastPosition + 1n;
    const balanceMicrocents = before.balanceMicrocents + amountMicrocents;
    set(this.#accounts, account.id, { balanceMicrocents, lastPosition: position }, this.#undo);
    const { id: transferId, kind: transferKind, transactionId } = transfer;
    const entry = {
      transferId,
      account,
      position,
      transferKind,
      transactionId,
      amountMicrocents,
      releaseAtMs,
    };
    push(this.#entries, entry, this.#undo);
  }

  #stateOf(account: Account): AccountState {
    return this.#accounts.get(account.id) ?? EMPTY;
  }
}
