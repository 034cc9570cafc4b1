import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { transferIdFor } from '../../../server/domains/ledger/accounts.ts';
import { accountsOf, Book, type BookState } from '../../../server/domains/ledger/rules.ts';
import type { LedgerCommand, LedgerOwner, OpenHold, Transfer } from '../../../server/domains/ledger/types.ts';
import { asId, type LedgerAccountId, type TenantId, type TransferId } from '../../../server/kernel/ids.ts';

const owners: LedgerOwner[] = ['a', 'b', 'c'].map((name) => ({
  tenantId: asId<TenantId>(`tenant-${name}`),
}));
const ownerOf = (index: number) => owners[index] as LedgerOwner;

const owner = fc.nat({ max: 2 }).map(ownerOf);
const id = fc.nat({ max: 30 }).map((number) => transferIdFor('t', String(number)));
const amountCents = fc.bigInt({ min: -1n, max: 120n });
const command: fc.Arbitrary<LedgerCommand> = fc.oneof(
  fc.record({ kind: fc.constant('top_up' as const), id, owner, amountCents }),
  fc.record({
    kind: fc.constant('hold' as const),
    id,
    owner,
    amountCents,
    expiresAfterMs: fc.integer({ min: 1, max: 50 }),
    transactionId: fc.constant(null),
  }),
  fc.record({
    kind: fc.constant('post' as const),
    id,
    holdId: id,
    provider: owner,
    earningsCents: amountCents,
    feeCents: amountCents,
  }),
  fc.record({ kind: fc.constantFrom('void' as const, 'expire' as const), id, holdId: id }),
);

/** A ledger that is nothing but balances by name: what the books must agree with. */
class Model {
  readonly done = new Map<TransferId, string>();
  readonly open = new Map<TransferId, { owner: LedgerOwner; amount: bigint; expiresAt: number }>();
  readonly resolved = new Set<TransferId>();
  readonly available = new Map<TenantId, bigint>();
  fees = 0n;
  outside = 0n;

  run(command: LedgerCommand, now: number): string {
    const key = JSON.stringify(command, (_, part) => (typeof part === 'bigint' ? `${part}` : part));
    const before = this.done.get(command.id);
    if (before !== undefined) return before === key ? 'replayed' : 'idempotency_key_reused';
    const answer = this.#change(command, now);
    if (answer === 'done') this.done.set(command.id, key);
    return answer;
  }

  #add(owner: LedgerOwner, amount: bigint) {
    this.available.set(owner.tenantId, (this.available.get(owner.tenantId) ?? 0n) + amount);
  }

  #change(command: LedgerCommand, now: number): string {
    if (command.kind === 'top_up') {
      if (command.amountCents < 1n) return 'amount_out_of_range';
      this.#add(command.owner, command.amountCents);
      this.outside -= command.amountCents;
      return 'done';
    }
    if (command.kind === 'hold') {
      if (command.amountCents < 1n) return 'amount_out_of_range';
      if ((this.available.get(command.owner.tenantId) ?? 0n) < command.amountCents)
        return 'insufficient_balance';
      this.#add(command.owner, -command.amountCents);
      const { owner, amountCents: amount, expiresAfterMs } = command;
      this.open.set(command.id, { owner, amount, expiresAt: now + expiresAfterMs });
      return 'done';
    }
    const hold = this.open.get(command.holdId);
    if (!hold) return this.resolved.has(command.holdId) ? 'hold_resolved' : 'hold_not_found';
    if (command.kind === 'post') {
      const { earningsCents, feeCents } = command;
      const cost = earningsCents + feeCents;
      if (earningsCents < 0n || feeCents < 0n || cost < 1n || cost > hold.amount)
        return 'amount_out_of_range';
      this.#add(command.provider, earningsCents);
      this.#add(hold.owner, hold.amount - cost);
      this.fees += feeCents;
    } else {
      if (command.kind === 'expire' && hold.expiresAt > now) return 'hold_not_expired';
      this.#add(hold.owner, hold.amount);
    }
    this.open.delete(command.holdId);
    this.resolved.add(command.holdId);
    return 'done';
  }
}

/** Books in memory that take batches as the database does. */
class MemoryBooks {
  readonly balances = new Map<LedgerAccountId, bigint>();
  readonly transfers = new Map<TransferId, Transfer>();
  readonly open = new Map<TransferId, OpenHold>();
  entriesSum = 0n;

  apply(commands: readonly LedgerCommand[], now: number): string[] {
    const holders = new Map<TransferId, LedgerOwner>();
    for (const each of commands) if (each.kind === 'hold') holders.set(each.id, each.owner);
    for (const [transferId, transfer] of this.transfers) {
      if (transfer.kind === 'hold') holders.set(transferId, transfer.owner);
    }
    for (const each of commands) {
      for (const { id } of accountsOf(each, 'holdId' in each ? holders.get(each.holdId) : undefined)) {
        if (!this.balances.has(id)) this.balances.set(id, 0n);
      }
    }
    const holds = new Map<TransferId, OpenHold | null>();
    for (const [transferId, transfer] of this.transfers) {
      if (transfer.kind === 'hold') holds.set(transferId, this.open.get(transferId) ?? null);
    }
    const state: BookState = { balances: this.balances, transfers: this.transfers, holds };
    const book = new Book(state, now);
    const answers = commands.map((each) => {
      const outcome = book.execute(each);
      return outcome.ok ? (outcome.replayed ? 'replayed' : 'done') : outcome.reason;
    });
    const changes = book.changes();
    for (const transfer of changes.transfers) this.transfers.set(transfer.id, transfer);
    for (const hold of changes.openedHolds) this.open.set(hold.holdId, hold);
    for (const holdId of changes.closedHoldIds) this.open.delete(holdId);
    for (const [accountId, cents] of changes.balances) this.balances.set(accountId, cents);
    for (const entry of changes.entries) this.entriesSum += entry.amountCents;
    return answers;
  }
}

describe('the books', () => {
  it('agree with a plain model, sum to zero and are never negative, whatever commands come in whatever batches', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(command, { minLength: 1, maxLength: 12 }), { maxLength: 25 }),
        (batches) => {
          const model = new Model();
          const books = new MemoryBooks();
          let now = 0;
          for (const batch of batches) {
            now += 10;
            expect(books.apply(batch, now)).toEqual(batch.map((each) => model.run(each, now)));
            expect(books.entriesSum).toBe(0n);
            expect(new Set(books.open.keys())).toEqual(new Set(model.open.keys()));
            const positive = [...books.balances.values()].filter((cents) => cents > 0n);
            const negative = [...books.balances.values()].filter((cents) => cents < 0n);
            expect(negative.length).toBeLessThanOrEqual(1);
            expect(positive.reduce((sum, cents) => sum + cents, 0n)).toBe(-model.outside);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
