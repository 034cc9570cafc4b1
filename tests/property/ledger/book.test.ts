import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { feeAccount, tenantAccount, transferIdFor } from '../../../server/domains/ledger/accounts.ts';
import type { LedgerCommand, LedgerOwner, ReversalCommand } from '../../../server/domains/ledger/types.ts';
import { asId, type TenantId } from '../../../server/kernel/ids.ts';
import { MemoryBooks } from '../../support/memory-books.ts';
import { LedgerModel } from './model.ts';

const owners: LedgerOwner[] = ['a', 'b', 'c'].map((name) => ({
  tenantId: asId<TenantId>(`tenant-${name}`),
}));
const ownerOf = (index: number) => owners[index] as LedgerOwner;

const owner = fc.nat({ max: 2 }).map(ownerOf);
const id = fc.nat({ max: 40 }).map((number) => transferIdFor('t', String(number)));
const amountMicrocents = fc.bigInt({ min: -1n, max: 120n });
const clearing = fc.constantFrom('manual' as const, 'stripe' as const);
const payees = fc.array(fc.record({ owner, amountMicrocents: fc.bigInt({ min: -1n, max: 40n }) }), {
  maxLength: 4,
});
const feeMicrocents = fc.bigInt({ min: -1n, max: 20n });
const command: fc.Arbitrary<LedgerCommand> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('top_up' as const, 'refund' as const, 'chargeback' as const),
    id,
    owner,
    amountMicrocents,
    clearing,
  }),
  fc.record({
    kind: fc.constant('payout' as const),
    id,
    owner,
    amountMicrocents: fc.constantFrom(0n, 1_000_000n, 999_999n),
    clearing,
  }),
  fc.record({
    kind: fc.constant('adjustment' as const),
    id,
    owner,
    amountMicrocents: fc.constantFrom(0n, 1_000_010n, 30n, -30n, -200n),
    clearing,
  }),
  fc.record({
    kind: fc.constant('hold' as const),
    id,
    owner,
    amountMicrocents,
    expiresAfterMs: fc.integer({ min: 1, max: 50 }),
    transactionId: fc.constant(null),
  }),
  fc.record({ kind: fc.constant('post' as const), id, holdId: id, payees, feeMicrocents }),
  fc.record({ kind: fc.constantFrom('void' as const, 'expire' as const), id, holdId: id }),
  fc.record({
    kind: fc.constant('transfer' as const),
    id,
    owner,
    payees,
    feeMicrocents,
    transactionId: fc.constant(null),
  }),
  fc.record({ kind: fc.constant('subscription' as const), id, owner, amountMicrocents }),
  fc.record({ kind: fc.constant('release_earnings' as const), id, owner }),
  fc.record({
    kind: fc.constant('reversal' as const),
    id,
    owner,
    postId: id,
    payees,
    feeMicrocents,
  }),
);
const unit = fc.array(command, { minLength: 1, maxLength: 4 });
/** Somebody pays somebody, from the top-up on. */
const paid = fc
  .record({
    name: fc.nat({ max: 20 }).map(String),
    owner,
    clearing,
    payees: fc.array(fc.record({ owner, amountMicrocents: fc.bigInt({ min: 0n, max: 40n }) }), {
      minLength: 1,
      maxLength: 3,
    }),
    feeMicrocents: fc.bigInt({ min: 0n, max: 20n }),
  })
  .map(({ name, clearing: provider, payees: paidTo, feeMicrocents: fee, owner: payer }): LedgerCommand[] => {
    const holdId = transferIdFor('paid hold', name);
    const amount = 200n;
    return [
      {
        kind: 'top_up',
        id: transferIdFor('paid top-up', name),
        owner: payer,
        amountMicrocents: amount,
        clearing: provider,
      },
      {
        kind: 'hold',
        id: holdId,
        owner: payer,
        amountMicrocents: amount,
        expiresAfterMs: 50,
        transactionId: null,
      },
      {
        kind: 'post',
        id: transferIdFor('paid', name),
        holdId,
        payees: paidTo,
        feeMicrocents: fee,
      },
    ];
  });
const batches = fc.array(
  fc.record({
    units: fc.array(fc.oneof(unit, paid), { minLength: 1, maxLength: 6 }),
    /** One of the posts there are is reversed: how much of it, in percent. */
    reversal: fc.option(
      fc.record({ post: fc.nat(), percent: fc.constantFrom(1, 50, 100, 101), isFrozen: fc.boolean() }),
    ),
  }),
  { maxLength: 25 },
);

/** Gives back a part of what is left of one of the posts; null: there is none. */
function reversalOf(books: MemoryBooks, chosen: number, percent: number): ReversalCommand | null {
  const posts = [...books.kept.transfers.values()].filter(({ kind }) => kind === 'post');
  const post = posts[chosen % posts.length];
  if (post === undefined) return null;
  const part = (amount: bigint) => (amount * BigInt(percent) + 99n) / 100n;
  const lots = books.kept.pending.filter(({ transferId }) => transferId === post.id);
  return {
    kind: 'reversal',
    id: transferIdFor('reversal', post.id),
    owner: post.owner,
    postId: post.id,
    payees: lots.map((lot) => ({ owner: lot.owner, amountMicrocents: part(lot.amountMicrocents) })),
    feeMicrocents: part(post.feeMicrocents),
  };
}

describe('the books', () => {
  it.each([0, 25])(
    'agree with a plain model, sum to zero and overdraw nobody, whatever units come in whatever batches, some of them lost (release delay %i ms)',
    (earningsReleaseDelayMs) => {
      let reversals = 0;
      fc.assert(
        fc.property(batches, fc.infiniteStream(fc.nat({ max: 9 })), (given, chance) => {
          const options = { feeShard: 3, earningsReleaseDelayMs };
          const model = new LedgerModel(earningsReleaseDelayMs);
          const books = new MemoryBooks(options);
          let nowMs = 0;
          for (const { units, reversal } of given) {
            nowMs += 10;
            const command = reversal && reversalOf(books, reversal.post, reversal.percent);
            if (command) {
              books.setFrozen(command.postId, reversal.isFrozen);
              model.setFrozen(command.postId, reversal.isFrozen);
            }
            const batch = command ? [...units, [command]] : units;
            const kept = books.keptState();
            const answers = books.apply(batch, nowMs);
            // The process ends before the commit, or after it and before anybody hears of it; then the batch comes again.
            const dice = chance.next().value ?? 9;
            if (dice === 0) books.restore(kept);
            const heard = dice <= 1 ? books.apply(batch, nowMs) : answers;
            const expected = batch.map((each) => model.run(each, nowMs));
            if (dice === 1) {
              for (const [index, answer] of heard.entries()) {
                if (answers[index]?.ok) expect(answer.ok).toBe(true);
              }
            } else {
              expect(heard.map((answer) => (answer.ok ? 'done' : answer.reason))).toEqual(expected);
            }
            if (dice === 1) for (const each of batch) model.run(each, nowMs);
            books.expectInOrder();
            for (const each of owners) {
              for (const kind of ['available', 'held', 'earnings', 'receivable'] as const) {
                expect(books.balanceOf(tenantAccount(kind, each))).toBe(model.balanceOf(kind, each));
              }
            }
            expect(books.balanceOf(feeAccount(3))).toBe(model.fees);
            for (const { kind } of books.kept.transfers.values()) if (kind === 'reversal') reversals++;
          }
        }),
        { numRuns: 200 },
      );
      expect(reversals).toBeGreaterThan(0);
    },
  );
});
