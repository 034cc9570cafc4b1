import { expect } from 'vitest';
import { tenantAccounts } from '../../server/domains/ledger/accounts.ts';
import { Book } from '../../server/domains/ledger/book.ts';
import type { AccountState } from '../../server/domains/ledger/book-decisions.ts';
import type { BookingOptions } from '../../server/domains/ledger/rules.ts';
import type {
  Account,
  Entry,
  LedgerCommand,
  OpenHold,
  PendingEarnings,
  Transfer,
  UnitOutcome,
} from '../../server/domains/ledger/types.ts';
import type { LedgerAccountId, TenantId, TransferId } from '../../server/kernel/ids.ts';

/** What is committed. */
export interface KeptState {
  readonly accounts: Map<LedgerAccountId, AccountState & { readonly account: Account }>;
  readonly transfers: Map<TransferId, Transfer>;
  readonly open: Map<TransferId, OpenHold>;
  readonly pending: PendingEarnings[];
  /** Posts whose earnings are not released. */
  readonly frozen: Set<TransferId>;
  readonly entries: Entry[];
}

/** Books in memory that take batches as the database does: balances and working lists follow from transfers and entries. */
export class MemoryBooks {
  readonly #options: BookingOptions;
  #kept: KeptState = {
    accounts: new Map(),
    transfers: new Map(),
    open: new Map(),
    pending: [],
    frozen: new Set(),
    entries: [],
  };

  constructor(options: BookingOptions) {
    this.#options = options;
  }

  keptState(): KeptState {
    return structuredClone(this.#kept);
  }

  restore(kept: KeptState): void {
    this.#kept = kept;
  }

  balanceOf(account: Account): bigint {
    return this.#kept.accounts.get(account.id)?.balanceMicrocents ?? 0n;
  }

  /** What is committed now, not copied. */
  get kept(): Readonly<KeptState> {
    return this.#kept;
  }

  /** Keeps a transfer's earnings from their release, or lets them go. */
  setFrozen(id: TransferId, isFrozen: boolean): void {
    if (isFrozen) this.#kept.frozen.add(id);
    else this.#kept.frozen.delete(id);
  }

  /** `together` is called with the outcomes before anything is kept; nothing is where it throws. */
  apply(
    units: readonly (readonly LedgerCommand[])[],
    nowMs: number,
    together: (outcomes: readonly UnitOutcome[]) => void = () => {},
  ): UnitOutcome[] {
    const { accounts, transfers, open, pending, frozen, entries } = this.#kept;
    const holds = new Map<TransferId, OpenHold | null>();
    for (const command of units.flat()) {
      const id = 'holdId' in command ? command.holdId : null;
      if (id !== null && transfers.get(id)?.kind === 'hold') holds.set(id, open.get(id) ?? null);
    }
    const dueEarnings = new Map<TenantId, PendingEarnings[]>();
    for (const lot of pending) {
      const { tenantId } = lot.owner;
      if (lot.releaseAtMs <= nowMs && !frozen.has(lot.transferId))
        dueEarnings.set(tenantId, [...(dueEarnings.get(tenantId) ?? []), lot]);
    }
    const reversible = pending.filter(({ transferId }) => frozen.has(transferId));
    const reversed = new Set([...transfers.values()].flatMap(({ reversesId }) => reversesId ?? []));
    const state = {
      accounts,
      transfers,
      holds,
      dueEarnings,
      runningAllowances: new Map<TenantId, bigint>(),
      reversible,
      reversed,
    };
    const book = new Book(state, nowMs, this.#options, tenantAccounts);
    const answers = units.map((unit) => book.executeUnit(unit));
    const changes = book.changes();
    together(answers);
    for (const transfer of changes.transfers) {
      transfers.set(transfer.id, transfer);
      this.#takeHolds(transfer);
    }
    for (const { owner, transferId } of changes.releasedEarnings) {
      const index = pending.findIndex(
        (lot) => lot.transferId === transferId && lot.owner.tenantId === owner.tenantId,
      );
      expect(index).toBeGreaterThanOrEqual(0);
      pending.splice(index, 1);
    }
    for (const entry of changes.entries) this.#takeEntry(entry);
    entries.push(...changes.entries);
    return answers;
  }

  #takeHolds(transfer: Transfer) {
    const { open } = this.#kept;
    if (transfer.kind === 'hold') {
      const { id: holdId, owner, amountMicrocents, transactionId } = transfer;
      const { allowanceMicrocents, expiresAtMs } = transfer;
      open.set(holdId, {
        holdId,
        owner,
        amountMicrocents,
        allowanceMicrocents: -allowanceMicrocents,
        transactionId,
        expiresAtMs: expiresAtMs ?? 0,
      });
    }
    if (transfer.holdId !== null) {
      expect(open.get(transfer.holdId)?.amountMicrocents).toBe(-transfer.heldMicrocents);
      open.delete(transfer.holdId);
    }
  }

  /** As the database's rule does: what a reversal takes was waiting, and frozen. */
  #takeReversed(postId: TransferId, account: Account, amountMicrocents: bigint) {
    const { pending, frozen } = this.#kept;
    const index = pending.findIndex(
      (lot) => lot.transferId === postId && lot.owner.tenantId === account.tenantId,
    );
    const lot = pending[index];
    expect(frozen.has(postId) && lot !== undefined).toBe(true);
    if (lot === undefined) return;
    const left = lot.amountMicrocents + amountMicrocents;
    expect(left).toBeGreaterThanOrEqual(0n);
    pending.splice(index, 1, ...(left === 0n ? [] : [{ ...lot, amountMicrocents: left }]));
  }

  #takeEntry({ account, position, amountMicrocents, releaseAtMs, transferId }: Entry) {
    const { accounts, pending, transfers } = this.#kept;
    const postId = transfers.get(transferId)?.reversesId ?? null;
    if (postId !== null && account.kind === 'earnings') this.#takeReversed(postId, account, amountMicrocents);
    const before = accounts.get(account.id) ?? { balanceMicrocents: 0n, lastPosition: 0n };
    expect(position).toBe(before.lastPosition + 1n);
    const balanceMicrocents = before.balanceMicrocents + amountMicrocents;
    accounts.set(account.id, { account, balanceMicrocents, lastPosition: position });
    if (releaseAtMs !== null) {
      pending.push({ transferId, owner: { tenantId: account.tenantId }, amountMicrocents, releaseAtMs });
    }
  }

  /** Every transfer sums to zero and has the entries it says, nobody is overdrawn, and the lists are what the accounts say. */
  expectInOrder(): void {
    const { accounts, transfers, open, pending, entries } = this.#kept;
    const sums = new Map<TransferId, { sum: bigint; entries: number }>();
    for (const { transferId, amountMicrocents } of entries) {
      const before = sums.get(transferId) ?? { sum: 0n, entries: 0 };
      sums.set(transferId, { sum: before.sum + amountMicrocents, entries: before.entries + 1 });
    }
    for (const [id, { entryCount }] of transfers) {
      expect(sums.get(id) ?? { sum: 0n, entries: 0 }).toEqual({ sum: 0n, entries: entryCount });
    }
    const totalOf = (kind: Account['kind']) =>
      [...accounts.values()]
        .filter(({ account }) => account.kind === kind)
        .reduce((sum, { balanceMicrocents }) => sum + balanceMicrocents, 0n);
    for (const { account, balanceMicrocents } of accounts.values()) {
      if (account.kind === 'receivable') expect(balanceMicrocents).toBeLessThanOrEqual(0n);
      else if (account.kind !== 'clearing') expect(balanceMicrocents).toBeGreaterThanOrEqual(0n);
    }
    expect(totalOf('held')).toBe(
      [...open.values()].reduce((sum, { amountMicrocents }) => sum + amountMicrocents, 0n),
    );
    expect(totalOf('earnings')).toBe(
      pending.reduce((sum, { amountMicrocents }) => sum + amountMicrocents, 0n),
    );
  }
}
