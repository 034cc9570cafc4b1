import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createLedgerService,
  createLedgerStore,
  LEDGER_WRITER_LIMITS,
  LedgerWriter,
  transferIdFor,
} from '../../../server/domains/ledger/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { type AccountId, asId, type TenantId, type TransactionId } from '../../../server/kernel/ids.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { addOwner, newOwner } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createHolds } from '../../support/holds.ts';
import { silentLogger } from '../../support/logger.ts';

const random = createSystemRandom();
const admin = newOwner(true);

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

/** A ledger as one node of several has it. */
function createNode(clock = new FakeClock(Date.now())) {
  const store = createLedgerStore(db.database);
  const batches: number[] = [];
  const counted: typeof store = {
    ...store,
    apply: (units, nowMs) => {
      batches.push(units.length);
      return store.apply(units, nowMs);
    },
  };
  const writer = new LedgerWriter(LEDGER_WRITER_LIMITS, {
    store: counted,
    clock,
    random,
    logger: silentLogger,
  });
  const directory = { findTenantOfAccount: async (id: AccountId) => tenants.get(id) ?? null };
  const ledger = createLedgerService({ writer, store, tenants: directory, clock });
  return { clock, batches, writer, ledger, holds: createHolds(ledger) };
}
type Node = ReturnType<typeof createNode>;

const tenants = new Map<AccountId, TenantId>();
let node: Node;
let alice: AccountActor;
let bob: AccountActor;
beforeEach(async () => {
  node = createNode();
  alice = newOwner();
  bob = newOwner();
  for (const actor of [alice, bob]) {
    tenants.set(actor.accountId, actor.tenantId);
    await addOwner(db.database, actor);
  }
  await topUp(node, 'first', 1_000n);
});

const topUp = ({ ledger }: Node, key: string, amountMicrocents: bigint, actor = alice) =>
  ledger.topUp(admin, {
    accountId: actor.accountId,
    amountMicrocents,
    idempotencyKey: `${key}-${actor.accountId}`,
  });
const hold = ({ holds }: Node, name: string, amountMicrocents: bigint, actor = alice) =>
  holds.hold(actor, {
    holdId: transferIdFor(name, actor.accountId),
    amountMicrocents,
    expiresAfterMs: 60_000,
    transactionId: asId<TransactionId>(random.uuid()),
  });
const holdIdOf = (name: string, actor = alice) => transferIdFor(name, actor.accountId);

async function expectInOrder() {
  const books = await node.ledger.trialBalance(admin);
  expect(books.entriesSumMicrocents).toBe(0n);
  expect(books.mismatchedAccounts).toBe(0);
  expect(books.totalMicrocents.held).toBe(books.openHoldsMicrocents);
  const sum = Object.values(books.totalMicrocents).reduce((total, amount) => total + amount, 0n);
  expect(sum).toBe(0n);
  return books;
}

describe('the ledger', () => {
  it('pays provider and fee out of a hold and releases the rest', async () => {
    expect((await hold(node, 'h', 100n)).ok).toBe(true);
    expect(await node.ledger.balance(alice)).toMatchObject({
      availableMicrocents: 900n,
      heldMicrocents: 100n,
    });
    const before = await expectInOrder();
    const posted = await node.holds.post({
      holdId: holdIdOf('h'),
      payees: [{ owner: bob, amountMicrocents: 61n }],
      feeMicrocents: 9n,
    });
    expect(posted).toMatchObject({ ok: true, transfer: { amountMicrocents: 70n, releasedMicrocents: 30n } });
    expect(await node.ledger.balance(alice)).toMatchObject({ availableMicrocents: 930n, heldMicrocents: 0n });
    expect(await node.ledger.balance(bob)).toMatchObject({ availableMicrocents: 61n, heldMicrocents: 0n });
    const after = await expectInOrder();
    expect(after.totalMicrocents.fee - before.totalMicrocents.fee).toBe(9n);
  });

  it('pays a provider who asked itself', async () => {
    await hold(node, 'self', 100n);
    await node.holds.post({
      holdId: holdIdOf('self'),
      payees: [{ owner: alice, amountMicrocents: 88n }],
      feeMicrocents: 12n,
    });
    expect(await node.ledger.balance(alice)).toMatchObject({ availableMicrocents: 988n, heldMicrocents: 0n });
    await expectInOrder();
  });

  it('refuses a hold above the balance and leaves everything as it was', async () => {
    expect(await hold(node, 'h', 1_001n)).toEqual({ ok: false, reason: 'insufficient_balance' });
    expect(await node.ledger.balance(alice)).toMatchObject({
      availableMicrocents: 1_000n,
      heldMicrocents: 0n,
    });
  });

  it('refuses amounts out of range', async () => {
    await expect(topUp(node, 'zero', 0n)).rejects.toMatchObject({ code: 'amount_out_of_range' });
    await expect(topUp(node, 'negative', -5n)).rejects.toMatchObject({ code: 'amount_out_of_range' });
    await expect(topUp(node, 'huge', 10_000_000_000_000_001n)).rejects.toMatchObject({
      code: 'amount_out_of_range',
    });
  });

  it('replays a top-up under the same key, refuses other parameters under it, and wants a key', async () => {
    const first = await topUp(node, 'key', 5n);
    const again = await topUp(node, 'key', 5n);
    expect(again).toEqual({ ...first, replayed: true });
    await expect(topUp(node, 'key', 6n)).rejects.toMatchObject({
      kind: 'unprocessable',
      code: 'idempotency_key_reused',
    });
    expect((await node.ledger.balance(alice)).availableMicrocents).toBe(1_005n);
    const input = { accountId: alice.accountId, amountMicrocents: 1n, idempotencyKey: null };
    await expect(node.ledger.topUp(admin, input)).rejects.toMatchObject({ code: 'idempotency_key_required' });
    await expect(node.ledger.topUp(alice, input)).rejects.toMatchObject({ code: 'forbidden' });
    const stranger = { ...input, accountId: asId<AccountId>(random.uuid()), idempotencyKey: 'k' };
    await expect(node.ledger.topUp(admin, stranger)).rejects.toMatchObject({ code: 'user_not_found' });
  });

  it('keeps one account for a user whose id comes in either case', async () => {
    const carol = newOwner();
    const upper = { ...carol, accountId: asId<AccountId>(carol.accountId.toUpperCase()) };
    await addOwner(db.database, carol);
    for (const { accountId, tenantId } of [carol, upper]) tenants.set(accountId, tenantId);
    await topUp(node, 'upper', 5n, upper);
    await topUp(node, 'lower', 6n, carol);
    expect((await hold(node, 'h', 11n, carol)).ok).toBe(true);
    for (const actor of [carol, upper]) {
      expect(await node.ledger.balance(actor)).toMatchObject({
        availableMicrocents: 0n,
        heldMicrocents: 11n,
      });
      expect((await node.ledger.statement(actor, { before: null, limit: 9 })).entries).toHaveLength(4);
    }
    await expectInOrder();
  });

  it('resolves a hold once, whoever tries on whatever node', async () => {
    const other = createNode();
    await hold(node, 'race', 100n);
    const holdId = holdIdOf('race');
    node.clock.advance(120_000);
    const tries = await Promise.all([
      node.holds.post({ holdId, payees: [{ owner: bob, amountMicrocents: 50n }], feeMicrocents: 0n }),
      other.holds.void(holdId),
      other.holds.post({ holdId, payees: [{ owner: bob, amountMicrocents: 50n }], feeMicrocents: 0n }),
      node.ledger.expireHolds(),
    ]);
    await expectInOrder();
    const { availableMicrocents, heldMicrocents } = await node.ledger.balance(alice);
    expect(heldMicrocents).toBe(0n);
    const paid = (await node.ledger.balance(bob)).availableMicrocents;
    expect(availableMicrocents + paid).toBe(1_000n);
    expect(paid === 50n).toBe(tries[0].ok || tries[2].ok);
    expect(tries[1].ok && (tries[0].ok || tries[2].ok)).toBe(false);
  });

  it('gives a repeated resolution the first answer', async () => {
    await hold(node, 'twice', 100n);
    const input = {
      holdId: holdIdOf('twice'),
      payees: [{ owner: bob, amountMicrocents: 40n }],
      feeMicrocents: 2n,
    };
    const first = await node.holds.post(input);
    expect(await node.holds.post(input)).toEqual(first);
    expect(await node.holds.void(input.holdId)).toEqual({ ok: false, reason: 'hold_resolved' });
    expect(await node.holds.void(holdIdOf('never'))).toEqual({ ok: false, reason: 'hold_not_found' });
    expect((await node.ledger.balance(bob)).availableMicrocents).toBe(40n);
  });

  it('releases holds whose time is over, and only those', async () => {
    await hold(node, 'old', 100n);
    node.clock.advance(59_999);
    await hold(node, 'young', 50n);
    expect(await node.ledger.expireHolds()).toBe(0);
    node.clock.advance(1);
    expect(await node.ledger.expireHolds()).toBe(1);
    expect(await node.ledger.balance(alice)).toMatchObject({
      availableMicrocents: 950n,
      heldMicrocents: 50n,
    });
    await expectInOrder();
  });

  it('puts waiting commands into few transactions', async () => {
    node.batches.length = 0;
    await Promise.all(Array.from({ length: 400 }, (_, i) => hold(node, `many-${i}`, 1n)));
    expect(node.batches.length).toBeLessThanOrEqual(3);
    expect((await node.ledger.balance(alice)).heldMicrocents).toBe(400n);
  });

  it('carries out one command given on two nodes at the same time once', async () => {
    const other = createNode();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => topUp(i % 2 ? node : other, 'both', 7n)),
    );
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect((await node.ledger.balance(alice)).availableMicrocents).toBe(1_007n);
  });

  it('keeps two writers on the same accounts apart without a deadlock', async () => {
    const other = createNode();
    const people = [alice, bob, ...Array.from({ length: 6 }, () => newOwner())];
    for (const person of people) {
      tenants.set(person.accountId, person.tenantId);
      await topUp(node, 'start', 10_000n, person);
    }
    const settle = async (at: Node, index: number) => {
      const payer = people[index % people.length] as AccountActor;
      const payee = people[(index * 5 + 3) % people.length] as AccountActor;
      const name = `w-${index}`;
      const held = await hold(at, name, 20n, payer);
      if (!held.ok) throw new Error(held.reason);
      const resolver = index % 3 === 0 ? node : at;
      if (index % 4 === 0) return resolver.holds.void(holdIdOf(name, payer));
      return resolver.holds.post({
        holdId: holdIdOf(name, payer),
        payees: [{ owner: payee, amountMicrocents: 17n }],
        feeMicrocents: 2n,
      });
    };
    const results = await Promise.all(Array.from({ length: 600 }, (_, i) => settle(i % 2 ? node : other, i)));
    expect(results.every(({ ok }) => ok)).toBe(true);
    const books = await expectInOrder();
    expect(books.mismatchedAccounts).toBe(0);
  });

  it('shows a statement in pages, and nobody another one', async () => {
    for (let i = 0; i < 5; i++) await topUp(node, `s-${i}`, BigInt(i + 1));
    const first = await node.ledger.statement(alice, { before: null, limit: 4 });
    expect(first.entries.map(({ amountMicrocents }) => amountMicrocents)).toEqual([5n, 4n, 3n, 2n]);
    await topUp(node, 'between', 77n);
    const second = await node.ledger.statement(alice, { before: first.nextBefore, limit: 4 });
    expect(second.entries.map(({ amountMicrocents }) => amountMicrocents)).toEqual([1n, 1_000n]);
    expect(second.nextBefore).toBeNull();
    expect((await node.ledger.statement(bob, { before: null, limit: 100 })).entries).toEqual([]);
    await expect(node.ledger.trialBalance(alice)).rejects.toMatchObject({ code: 'forbidden' });
    const device = { ...alice, kind: 'device', deviceId: alice.accountId } as never;
    await expect(node.ledger.balance(device)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('is closed to other tenants and immutable in the database itself', async () => {
    const { database } = db;
    const seen = await database.tenant(bob, (sql) => sql`SELECT * FROM ledger_entries`);
    expect(seen).toHaveLength(0);
    const own = await database.tenant(alice, (sql) => sql`SELECT * FROM ledger_accounts`);
    expect(own).toHaveLength(1);
    const entries = await database.tenant(alice, (sql) => sql`SELECT * FROM ledger_entries`);
    expect(entries).toHaveLength(1);
    const forbidden = [
      () => database.tenant(alice, (sql) => sql`SELECT * FROM ledger_transfers`),
      () => database.tenant(alice, (sql) => sql`UPDATE ledger_accounts SET balance_microcents = 1`),
      () => database.system('money', (sql) => sql`UPDATE ledger_entries SET amount_microcents = 1`),
      () => database.system('money', (sql) => sql`DELETE FROM ledger_entries`),
      () => database.system('money', (sql) => sql`UPDATE ledger_transfers SET amount_microcents = 1`),
      () => database.system('money', (sql) => sql`DELETE FROM ledger_transfers`),
    ];
    for (const statement of forbidden) await expect(statement()).rejects.toMatchObject({ code: '42501' });
  });

  it('loses nothing that was acknowledged when its process is killed in the middle of thousands of settlements', async () => {
    await topUp(node, 'kill', 9_000_000n);
    const program = fileURLToPath(new URL('./settle-forever.ts', import.meta.url));
    const args = ['--import', 'tsx', program, db.url, alice.tenantId, bob.tenantId];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const acknowledged: string[] = [];
    let rest = '';
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (data: Buffer) => {
        const lines = (rest + data.toString()).split('\n');
        rest = lines.pop() ?? '';
        acknowledged.push(...lines);
        if (acknowledged.length > 4_000) child.kill('SIGKILL');
      });
      child.on('close', () => resolve());
    });
    expect(child.signalCode).toBe('SIGKILL');
    const kept = await db.database.system(
      'money',
      (sql) => sql<{ id: string }[]>`SELECT id FROM ledger_transfers WHERE tenant_id = ${alice.tenantId}`,
    );
    const ids = new Set(kept.map(({ id }) => id));
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
    await expectInOrder();
    node.clock.advance(2 * 3_600_000);
    await node.ledger.expireHolds();
    const books = await expectInOrder();
    expect(books.openHolds).toBe(0);
  });
});
