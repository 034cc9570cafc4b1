import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tenantAccount } from '../../../server/domains/ledger/accounts.ts';
import {
  freezeEarnings,
  type ReversalCommand,
  transferIdFor,
  unfrozenEarnings,
} from '../../../server/domains/ledger/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import type { Sql } from '../../../server/kernel/database.ts';
import type { TransferId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createLedgerNode, newTransferId } from '../../support/ledger.ts';

let db: TestDatabase;
let node: ReturnType<typeof createLedgerNode>;
const clock = new FakeClock(Date.now());
beforeAll(async () => {
  db = await createTestDatabase();
  node = createLedgerNode(db, { clock, earningsReleaseDelayMs: 1_000 });
});
afterAll(() => db.close());

let alice: AccountActor;
let bob: AccountActor;
let postId: TransferId;
beforeEach(async () => {
  alice = await node.rich(1_000n);
  bob = await node.rich(1n);
  postId = await pay();
});

/** Alice pays bob 90, and 10 of fees. */
async function pay(): Promise<TransferId> {
  const holdId = newTransferId();
  const id = transferIdFor('post', holdId);
  await node.commit({
    commands: [
      {
        kind: 'hold',
        id: holdId,
        owner: alice,
        amountMicrocents: 200n,
        expiresAfterMs: 60_000,
        transactionId: null,
      },
      {
        kind: 'post',
        id,
        holdId,
        payees: [{ owner: bob, amountMicrocents: 90n }],
        feeMicrocents: 10n,
      },
    ],
    rows: [],
  });
  return id;
}

const asServer = <T>(work: (sql: Sql) => Promise<T>) => db.database.system('money', work);
const post = () => ({ postId, tenantIds: [bob.tenantId] });
const freeze = () => asServer((sql) => freezeEarnings(sql, post(), clock.nowMs()));
const reversal = (earnings: bigint, fee: bigint, owner = alice): ReversalCommand => ({
  kind: 'reversal',
  id: transferIdFor('reversal', postId),
  owner,
  postId,
  payees: [{ owner: bob, amountMicrocents: earnings }],
  feeMicrocents: fee,
});
const give = (command: ReversalCommand) => node.ledger.commit({ commands: [command], rows: [] });
const balances = async () => {
  const [ours, theirs] = [await node.ledger.balance(alice), await node.ledger.balance(bob)];
  return [ours.availableMicrocents, theirs.availableMicrocents, theirs.earningsMicrocents];
};

describe('a reversal', () => {
  it('gives a part of frozen earnings and of the fee back to who paid, once, and the rest is released later', async () => {
    expect(await freeze()).toBe(1);
    expect(await freeze()).toBe(0);
    await clock.advance(1_001);
    await node.ledger.releaseEarnings();
    expect(await balances()).toEqual([900n, 1n, 90n]);
    expect(await give(reversal(45n, 5n))).toMatchObject({ ok: true });
    expect(await give(reversal(45n, 5n))).toMatchObject({ ok: true, results: [{ replayed: true }] });
    expect(await give({ ...reversal(1n, 0n), id: newTransferId() })).toMatchObject({
      ok: false,
      reason: 'earnings_released',
    });
    expect(await balances()).toEqual([950n, 1n, 45n]);
    await asServer((sql) => unfrozenEarnings.write(sql, [post()]));
    await node.ledger.releaseEarnings();
    expect(await balances()).toEqual([950n, 46n, 0n]);
    expect((await node.ledger.verify(null)).totalsMatch).toBe(true);
    expect(await node.store.readTrialBalance()).toMatchObject({
      entriesSumMicrocents: 0n,
      mismatchedAccounts: 0,
    });
  });

  it('of all leaves nothing to release', async () => {
    await freeze();
    expect(await give(reversal(90n, 10n))).toMatchObject({ ok: true });
    expect(await balances()).toEqual([1_000n, 1n, 0n]);
    expect((await node.ledger.verify(null)).totalsMatch).toBe(true);
  });

  it.each([
    ['of more than was earned', () => reversal(91n, 0n), 'earnings_released'],
    ['of more than the fee', () => reversal(1n, 11n), 'amount_out_of_range'],
    ['of nothing', () => reversal(0n, 0n), 'amount_out_of_range'],
    ['to somebody who did not pay', () => reversal(1n, 0n, bob), 'earnings_released'],
    ['of what never was', () => ({ ...reversal(1n, 0n), postId: newTransferId() }), 'earnings_released'],
  ])('%s is refused and changes nothing', async (_, command, reason) => {
    await freeze();
    expect(await give(command())).toMatchObject({ ok: false, reason });
    expect(await balances()).toEqual([900n, 1n, 90n]);
  });

  it('of earnings that are not frozen, or are due already, is refused', async () => {
    expect(await give(reversal(1n, 0n))).toMatchObject({ ok: false, reason: 'earnings_released' });
    await clock.advance(1_000);
    expect(await freeze()).toBe(0);
  });
});

describe('the database refuses, whoever writes,', () => {
  /** A reversal by hand: of alice's post, with these entries. */
  async function byHand(
    sql: Sql,
    fee: bigint,
    entries: readonly [account: 'available' | 'earnings', owner: AccountActor, amount: bigint][],
  ) {
    const id = newTransferId();
    const amount = entries.reduce((sum, [, , each]) => (each > 0n ? sum + each : sum), 0n);
    await sql`
      INSERT INTO ledger_transfers (id, tenant_id, kind, amount_microcents, fee_microcents, reverses_id, entry_count,
        fingerprint, created_at)
      VALUES (${id}, ${alice.tenantId}, 'reversal', ${amount}, ${fee}, ${postId}, ${entries.length}, 'by hand', now())`;
    const rows = entries.map(([account, owner, each]) => ({
      accountId: tenantAccount(account, owner).id,
      tenantId: owner.tenantId,
      account,
      amount: String(each),
    }));
    await sql`
      INSERT INTO ledger_entries (account_id, position, transfer_id, tenant_id, account_kind, transfer_kind,
        amount_microcents, created_at)
      SELECT "accountId", last_position + 1, ${id}, "tenantId", account, 'reversal', amount, now()
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
        AS row("accountId" uuid, "tenantId" uuid, account text, amount bigint)
        JOIN ledger_accounts ON ledger_accounts.id = "accountId"`;
  }

  it.each<[string, string, (sql: Sql) => Promise<unknown>]>([
    [
      'what comes from who paid nothing',
      '23000',
      (sql) =>
        byHand(sql, 0n, [
          ['available', bob, -1n],
          ['available', alice, 1n],
        ]),
    ],
    [
      'what goes to somebody else',
      '23000',
      (sql) =>
        byHand(sql, 0n, [
          ['earnings', bob, -5n],
          ['available', bob, 5n],
        ]),
    ],
    [
      'a fee that no entry gives back',
      '23000',
      (sql) =>
        byHand(sql, 1n, [
          ['earnings', bob, -5n],
          ['available', alice, 5n],
        ]),
    ],
    [
      'that frozen earnings are released',
      '23001',
      (sql) => sql`DELETE FROM ledger_pending_earnings WHERE tenant_id = ${bob.tenantId}`,
    ],
    [
      'that frozen earnings become less',
      '23001',
      (sql) =>
        sql`UPDATE ledger_pending_earnings SET amount_microcents = 1 WHERE tenant_id = ${bob.tenantId}`,
    ],
  ])('%s', async (_, code, write) => {
    await freeze();
    await expect(asServer(write)).rejects.toMatchObject({ code });
    expect(await balances()).toEqual([900n, 1n, 90n]);
  });

  it('to take more than this post has earned, though there is more of others', async () => {
    await freeze();
    await pay();
    const give = (sql: Sql) =>
      byHand(sql, 0n, [
        ['earnings', bob, -91n],
        ['available', alice, 91n],
      ]);
    await expect(asServer(give)).rejects.toMatchObject({ code: '23000' });
  });

  it('to reverse what is not frozen, and takes the same where it is', async () => {
    const give = (sql: Sql) =>
      byHand(sql, 0n, [
        ['earnings', bob, -5n],
        ['available', alice, 5n],
      ]);
    await expect(asServer(give)).rejects.toMatchObject({ code: '23000' });
    await freeze();
    await asServer(give);
    expect(await balances()).toEqual([905n, 1n, 85n]);
    await expect(asServer(give)).rejects.toMatchObject({ code: '23505' });
  });
});
