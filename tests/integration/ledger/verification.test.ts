import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tenantAccount } from '../../../server/domains/ledger/accounts.ts';
import { VERIFIED_ACCOUNTS_PAGE } from '../../../server/domains/ledger/index.ts';
import { createVerification } from '../../../server/jobs/money-jobs.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { connect } from '../../../server/platform/database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createLedgerNode, newTransferId } from '../../support/ledger.ts';
import { createMemoryLogger } from '../../support/logger.ts';

let db: TestDatabase;
let node: ReturnType<typeof createLedgerNode>;
let alice: AccountActor;
beforeAll(async () => {
  db = await createTestDatabase();
  node = createLedgerNode(db);
  alice = await node.rich(1_000n);
});
afterAll(() => db.close());

/** Changes a table as its owner could who switches every rule off first. */
async function tamper(table: string, statement: string) {
  const sql = connect(db.url, { connectionsMax: 1 });
  try {
    await sql.unsafe(`
      ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY;
      ALTER TABLE ${table} DISABLE TRIGGER USER;
      ${statement};
      ALTER TABLE ${table} ENABLE TRIGGER USER;
      ALTER TABLE ${table} FORCE ROW LEVEL SECURITY;`);
  } finally {
    await sql.end();
  }
}

/** The job, with what it tells: metrics and lines of the log. */
function createJob() {
  const { logger, lines } = createMemoryLogger();
  const told = { entries: 0, wrongAccounts: -1, totalsMatch: true };
  const metrics = {
    roundEnded: (entries: number, wrongAccounts: number) => {
      told.entries += entries;
      told.wrongAccounts = wrongAccounts;
    },
    totalsCompared: (match: boolean) => {
      told.totalsMatch = match;
    },
  };
  const round = createVerification({ ledger: node.ledger, metrics, logger });
  const errors = () => lines.filter(({ level }) => level === 'error');
  return { told, errors, round };
}

const availableId = () => tenantAccount('available', alice).id;
const spend = () =>
  node.commit({
    commands: [{ kind: 'subscription', id: newTransferId(), owner: alice, amountMicrocents: 1n }],
    rows: [],
  });

describe('the verification of the books', () => {
  it('finds them right, and reads only what is new the next time', async () => {
    const { told, round, errors } = createJob();
    expect(await round()).toMatchObject({ wrongAccounts: [], totalsMatch: true, nextAfter: null });
    expect(told).toEqual({ entries: 2, wrongAccounts: 0, totalsMatch: true });
    await spend();
    expect(await round()).toMatchObject({ entries: 2 });
    expect(await round()).toMatchObject({ entries: 0, wrongAccounts: [] });
    expect(errors()).toEqual([]);
  });

  it('finds a balance that is not the sum of its entries, logs it as an error, and shows it until it is right', async () => {
    const { told, round, errors } = createJob();
    const change = (by: string) =>
      tamper(
        'ledger_accounts',
        `UPDATE ledger_accounts SET balance_microcents = balance_microcents ${by} WHERE id = '${availableId()}'`,
      );
    await change('+ 5');
    expect(await round()).toMatchObject({ wrongAccounts: [availableId()], totalsMatch: false });
    expect(told).toMatchObject({ wrongAccounts: 1, totalsMatch: false });
    expect(errors()).toHaveLength(2);
    expect(errors()[0]?.fields).toMatchObject({ operation: 'ledger.verify', ledgerAccountId: availableId() });
    await spend();
    expect((await round()).wrongAccounts).toEqual([availableId()]);
    await change('- 5');
    await round();
    expect(await round()).toMatchObject({ wrongAccounts: [], totalsMatch: true });
    expect(told).toMatchObject({ wrongAccounts: 0, totalsMatch: true });
  });

  it('finds an entry that is gone', async () => {
    await spend();
    const { round } = createJob();
    const newest = `(SELECT last_position FROM ledger_accounts WHERE id = '${availableId()}')`;
    await tamper('ledger_accounts', 'SELECT 1');
    await tamper(
      'ledger_entries',
      `ALTER TABLE ledger_accounts NO FORCE ROW LEVEL SECURITY;
       CREATE TABLE gone AS SELECT * FROM ledger_entries WHERE account_id = '${availableId()}' AND position = ${newest};
       DELETE FROM ledger_entries WHERE account_id = '${availableId()}' AND position = ${newest};
       ALTER TABLE ledger_accounts FORCE ROW LEVEL SECURITY`,
    );
    expect((await round()).wrongAccounts).toEqual([availableId()]);
    await tamper('ledger_entries', 'INSERT INTO ledger_entries SELECT * FROM gone; DROP TABLE gone');
    expect((await round()).wrongAccounts).toEqual([]);
  });

  it('finds an open hold that is not what is held', async () => {
    const { told, round } = createJob();
    const id = newTransferId();
    await tamper(
      'ledger_open_holds',
      `INSERT INTO ledger_open_holds VALUES ('${id}', '${alice.tenantId}', 5, NULL, now())`,
    );
    expect(await round()).toMatchObject({ wrongAccounts: [], totalsMatch: false });
    await tamper('ledger_open_holds', `DELETE FROM ledger_open_holds WHERE hold_id = '${id}'`);
    await round();
    expect(told.totalsMatch).toBe(true);
  });

  it('goes through more accounts than one round takes, and then from the first one again', async () => {
    await db.database.system(
      'money',
      (sql) => sql`
        INSERT INTO ledger_accounts (id, tenant_id, kind)
        SELECT gen_random_uuid(), gen_random_uuid(), 'available' FROM generate_series(1, ${VERIFIED_ACCOUNTS_PAGE})`,
    );
    const { round } = createJob();
    const [first, second, third] = [await round(), await round(), await round()];
    expect(first).toMatchObject({ accounts: VERIFIED_ACCOUNTS_PAGE, wrongAccounts: [] });
    expect(first.nextAfter).not.toBeNull();
    expect(second.nextAfter).toBeNull();
    expect(second.accounts).toBeGreaterThan(0);
    expect(third.nextAfter).toEqual(first.nextAfter);
  });
});
