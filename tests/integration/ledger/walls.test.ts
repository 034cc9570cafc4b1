import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tenantAccount } from '../../../server/domains/ledger/accounts.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import type { Sql } from '../../../server/kernel/database.ts';
import { connect } from '../../../server/platform/database/connect.ts';
import { newOwner } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createLedgerNode, newTransferId } from '../../support/ledger.ts';

/*
 * Statements by hand, under the server's own role: whatever a bug or an intruder writes there, the database takes only
 * books that are right.
 */
let db: TestDatabase;
let node: ReturnType<typeof createLedgerNode>;
beforeAll(async () => {
  db = await createTestDatabase();
  node = createLedgerNode(db);
});
afterAll(() => db.close());

let alice: AccountActor;
let bob: AccountActor;
beforeEach(async () => {
  alice = await node.rich(1_000n);
  bob = await node.rich(1_000n);
});

const asServer = <T>(work: (sql: Sql) => Promise<T>) => db.database.system('money', work);
const refused = (code: string) => expect.objectContaining({ code });
const WRONG_BOOK = refused('23000');
const APPEND_ONLY = refused('23001');

interface HandTransfer {
  readonly id?: string;
  readonly kind?: string;
  readonly amount?: bigint;
  readonly held?: bigint;
  readonly entries?: number;
  readonly holdId?: string | null;
}

/** A transfer row of alice's, as somebody could write it by hand. */
async function insertTransfer(sql: Sql, transfer: HandTransfer = {}): Promise<string> {
  const {
    id = newTransferId(),
    kind = 'transfer',
    amount = 5n,
    held = 0n,
    entries = 2,
    holdId = null,
  } = transfer;
  await sql`
    INSERT INTO ledger_transfers (id, tenant_id, kind, amount_microcents, held_microcents, hold_id, expires_at, entry_count,
      fingerprint, created_at)
    VALUES (${id}, ${alice.tenantId}, ${kind}, ${amount}, ${held}, ${holdId}, ${kind === 'hold' ? new Date() : null},
      ${entries}, 'by hand', now())`;
  return id;
}

interface HandEntry {
  readonly owner: AccountActor;
  readonly amount: bigint;
  readonly account?: 'available' | 'held';
  /** The tenant and the kind that the entry names; those of the account where they are left out. */
  readonly tenantId?: string;
  readonly kind?: string;
  /** How far behind the account's last entry: 1 is right. */
  readonly step?: bigint;
}

async function insertEntries(sql: Sql, transferId: string, entries: readonly HandEntry[], kind = 'transfer') {
  const positions = await Promise.all(
    entries.map(async ({ owner, account = 'available' }) => {
      const { id } = tenantAccount(account, owner);
      const [row] = await sql<{ last_position: bigint }[]>`
        SELECT last_position FROM ledger_accounts WHERE id = ${id}`;
      return row?.last_position ?? 0n;
    }),
  );
  const rows = entries.map(({ owner, amount, account = 'available', ...claimed }, index) => ({
    accountId: tenantAccount(account, owner).id,
    position: String((positions[index] ?? 0n) + (claimed.step ?? 1n)),
    tenantId: claimed.tenantId ?? owner.tenantId,
    accountKind: claimed.kind ?? account,
    amount: String(amount),
  }));
  await sql`
    INSERT INTO ledger_entries (account_id, position, transfer_id, tenant_id, account_kind, transfer_kind, amount_microcents,
      created_at)
    SELECT "accountId", position, ${transferId}, "tenantId", "accountKind", ${kind}, amount, now()
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS row("accountId" uuid, position bigint,
      "tenantId" uuid, "accountKind" text, amount bigint)`;
}

const balances = async () => [
  (await node.ledger.balance(alice)).availableMicrocents,
  (await node.ledger.balance(bob)).availableMicrocents,
];

describe('the database takes by hand', () => {
  it('a transfer whose entries sum to zero, and moves both balances with it', async () => {
    await asServer(async (sql) => {
      const id = await insertTransfer(sql);
      await insertEntries(sql, id, [
        { owner: alice, amount: -5n },
        { owner: bob, amount: 5n },
      ]);
    });
    expect(await balances()).toEqual([995n, 1_005n]);
  });
});

describe('the database refuses, and leaves every balance as it was,', () => {
  const pair = (amount = 5n): HandEntry[] => [
    { owner: alice, amount: -amount },
    { owner: bob, amount },
  ];
  const wrongBooks: Record<string, (sql: Sql) => Promise<unknown>> = {
    'an entry on one side only': async (sql) => {
      const id = await insertTransfer(sql, { entries: 2 });
      await insertEntries(sql, id, [{ owner: bob, amount: 5n }]);
    },
    'entries that do not sum to zero': async (sql) => {
      const id = await insertTransfer(sql);
      await insertEntries(sql, id, [
        { owner: alice, amount: -5n },
        { owner: bob, amount: 6n },
      ]);
    },
    'two transfers that only together sum to zero': async (sql) => {
      const ids = [await insertTransfer(sql), await insertTransfer(sql)];
      const accounts = [alice, bob].map((owner) => tenantAccount('available', owner).id);
      await sql`
        INSERT INTO ledger_entries (account_id, position, transfer_id, tenant_id, account_kind, transfer_kind,
          amount_microcents, created_at)
        VALUES (${accounts[0] ?? ''}, 2, ${ids[0] ?? ''}, ${alice.tenantId}, 'available', 'transfer', 1, now()),
          (${accounts[0] ?? ''}, 3, ${ids[0] ?? ''}, ${alice.tenantId}, 'available', 'transfer', 1, now()),
          (${accounts[1] ?? ''}, 2, ${ids[1] ?? ''}, ${bob.tenantId}, 'available', 'transfer', -1, now()),
          (${accounts[1] ?? ''}, 3, ${ids[1] ?? ''}, ${bob.tenantId}, 'available', 'transfer', -1, now())`;
    },
    "an entry that names another tenant than its account's": async (sql) => {
      const id = await insertTransfer(sql);
      await insertEntries(sql, id, [
        { owner: alice, amount: -5n },
        { owner: bob, amount: 5n, tenantId: alice.tenantId },
      ]);
    },
    "an entry that names another kind than its account's": async (sql) => {
      const id = await insertTransfer(sql);
      await insertEntries(sql, id, [
        { owner: alice, amount: -5n },
        { owner: bob, amount: 5n, kind: 'clearing' },
      ]);
    },
    'an entry of an account that does not exist': async (sql) => {
      const id = await insertTransfer(sql);
      await insertEntries(sql, id, [
        { owner: alice, amount: -5n },
        { owner: newOwner(), amount: 5n },
      ]);
    },
    'entries of a transfer that does not exist': (sql) => insertEntries(sql, newTransferId(), pair()),
    'more entries for a transfer that is complete': async (sql) => {
      const id = await insertTransfer(sql);
      await insertEntries(sql, id, pair());
      await insertEntries(sql, id, pair());
    },
    'entries in place of those that another transfer still needs': async (sql) => {
      const id = await insertTransfer(sql);
      await insertTransfer(sql);
      await insertEntries(sql, id, pair());
      await insertEntries(sql, id, pair());
    },
    'an entry that leaves a position out': async (sql) => {
      const id = await insertTransfer(sql);
      await insertEntries(sql, id, [
        { owner: alice, amount: -5n, step: 2n },
        { owner: bob, amount: 5n },
      ]);
    },
    'a transfer without the entries it needs': (sql) => insertTransfer(sql),
    'a transfer of an amount that says it needs none': (sql) => insertTransfer(sql, { entries: 0 }),
    'a hold without entries on the held account': async (sql) => {
      const id = await insertTransfer(sql, { kind: 'hold', held: 5n });
      await insertEntries(sql, id, pair(), 'hold');
    },
    "a hold that sets somebody else's money aside": async (sql) => {
      await node.commit({
        commands: [
          {
            kind: 'hold',
            id: newTransferId(),
            owner: bob,
            amountMicrocents: 1n,
            expiresAfterMs: 60_000,
            transactionId: null,
          },
        ],
        rows: [],
      });
      const id = await insertTransfer(sql, { kind: 'hold', held: 5n });
      const entries: HandEntry[] = [
        { owner: bob, amount: -5n },
        { owner: bob, amount: 5n, account: 'held' },
      ];
      await insertEntries(sql, id, entries, 'hold');
    },
    'the end of a hold that is not open': (sql) =>
      insertTransfer(sql, { kind: 'void', held: -5n, holdId: newTransferId() }),
    'a transfer that forgets its entries after an early check': async (sql) => {
      const id = await insertTransfer(sql);
      await insertEntries(sql, id, pair());
      await sql`SET CONSTRAINTS ALL IMMEDIATE`;
      await insertTransfer(sql);
    },
  };
  it.each(Object.keys(wrongBooks))('%s', async (name) => {
    await expect(asServer((sql) => wrongBooks[name]?.(sql) as Promise<unknown>)).rejects.toEqual(WRONG_BOOK);
    expect((await balances())[0]).toBe(1_000n);
    const books = await node.store.readTrialBalance();
    expect(books).toMatchObject({ entriesSumMicrocents: 0n, mismatchedAccounts: 0 });
  });

  it('more entries for a transfer of an earlier transaction', async () => {
    const id = await asServer(async (sql) => {
      const made = await insertTransfer(sql);
      await insertEntries(sql, made, pair());
      return made;
    });
    await expect(asServer((sql) => insertEntries(sql, id, pair()))).rejects.toEqual(WRONG_BOOK);
    expect(await balances()).toEqual([995n, 1_005n]);
  });

  it('an entry that would leave less than nothing', async () => {
    const overdraw = asServer(async (sql) => {
      const id = await insertTransfer(sql, { amount: 1_001n });
      await insertEntries(sql, id, pair(1_001n));
    });
    await expect(overdraw).rejects.toEqual(refused('23514'));
    expect(await balances()).toEqual([1_000n, 1_000n]);
  });

  const statements: Record<string, (sql: Sql) => Promise<unknown>> = {
    'money added to a balance': (sql) =>
      sql`UPDATE ledger_accounts SET balance_microcents = balance_microcents + 1 WHERE tenant_id = ${alice.tenantId}`,
    'an account that is opened with money': (sql) =>
      sql`INSERT INTO ledger_accounts (id, tenant_id, kind, balance_microcents) VALUES (${newTransferId()}, ${newOwner().tenantId}, 'available', 1)`,
    'an open hold that nobody made': (sql) =>
      sql`INSERT INTO ledger_open_holds VALUES (${newTransferId()}, ${alice.tenantId}, 5, NULL, now())`,
    'an open hold that is taken away': (sql) => sql`DELETE FROM ledger_open_holds`,
    'waiting earnings that nobody made': (sql) =>
      sql`INSERT INTO ledger_pending_earnings VALUES (${alice.tenantId}, ${newTransferId()}, 5, now())`,
    'the note of an incomplete transfer that is taken away': (sql) =>
      sql`DELETE FROM ledger_incomplete_transfers`,
  };
  it.each(Object.keys(statements))('%s', async (name) => {
    await expect(asServer((sql) => statements[name]?.(sql) as Promise<unknown>)).rejects.toEqual(APPEND_ONLY);
    expect(await balances()).toEqual([1_000n, 1_000n]);
  });

  it.each([
    'UPDATE ledger_transfers SET amount_microcents = 1',
    'DELETE FROM ledger_transfers',
    'TRUNCATE ledger_transfers',
    'UPDATE ledger_entries SET amount_microcents = 1',
    'DELETE FROM ledger_entries',
    'TRUNCATE ledger_entries',
    'DELETE FROM ledger_accounts',
    'TRUNCATE ledger_accounts',
    'UPDATE ledger_accounts SET tenant_id = gen_random_uuid()',
    'UPDATE ledger_accounts SET balance_microcents = 1',
    'TRUNCATE ledger_open_holds',
    'TRUNCATE ledger_incomplete_transfers',
  ])(
    "the server's role, by its grants or a rule, and the owner of the tables, by a rule: %s",
    async (statement) => {
      await expect(asServer((sql) => sql.unsafe(statement))).rejects.toMatchObject({
        code: expect.stringMatching(/^(42501|23001)$/),
      });
      const owner = connect(db.url, { connectionsMax: 1 });
      try {
        await expect(owner.unsafe(statement)).rejects.toEqual(APPEND_ONLY);
      } finally {
        await owner.end();
      }
    },
  );
});
