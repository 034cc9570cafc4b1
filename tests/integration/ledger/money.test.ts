import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  businessRow,
  type LedgerCommand,
  type RowWriter,
  type StatementCursor,
  type StatementEntry,
  transferIdFor,
} from '../../../server/domains/ledger/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { addOwner, newOwner } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createLedgerNode, newTransferId } from '../../support/ledger.ts';

let db: TestDatabase;
let node: ReturnType<typeof createLedgerNode>;
beforeAll(async () => {
  db = await createTestDatabase();
  node = createLedgerNode(db);
});
afterAll(() => db.close());

/** An owner without money, whom the database knows. */
async function knownOwner(): Promise<AccountActor> {
  const owner = newOwner();
  await addOwner(db.database, owner);
  return owner;
}

const holdOf = (owner: AccountActor, amountMicrocents: bigint, id = newTransferId()) =>
  ({ kind: 'hold', id, owner, amountMicrocents, expiresAfterMs: 60_000, transactionId: null }) as const;
const clear = (
  kind: 'top_up' | 'refund' | 'payout' | 'chargeback' | 'adjustment',
  owner: AccountActor,
  amountMicrocents: bigint,
): LedgerCommand => ({ kind, id: newTransferId(), owner, amountMicrocents, clearing: 'paypal' });
const commit = (...commands: LedgerCommand[]) => node.ledger.commit({ commands, rows: [] });
const balance = (owner: AccountActor, at = node) => at.ledger.balance(owner);

async function expectInOrder() {
  const books = await node.store.readTrialBalance();
  expect(books).toMatchObject({ entriesSumMicrocents: 0n, mismatchedAccounts: 0 });
  expect(books.totalMicrocents.held).toBe(books.openHoldsMicrocents);
}

describe('a unit of work', () => {
  it('pays several payees and the fee out of one hold, and gives the rest back', async () => {
    const alice = await node.rich(1_000n);
    const payees = [await knownOwner(), await knownOwner(), await knownOwner()];
    const hold = holdOf(alice, 100n);
    const results = await node.commit({
      commands: [
        hold,
        {
          kind: 'post',
          id: transferIdFor('post', hold.id),
          holdId: hold.id,
          payees: payees.map((owner, index) => ({ owner, amountMicrocents: BigInt(index * 10) })),
          feeMicrocents: 5n,
        },
      ],
      rows: [],
    });
    expect(results[1]?.transfer).toMatchObject({ amountMicrocents: 35n, releasedMicrocents: 65n });
    expect(await balance(alice)).toMatchObject({ availableMicrocents: 965n, heldMicrocents: 0n });
    for (const [index, owner] of payees.entries()) {
      expect((await balance(owner)).availableMicrocents).toBe(BigInt(index * 10));
    }
    await expectInOrder();
  });

  it('changes nothing when one of its commands is refused, and says which', async () => {
    const alice = await node.rich(1_000n);
    const outcome = await commit(holdOf(alice, 600n), clear('top_up', alice, 5n), holdOf(alice, 600n));
    expect(outcome).toEqual({ ok: false, reason: 'insufficient_balance', command: 2 });
    expect(await balance(alice)).toMatchObject({ availableMicrocents: 1_000n, heldMicrocents: 0n });
  });

  it('decides each command on what the one before it left: a hold makes room for a larger one', async () => {
    const alice = await node.rich(1_000n);
    const small = holdOf(alice, 600n);
    await node.commit({ commands: [small], rows: [] });
    const exchange = await commit(
      { kind: 'void', id: transferIdFor('void', small.id), holdId: small.id },
      holdOf(alice, 900n),
    );
    expect(exchange.ok).toBe(true);
    expect(await balance(alice)).toMatchObject({ availableMicrocents: 100n, heldMicrocents: 900n });
  });

  it('holds nothing, for nothing, and still ends that hold only once', async () => {
    const alice = await knownOwner();
    const hold = holdOf(alice, 0n);
    const end = (kind: 'post' | 'void') => {
      const ids = { id: transferIdFor(kind, hold.id), holdId: hold.id };
      return commit(kind === 'post' ? { kind, ...ids, payees: [], feeMicrocents: 0n } : { kind, ...ids });
    };
    expect((await commit(hold)).ok).toBe(true);
    expect((await end('post')).ok).toBe(true);
    expect((await end('post')).ok).toBe(true);
    expect(await end('void')).toEqual({ ok: false, reason: 'hold_resolved', command: 0 });
    await expectInOrder();
  });
});

describe('the rows of a unit', () => {
  const written: string[][] = [];
  /** Writes accounts without money, since any table that the role may write does. */
  const writer = (name: string): RowWriter<string> => ({
    name,
    async write(sql, rows) {
      written.push([name, ...rows]);
      await sql`
        INSERT INTO ledger_verified_accounts (account_id, position, sum_microcents)
        SELECT id::uuid, 1, 0 FROM jsonb_array_elements_text(${JSON.stringify(rows)}::text::jsonb) AS row(id)
        ON CONFLICT DO NOTHING`;
    },
  });
  const [first, second] = [writer('a-rows'), writer('b-rows')];
  const kept = async (id: string) =>
    (
      await db.database.system(
        'money',
        (sql) => sql`SELECT FROM ledger_verified_accounts WHERE account_id = ${id}`,
      )
    ).length === 1;

  it('are written in the transaction of its commands, once for each kind in a batch, in the order of names', async () => {
    written.length = 0;
    const alice = await node.rich(1_000n);
    const ids = Array.from({ length: 20 }, () => newTransferId());
    const outcomes = await Promise.all(
      ids.map((id, index) =>
        node.ledger.commit({
          commands: [holdOf(alice, index === 7 ? 5_000n : 1n)],
          rows: [businessRow(second, id), businessRow(first, id)],
        }),
      ),
    );
    expect(outcomes.filter(({ ok }) => !ok)).toHaveLength(1);
    const rows = ids.filter((_, index) => index !== 7);
    expect(written).toEqual([
      ['a-rows', ...rows],
      ['b-rows', ...rows],
    ]);
    expect(await kept(ids[0] ?? '')).toBe(true);
    expect(await kept(ids[7] ?? '')).toBe(false);
  });

  it('may come without a command, and again with the same unit', async () => {
    const id = newTransferId();
    const unit = { commands: [], rows: [businessRow(first, id)] };
    expect(await node.ledger.commit(unit)).toEqual({ ok: true, results: [] });
    const alice = await node.rich(10n);
    const full = { commands: [holdOf(alice, 1n)], rows: [businessRow(first, id)] };
    await node.ledger.commit(full);
    expect(await node.ledger.commit(full)).toMatchObject({ ok: true, results: [{ replayed: true }] });
    expect((await balance(alice)).heldMicrocents).toBe(1n);
  });

  it('take their unit down with them when they can not be written, and no other', async () => {
    const alice = await node.rich(1_000n);
    const units = Array.from({ length: 30 }, (_, index) => ({
      commands: [holdOf(alice, 1n)],
      rows: [businessRow(first, index === 11 ? 'no uuid' : newTransferId())],
    }));
    const answers = await Promise.allSettled(units.map((unit) => node.ledger.commit(unit)));
    const failed = answers.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []));
    expect(failed).toEqual([11]);
    expect((await balance(alice)).heldMicrocents).toBe(29n);
    await expectInOrder();
  });
});

describe('a chargeback', () => {
  it('takes what is there, makes a debt of the rest, and lets later credits pay it off first', async () => {
    const alice = await node.rich(1_000n);
    const hold = holdOf(alice, 700n);
    await node.commit({ commands: [hold], rows: [] });
    expect((await commit(clear('chargeback', alice, 1_000n))).ok).toBe(true);
    expect(await balance(alice)).toEqual({
      availableMicrocents: 0n,
      heldMicrocents: 700n,
      earningsMicrocents: 0n,
      owedMicrocents: 700n,
      allowanceMicrocents: 0n,
    });
    await node.commit({ commands: [{ kind: 'void', id: newTransferId(), holdId: hold.id }], rows: [] });
    expect(await balance(alice)).toMatchObject({
      availableMicrocents: 0n,
      heldMicrocents: 0n,
      owedMicrocents: 0n,
      allowanceMicrocents: 0n,
    });
    await node.commit({ commands: [clear('chargeback', alice, 50n), clear('top_up', alice, 80n)], rows: [] });
    expect(await balance(alice)).toMatchObject({ availableMicrocents: 30n, owedMicrocents: 0n });
    await expectInOrder();
  });

  it('of a debtor is a larger debt, which earnings pay off', async () => {
    const [alice, bob] = [await knownOwner(), await node.rich(100n)];
    await node.commit({ commands: [clear('chargeback', alice, 40n)], rows: [] });
    expect(await commit(holdOf(alice, 1n))).toMatchObject({ ok: false, reason: 'insufficient_balance' });
    await node.commit({
      commands: [
        {
          kind: 'transfer',
          id: newTransferId(),
          owner: bob,
          payees: [{ owner: alice, amountMicrocents: 60n }],
          feeMicrocents: 3n,
          transactionId: null,
        },
      ],
      rows: [],
    });
    expect(await balance(alice)).toMatchObject({ availableMicrocents: 20n, owedMicrocents: 0n });
    expect(await balance(bob)).toMatchObject({ availableMicrocents: 37n });
    await expectInOrder();
  });
});

describe('money that leaves', () => {
  it('by refund, payout, subscription and correction comes out of what is available', async () => {
    const alice = await node.rich(10_000_000n);
    await node.commit({
      commands: [
        clear('refund', alice, 1n),
        clear('payout', alice, 3_000_000n),
        { kind: 'subscription', id: newTransferId(), owner: alice, amountMicrocents: 2n },
        clear('adjustment', alice, -4n),
        clear('adjustment', alice, 10n),
      ],
      rows: [],
    });
    expect((await balance(alice)).availableMicrocents).toBe(7_000_003n);
    await expectInOrder();
  });

  it('is never more than there is, and a payout is in whole cents', async () => {
    const alice = await node.rich(1_500_000n);
    expect(await commit(clear('payout', alice, 1_500_000n))).toMatchObject({ reason: 'amount_out_of_range' });
    expect(await commit(clear('payout', alice, 2_000_000n))).toMatchObject({
      reason: 'insufficient_balance',
    });
    expect(await commit(clear('refund', alice, 1_500_001n))).toMatchObject({
      reason: 'insufficient_balance',
    });
    expect((await balance(alice)).availableMicrocents).toBe(1_500_000n);
  });
});

describe('earnings with a release time', () => {
  it('can not be spent before it, and are released once, whoever releases them', async () => {
    const clock = new FakeClock(Date.now());
    const slow = createLedgerNode(db, { clock, earningsReleaseDelayMs: 1_000 });
    const other = createLedgerNode(db, { clock, earningsReleaseDelayMs: 1_000 });
    const [alice, bob] = [await slow.rich(1_000n), await knownOwner()];
    const pay = async (amountMicrocents: bigint) => {
      const payees = [{ owner: bob, amountMicrocents }];
      await slow.commit({
        commands: [
          {
            kind: 'transfer',
            id: newTransferId(),
            owner: alice,
            payees,
            feeMicrocents: 1n,
            transactionId: null,
          },
        ],
        rows: [],
      });
    };
    await pay(30n);
    clock.advance(600);
    await pay(5n);
    expect(await balance(bob, slow)).toMatchObject({ availableMicrocents: 0n, earningsMicrocents: 35n });
    expect((await slow.ledger.commit({ commands: [holdOf(bob, 1n)], rows: [] })).ok).toBe(false);
    expect(await slow.ledger.releaseEarnings()).toBe(0);
    clock.advance(400);
    const released = await Promise.all([slow.ledger.releaseEarnings(), other.ledger.releaseEarnings()]);
    expect(released.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(1);
    expect(await balance(bob, slow)).toMatchObject({ availableMicrocents: 30n, earningsMicrocents: 5n });
    clock.advance(600);
    await slow.ledger.releaseEarnings();
    expect(await balance(bob, slow)).toMatchObject({ availableMicrocents: 35n, earningsMicrocents: 0n });
    const { entries } = await slow.ledger.statement(bob, { before: null, limit: 100 });
    expect(entries.filter(({ releaseAtMs }) => releaseAtMs !== null)).toHaveLength(2);
    await expectInOrder();
  });
});

describe('the fees', () => {
  it('of two writers go to two accounts, so that neither waits for the other', async () => {
    const shards = [createLedgerNode(db, { feeShard: 5 }), createLedgerNode(db, { feeShard: 6 })];
    const alice = await node.rich(100n);
    for (const shard of shards) {
      await shard.commit({
        commands: [{ kind: 'subscription', id: newTransferId(), owner: alice, amountMicrocents: 7n }],
        rows: [],
      });
    }
    const rows = await db.database.system(
      'money',
      (sql) => sql<{ part: string; balance_microcents: bigint }[]>`
        SELECT part, balance_microcents FROM ledger_accounts WHERE kind = 'fee' AND part IN ('5', '6') ORDER BY part`,
    );
    expect(rows.map((row) => [row.part, row.balance_microcents])).toEqual([
      ['5', 7n],
      ['6', 7n],
    ]);
  });
});

describe("a tenant's statement", () => {
  it('numbers the entries of each account by itself, whatever others do meanwhile', async () => {
    const [alice, bob] = [await node.rich(100n), await node.rich(100n)];
    for (let count = 0; count < 3; count++) {
      await commit(holdOf(alice, 1n));
      await Promise.all(Array.from({ length: 10 }, () => commit(holdOf(bob, 1n))));
    }
    const seen: StatementEntry[] = [];
    let before: StatementCursor | null = null;
    do {
      const page: Awaited<ReturnType<typeof node.ledger.statement>> = await node.ledger.statement(alice, {
        before,
        limit: 2,
      });
      seen.push(...page.entries);
      before = page.nextBefore;
    } while (before !== null);
    const positions = (account: string) =>
      seen.filter((entry) => entry.account === account).map(({ position }) => position);
    expect(positions('available')).toEqual([4n, 3n, 2n, 1n]);
    expect(positions('held')).toEqual([3n, 2n, 1n]);
  });
});
