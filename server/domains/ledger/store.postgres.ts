import type { Database, Sql } from '../../kernel/database.ts';
import type { LedgerAccountId, TransferId } from '../../kernel/ids.ts';
import { rememberTenantAccounts } from './accounts.ts';
import { findEndedAllowances, readAllowances } from './allowances.postgres.ts';
import { Book } from './book.ts';
import { lockState, readHolders } from './book-state.postgres.ts';
import { KNOWN_ACCOUNTS_MAX, KNOWN_HOLDERS_MAX, KNOWN_TENANTS_MAX } from './limits.ts';
import type { LedgerStore } from './ports.ts';
import { readBalance, readStatement, readTrialBalance } from './reports.postgres.ts';
import type { Guard, GuardJudge, RowWriter } from './row-writer.postgres.ts';
import { findDueEarners, findExpiredHolds, json, keepChanges } from './rows.postgres.ts';
import { accountsOf, type BookingOptions } from './rules.ts';
import type { Account, LedgerOwner, UnitOfWork, UnitOutcome } from './types.ts';
import { verifyAccounts } from './verification.postgres.ts';

/** The books in PostgreSQL. One batch is one transaction that locks its accounts in the order of their ids. */
export function createLedgerStore(
  database: Database,
  options: BookingOptions = { feeShard: 0, earningsReleaseDelayMs: 0 },
): LedgerStore {
  const knownAccounts = new Set<LedgerAccountId>();
  const holders = new KnownHolders();
  const tenantAccounts = rememberTenantAccounts(KNOWN_TENANTS_MAX);

  /** Creates accounts outside the batch's transaction: a row that waits for another insert would hold locks. */
  const ensureAccounts = async (accounts: readonly Account[]) => {
    const missing = new Map<LedgerAccountId, Account>();
    for (const account of accounts) if (!knownAccounts.has(account.id)) missing.set(account.id, account);
    if (missing.size === 0) return;
    await database.system(
      'money',
      (sql) => sql`
        INSERT INTO ledger_accounts (id, tenant_id, kind, part)
        SELECT id, "tenantId", kind, part
        FROM jsonb_to_recordset(${json([...missing.values()])}::text::jsonb)
          AS row(id uuid, "tenantId" uuid, kind text, part text)
        ORDER BY id
        ON CONFLICT DO NOTHING`,
    );
    if (knownAccounts.size + missing.size > KNOWN_ACCOUNTS_MAX) knownAccounts.clear();
    for (const id of missing.keys()) knownAccounts.add(id);
  };

  return {
    async apply(units, nowMs) {
      const commands = units.flatMap((unit) => unit.commands);
      await ensureAccounts(commands.flatMap((command) => accountsOf(command, options, tenantAccounts)));
      const outcomes = await database.system('money', async (sql, lastly) => {
        const owners = await readHolders(sql, commands, holders.known);
        // One connection carries statements in their order, each when the one before is done: those that need nothing of each
        // other's results are sent together.
        const [state, judges] = await Promise.all([
          lockState(sql, commands, owners, options, tenantAccounts, nowMs),
          loadGuards(sql, units),
        ]);
        const book = new Book(state, nowMs, options, tenantAccounts);
        const decided = units.map((unit) => decideUnit(unit, judges, book));
        await lastly(() =>
          Promise.all([keepChanges(sql, book.changes(), nowMs), ...writeRows(sql, units, decided)]),
        );
        return decided;
      });
      holders.note(units, outcomes);
      return outcomes;
    },
    readBalance: (actor) => database.read(actor, (sql) => readBalance(sql, actor)),
    readSpendable: async (owner) => {
      const balance = await database.system('money', (sql) => readBalance(sql, owner));
      return balance.availableMicrocents + balance.allowanceMicrocents;
    },
    readStatement: (actor, before, limit) =>
      database.read(actor, (sql) => readStatement(sql, actor, before, limit)),
    readTrialBalance: () => database.system('money', readTrialBalance),
    findExpiredHolds: (nowMs, limit) =>
      database.system('money', (sql) => findExpiredHolds(sql, nowMs, limit)),
    findDueEarners: (nowMs, limit) => database.system('money', (sql) => findDueEarners(sql, nowMs, limit)),
    findEndedAllowances: (nowMs, limit) =>
      database.system('money', (sql) => findEndedAllowances(sql, nowMs, limit)),
    readAllowances: (actor, nowMs) => database.read(actor, (sql) => readAllowances(sql, actor, nowMs)),
    verify: (after) => database.system('money', (sql) => verifyAccounts(sql, after)),
  };
}

/** Who owns the holds that were taken: most are resolved by this process, which needn't ask for them. */
class KnownHolders {
  readonly #known = new Map<TransferId, LedgerOwner>();

  get known(): ReadonlyMap<TransferId, LedgerOwner> {
    return this.#known;
  }

  /** Takes in what was committed. */
  note(units: readonly UnitOfWork[], outcomes: readonly UnitOutcome[]): void {
    units.forEach(({ commands }, index) => {
      if (!outcomes[index]?.ok) return;
      for (const command of commands) {
        if (command.kind === 'hold') this.#known.set(command.id, command.owner);
        else if ('holdId' in command) this.#known.delete(command.holdId);
      }
    });
    if (this.#known.size > KNOWN_HOLDERS_MAX) this.#known.clear();
  }
}

type Judges = ReadonlyMap<Guard<unknown>, GuardJudge<unknown>>;

/** Asks each guard once for all of its rows, in the order of names. */
async function loadGuards(sql: Sql, units: readonly UnitOfWork[]): Promise<Judges> {
  const kinds = new Map<Guard<unknown>, unknown[]>();
  for (const { guards = [] } of units) {
    for (const { guard, row } of guards) {
      const sameKind = kinds.get(guard);
      if (sameKind) sameKind.push(row);
      else kinds.set(guard, [row]);
    }
  }
  const judges = new Map<Guard<unknown>, GuardJudge<unknown>>();
  const loading = [...kinds]
    .sort(([a], [b]) => (a.name < b.name ? -1 : 1))
    .map(async ([guard, rows]) => judges.set(guard, await guard.load(sql, rows)));
  await Promise.all(loading);
  return judges;
}

/** Carries a unit out where its guards let it; what they counted for one that isn't carried out is taken back. */
function decideUnit({ guards = [], commands }: UnitOfWork, judges: Judges, book: Book): UnitOutcome {
  const takenBack: (() => void)[] = [];
  const refuse = (outcome: UnitOutcome): UnitOutcome => {
    for (const takeBack of takenBack.reverse()) takeBack();
    return outcome;
  };
  for (const { guard, row } of guards) {
    const taken = judges.get(guard)?.take(row);
    if (typeof taken === 'string') return refuse({ ok: false, reason: taken, command: 0 });
    if (taken !== undefined) takenBack.push(taken);
  }
  const outcome = book.executeUnit(commands);
  return outcome.ok ? outcome : refuse(outcome);
}

/** Writes the rows of the units that were carried out: each kind once, in the order of names. */
function writeRows(
  sql: Sql,
  units: readonly UnitOfWork[],
  outcomes: readonly UnitOutcome[],
): Promise<void>[] {
  const kinds = new Map<RowWriter<unknown>, unknown[]>();
  units.forEach(({ rows }, index) => {
    if (!outcomes[index]?.ok) return;
    for (const { writer, row } of rows) {
      const sameKind = kinds.get(writer);
      if (sameKind) sameKind.push(row);
      else kinds.set(writer, [row]);
    }
  });
  const inOrder = [...kinds].sort(([a], [b]) => (a.name < b.name ? -1 : 1));
  return inOrder.map(([writer, rows]) => writer.write(sql, rows));
}
