import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { allowanceSource, tenantAccount } from '../../../server/domains/ledger/accounts.ts';
import {
  createAllowanceService,
  freezeEarnings,
  transferIdFor,
} from '../../../server/domains/ledger/index.ts';
import { keepChanges } from '../../../server/domains/ledger/rows.postgres.ts';
import type { Account, Transfer } from '../../../server/domains/ledger/types.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { DAY_MS } from '../../../server/kernel/clock.ts';
import type { Sql } from '../../../server/kernel/database.ts';
import type { TransferId } from '../../../server/kernel/ids.ts';
import { newOwner } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createLedgerNode, newTransferId } from '../../support/ledger.ts';

let db: TestDatabase;
let node: ReturnType<typeof createLedgerNode>;
let clock: FakeClock;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let alice: AccountActor;
let bob: AccountActor;
let allowances: ReturnType<typeof createAllowanceService>;
const operator = newOwner(true);
beforeEach(async () => {
  clock = new FakeClock(Date.now());
  node = createLedgerNode(db, { clock, earningsReleaseDelayMs: 1_000 });
  alice = await node.rich(1_000n);
  bob = await node.rich(1n);
  const tenants = {
    findTenantOfAccount: async (id: string) =>
      [alice, bob].find(({ accountId }) => accountId === id)?.tenantId ?? null,
  };
  // One micro-cent a token.
  allowances = createAllowanceService(
    { referenceMicrocents: 1_000n },
    { ledger: node.ledger, store: node.store, tenants, clock },
  );
});

const grant = (
  tokens: bigint,
  days: number,
  actor = operator,
  idempotencyKey: string | null = newTransferId(),
) =>
  allowances.grant(actor, {
    accountId: alice.accountId,
    tokens,
    endsAtMs: clock.nowMs() + days * DAY_MS,
    idempotencyKey,
  });
const hold = async (amountMicrocents: bigint): Promise<TransferId> => {
  const id = newTransferId();
  const command = {
    kind: 'hold',
    id,
    owner: alice,
    amountMicrocents,
    expiresAfterMs: 60_000,
    transactionId: null,
  } as const;
  expect(await node.ledger.commit({ commands: [command], rows: [] })).toMatchObject({ ok: true });
  return id;
};
const post = async (holdId: TransferId, earnings: bigint, feeMicrocents: bigint): Promise<TransferId> => {
  const id = transferIdFor('post', holdId);
  const payees = [{ owner: bob, amountMicrocents: earnings }];
  const command = { kind: 'post', id, holdId, payees, feeMicrocents } as const;
  expect(await node.ledger.commit({ commands: [command], rows: [] })).toMatchObject({ ok: true });
  return id;
};
const left = async () => (await allowances.list(alice)).map(({ tokensLeft }) => tokensLeft);
const money = async () => {
  const { availableMicrocents, heldMicrocents, allowanceMicrocents } = await node.ledger.balance(alice);
  return [availableMicrocents, heldMicrocents, allowanceMicrocents];
};
async function expectBooksInOrder() {
  expect((await node.ledger.verify(null)).totalsMatch).toBe(true);
  expect(await node.store.readTrialBalance()).toMatchObject({
    entriesSumMicrocents: 0n,
    mismatchedAccounts: 0,
  });
}

describe('an allowance', () => {
  it('pays before the balance does; what is not used goes back where it came from', async () => {
    await grant(100n, 30);
    const small = await hold(60n);
    expect(await money()).toEqual([1_000n, 60n, 40n]);
    const large = await hold(90n);
    expect(await money()).toEqual([950n, 150n, 0n]);
    await post(small, 40n, 10n);
    expect(await money()).toEqual([950n, 90n, 10n]);
    await post(large, 50n, 10n);
    expect(await money()).toEqual([980n, 0n, 10n]);
    expect(await left()).toEqual([10n]);
    await expectBooksInOrder();
  });

  it('gets back what of a hold it had set aside when that is given up or expires', async () => {
    await grant(100n, 30);
    const first = await hold(150n);
    const command = { kind: 'void', id: transferIdFor('void', first), holdId: first } as const;
    expect(await node.ledger.commit({ commands: [command], rows: [] })).toMatchObject({ ok: true });
    expect(await money()).toEqual([1_000n, 0n, 100n]);
    await hold(150n);
    await clock.advance(60_001);
    expect(await node.ledger.expireHolds()).toBeGreaterThanOrEqual(1);
    expect(await money()).toEqual([1_000n, 0n, 100n]);
    await expectBooksInOrder();
  });

  it('ends at its time, and what is used counts against what ends first', async () => {
    await grant(100n, 30);
    await grant(50n, 10);
    await post(await hold(70n), 63n, 7n);
    expect(await left()).toEqual([80n, 0n]);
    await clock.advance(10 * DAY_MS);
    await allowances.endDue();
    expect(await left()).toEqual([80n, 0n]);
    await hold(20n);
    await clock.advance(20 * DAY_MS);
    await allowances.endDue();
    expect(await money()).toEqual([1_000n, 20n, 0n]);
    // What comes back to an allowance that has ended is gone with the next round.
    await node.ledger.expireHolds();
    expect(await money()).toEqual([1_000n, 0n, 20n]);
    await allowances.endDue();
    expect(await money()).toEqual([1_000n, 0n, 0n]);
    await expectBooksInOrder();
  });

  it('is no money: what is refunded of what both paid is money first, as far as money was paid', async () => {
    await grant(60n, 30);
    const postId = await post(await hold(100n), 90n, 10n);
    expect(await money()).toEqual([960n, 0n, 0n]);
    await asServer((sql) => freezeEarnings(sql, { postId, tenantIds: [bob.tenantId] }, clock.nowMs()));
    const payees = [{ owner: bob, amountMicrocents: 45n }];
    const id = transferIdFor('reversal', postId);
    const command = { kind: 'reversal', id, owner: alice, postId, payees, feeMicrocents: 5n } as const;
    expect(await node.ledger.commit({ commands: [command], rows: [] })).toMatchObject({ ok: true });
    expect(await money()).toEqual([1_000n, 0n, 10n]);
    await expectBooksInOrder();
  });

  it('is granted once for a key, by an operator, to somebody, in range', async () => {
    const key = newTransferId();
    const granted = await grant(100n, 30, operator, key);
    const nowMs = clock.nowMs();
    expect(await grant(100n, 30, operator, key)).toMatchObject({ id: granted.id });
    expect(await left()).toEqual([100n]);
    await expect(grant(101n, 30, operator, key)).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
    await expect(grant(1n, 1, operator, null)).rejects.toMatchObject({ code: 'idempotency_key_required' });
    await expect(grant(1n, 1, alice)).rejects.toMatchObject({ code: 'forbidden' });
    for (const [tokens, days] of [
      [0n, 1],
      [10n ** 13n, 1],
      [1n, 0],
      [1n, 3_000],
    ] as const)
      await expect(grant(tokens, days)).rejects.toMatchObject({ code: 'amount_out_of_range' });
    const unknown = { accountId: newOwner().accountId, tokens: 1n, endsAtMs: nowMs + 1, idempotencyKey: 'k' };
    await expect(allowances.grant(operator, unknown)).rejects.toMatchObject({ code: 'user_not_found' });
    expect(await allowances.list(bob)).toEqual([]);
  });
});

const asServer = <T>(work: (sql: Sql) => Promise<T>) => db.database.system('money', work);

/** A transfer with its entries by hand, each at the next place of its account. */
async function byHand(
  transfer: Partial<Transfer> & Pick<Transfer, 'kind'>,
  moves: readonly (readonly [Account, bigint])[],
): Promise<void> {
  await asServer(async (sql) => {
    const id = newTransferId();
    const entries = [];
    for (const [account, amountMicrocents] of moves) {
      await sql`
        INSERT INTO ledger_accounts (id, tenant_id, kind, part)
        VALUES (${account.id}, ${account.tenantId}, ${account.kind}, ${account.part}) ON CONFLICT DO NOTHING`;
      const [row] = await sql<{ last_position: bigint }[]>`
        SELECT last_position FROM ledger_accounts WHERE id = ${account.id}`;
      const position = (row?.last_position ?? 0n) + 1n;
      const { kind: transferKind } = transfer;
      entries.push({
        transferId: id,
        account,
        position,
        transferKind,
        transactionId: null,
        amountMicrocents,
        releaseAtMs: null,
      });
    }
    const whole: Transfer = {
      id,
      owner: alice,
      amountMicrocents: 0n,
      feeMicrocents: 0n,
      releasedMicrocents: 0n,
      heldMicrocents: 0n,
      allowanceMicrocents: 0n,
      holdId: null,
      reversesId: null,
      transactionId: null,
      expiresAtMs: null,
      entryCount: moves.length,
      fingerprint: 'by hand',
      createdAtMs: clock.nowMs(),
      ...transfer,
    };
    await keepChanges(sql, { transfers: [whole], entries, releasedEarnings: [] }, clock.nowMs());
  });
}

describe('the database refuses, whoever writes,', () => {
  const available = () => tenantAccount('available', alice);
  const held = () => tenantAccount('held', alice);
  const allowance = () => tenantAccount('allowance', alice);
  const refused = expect.objectContaining({ code: expect.stringMatching(/^23/) });
  let open: TransferId;
  beforeEach(async () => {
    await grant(100n, 30);
    open = await hold(60n);
  });

  it('an allowance that becomes money where its hold is given up, or what it didn’t need where it is paid', async () => {
    const resolved = { holdId: open, heldMicrocents: -60n };
    const gone = { ...resolved, kind: 'void', amountMicrocents: 60n, releasedMicrocents: 60n } as const;
    await expect(
      byHand(gone, [
        [held(), -60n],
        [available(), 60n],
      ]),
    ).rejects.toEqual(refused);
    const paid = { ...resolved, kind: 'post', amountMicrocents: 20n, releasedMicrocents: 40n } as const;
    for (const back of [0n, 10n])
      await expect(
        byHand({ ...paid, allowanceMicrocents: back }, [
          [held(), -60n],
          [tenantAccount('available', bob), 20n],
          [available(), 40n - back],
          ...(back === 0n ? [] : [[allowance(), back] as const]),
        ]),
      ).rejects.toEqual(refused);
    expect(await money()).toEqual([1_000n, 60n, 40n]);
  });

  it('what says one thing of the allowance and books another', async () => {
    const taken = { kind: 'hold', amountMicrocents: 10n, heldMicrocents: 10n } as const;
    const expiresAtMs = clock.nowMs() + 1_000;
    await expect(
      byHand({ ...taken, expiresAtMs, allowanceMicrocents: 0n }, [
        [allowance(), -10n],
        [held(), 10n],
      ]),
    ).rejects.toEqual(refused);
    await expect(
      byHand({ ...taken, expiresAtMs, allowanceMicrocents: -10n }, [
        [available(), -10n],
        [held(), 10n],
      ]),
    ).rejects.toEqual(refused);
  });

  it('an allowance that is spent, given away or granted by other transfers, or out of somebody’s money', async () => {
    const moved = { kind: 'transfer', amountMicrocents: 10n } as const;
    for (const to of [available(), tenantAccount('allowance', bob), tenantAccount('available', bob)])
      await expect(
        byHand(moved, [
          [allowance(), -10n],
          [to, 10n],
        ]),
      ).rejects.toEqual(refused);
    const granted = { kind: 'allowance_grant', amountMicrocents: 10n, allowanceMicrocents: 10n } as const;
    await expect(
      byHand(granted, [
        [allowance(), 10n],
        [available(), -10n],
      ]),
    ).rejects.toEqual(refused);
    await expect(
      byHand({ ...granted, kind: 'allowance_end', allowanceMicrocents: -10n }, [
        [allowance(), -10n],
        [available(), 10n],
      ]),
    ).rejects.toEqual(refused);
    const ofBob = [tenantAccount('allowance', bob), 10n] as const;
    await expect(byHand(granted, [ofBob, [allowanceSource(), -10n]])).rejects.toEqual(refused);
  });

  it('a reversal that makes money of what an allowance paid', async () => {
    const postId = await post(open, 50n, 10n);
    await asServer((sql) => freezeEarnings(sql, { postId, tenantIds: [bob.tenantId] }, clock.nowMs()));
    const reversal = { kind: 'reversal', amountMicrocents: 50n, reversesId: postId } as const;
    await expect(
      byHand(reversal, [
        [tenantAccount('earnings', bob), -50n],
        [available(), 50n],
      ]),
    ).rejects.toEqual(refused);
    expect(await money()).toEqual([1_000n, 0n, 40n]);
  });

  it('an allowance that no transfer granted, and any change of one', async () => {
    const insert = (id: string, amount: bigint) =>
      asServer(
        (sql) => sql`
          INSERT INTO ledger_allowances (id, tenant_id, tokens, microcents_per_1000_tokens, amount_microcents, granted_at, ends_at)
          VALUES (${id}, ${alice.tenantId}, 1, 1, ${amount}, now(), now() + interval '1 day')`,
      );
    await expect(insert(newTransferId(), 1n)).rejects.toEqual(refused);
    await expect(insert(open, 60n)).rejects.toEqual(refused);
    for (const change of [
      (sql: Sql) => sql`UPDATE ledger_allowances SET tokens = tokens + 1`,
      (sql: Sql) => sql`DELETE FROM ledger_allowances`,
    ])
      await expect(asServer((sql) => change(sql))).rejects.toMatchObject({
        code: expect.stringMatching(/^(23001|42501)$/),
      });
  });
});
