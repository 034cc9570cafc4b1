import type { Database, Sql } from '../../kernel/database.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { LedgerAccountId, TransferId } from '../../kernel/ids.ts';
import { KNOWN_ACCOUNTS_MAX } from './limits.ts';
import type { LedgerStore } from './ports.ts';
import { readBalance, readStatement, readTrialBalance } from './reports.postgres.ts';
import { accountsOf, Book, type BookChanges, type BookState } from './rules.ts';
import type { Account, LedgerCommand, LedgerOwner, OpenHold, Transfer } from './types.ts';

interface TransferRow {
  id: TransferId;
  tenant_id: LedgerOwner['tenantId'];
  kind: Transfer['kind'];
  amount_cents: bigint;
  fee_cents: bigint;
  released_cents: bigint;
  hold_id: TransferId | null;
  transaction_id: Transfer['transactionId'];
  expires_at: Date | null;
  fingerprint: string;
  created_at: Date;
}

interface OpenHoldRow {
  hold_id: TransferId;
  tenant_id: LedgerOwner['tenantId'];
  amount_cents: bigint;
  transaction_id: OpenHold['transactionId'];
  expires_at: Date;
}

/** The books in PostgreSQL. One batch is one transaction that locks its accounts in the order of their ids. */
export function createLedgerStore(database: Database): LedgerStore {
  const knownAccounts = new Set<LedgerAccountId>();

  /** Creates accounts outside the batch's transaction: a row that waits for another insert would hold locks. */
  const ensureAccounts = async (accounts: readonly Account[]) => {
    const missing = accounts.filter((account) => !knownAccounts.has(account.id));
    if (missing.length === 0) return;
    await database.system(
      'money',
      (sql) => sql`
        INSERT INTO ledger_accounts (id, tenant_id, kind)
        SELECT id, "tenantId", kind
        FROM jsonb_to_recordset(${json(missing)}::text::jsonb)
          AS row(id uuid, "tenantId" uuid, kind text)
        ORDER BY id
        ON CONFLICT DO NOTHING`,
    );
    if (knownAccounts.size + missing.length > KNOWN_ACCOUNTS_MAX) knownAccounts.clear();
    for (const account of missing) knownAccounts.add(account.id);
  };

  return {
    async apply(commands, nowMs) {
      const holders = await readHolders(database, commands);
      const accounts = accountsOfAll(commands, holders);
      await ensureAccounts(accounts);
      return database.system('money', async (sql) => {
        const book = new Book(await lockState(sql, commands, accounts, holders), nowMs);
        const outcomes = commands.map((command) => book.execute(command));
        await keepChanges(sql, book.changes(), nowMs);
        return outcomes;
      });
    },
    readBalance: (owner) => database.tenant(owner.tenantId, (sql) => readBalance(sql, owner)),
    readStatement: (owner, before, limit) =>
      database.tenant(owner.tenantId, (sql) => readStatement(sql, owner, before, limit)),
    readTrialBalance: () => database.system('money', readTrialBalance),
    findExpiredHolds: (nowMs, limit) =>
      database.system('money', async (sql) => {
        const rows = await sql<OpenHoldRow[]>`
          SELECT * FROM ledger_open_holds WHERE expires_at <= ${new Date(nowMs)}
          ORDER BY expires_at LIMIT ${limit}`;
        return rows.map(openHoldOf);
      }),
  };
}

/** Who owns the holds that `commands` resolve: read without a lock, since a transfer never changes. */
async function readHolders(
  database: Database,
  commands: readonly LedgerCommand[],
): Promise<Map<TransferId, LedgerOwner>> {
  const holders = new Map<TransferId, LedgerOwner>();
  for (const command of commands) if (command.kind === 'hold') holders.set(command.id, command.owner);
  const unknown = commands.flatMap((command) =>
    'holdId' in command && !holders.has(command.holdId) ? [command.holdId] : [],
  );
  if (unknown.length === 0) return holders;
  const rows = await database.system(
    'money',
    (sql) => sql<Pick<TransferRow, 'id' | 'tenant_id'>[]>`
      SELECT id, tenant_id FROM ledger_transfers
      WHERE id IN (SELECT jsonb_array_elements_text(${json(unknown)}::text::jsonb)::uuid) AND kind = 'hold'`,
  );
  for (const row of rows) holders.set(row.id, { tenantId: row.tenant_id });
  return holders;
}

function accountsOfAll(
  commands: readonly LedgerCommand[],
  holders: ReadonlyMap<TransferId, LedgerOwner>,
): readonly Account[] {
  const accounts = new Map<LedgerAccountId, Account>();
  for (const command of commands) {
    const holder = 'holdId' in command ? holders.get(command.holdId) : undefined;
    for (const account of accountsOf(command, holder)) accounts.set(account.id, account);
  }
  return [...accounts.values()];
}

/**
 * Locks the accounts, then reads what may only be trusted under their lock. Every writer locks in the order of ids, so
 * that no two wait for each other.
 */
async function lockState(
  sql: Sql,
  commands: readonly LedgerCommand[],
  accounts: readonly Account[],
  holders: ReadonlyMap<TransferId, LedgerOwner>,
): Promise<BookState> {
  const accountRows = await sql<{ id: LedgerAccountId; balance_cents: bigint }[]>`
    SELECT id, balance_cents FROM ledger_accounts
    WHERE id IN (SELECT jsonb_array_elements_text(${json(accounts.map(({ id }) => id))}::text::jsonb)::uuid)
    ORDER BY id FOR UPDATE`;
  if (accountRows.length !== accounts.length) throw new InvariantError('an account of a batch is missing');
  const holdIds = json([...holders.keys()]);
  const [transferRows, openRows] = await Promise.all([
    sql<TransferRow[]>`
      SELECT * FROM ledger_transfers
      WHERE id IN (SELECT jsonb_array_elements_text(${json(commands.map(({ id }) => id))}::text::jsonb)::uuid)`,
    sql<OpenHoldRow[]>`
      SELECT * FROM ledger_open_holds
      WHERE hold_id IN (SELECT jsonb_array_elements_text(${holdIds}::text::jsonb)::uuid)`,
  ]);
  const opened = new Set(commands.flatMap((command) => (command.kind === 'hold' ? [command.id] : [])));
  const existing = new Set(transferRows.map((row) => row.id));
  const holds = new Map<TransferId, OpenHold | null>();
  for (const holdId of holders.keys()) {
    // What this batch may open itself exists only if an earlier batch opened it already.
    if (!opened.has(holdId) || existing.has(holdId)) holds.set(holdId, null);
  }
  for (const row of openRows) holds.set(row.hold_id, openHoldOf(row));
  return {
    balances: new Map(accountRows.map((row) => [row.id, row.balance_cents])),
    transfers: new Map(transferRows.map((row) => [row.id, transferOf(row)])),
    holds,
  };
}

async function keepChanges(sql: Sql, changes: BookChanges, nowMs: number): Promise<void> {
  if (changes.transfers.length === 0) return;
  const now = new Date(nowMs);
  const transfers = changes.transfers.map((transfer) => ({
    ...transfer,
    ...transfer.owner,
    expiresAt: transfer.expiresAtMs === null ? null : new Date(transfer.expiresAtMs),
  }));
  const entries = changes.entries.map(({ account, ...entry }) => ({
    ...entry,
    accountId: account.id,
    tenantId: account.tenantId,
  }));
  const opened = changes.openedHolds.map((hold) => ({
    ...hold,
    ...hold.owner,
    expiresAt: new Date(hold.expiresAtMs),
  }));
  const balances = [...changes.balances].map(([id, balanceCents]) => ({ id, balanceCents }));
  // One connection carries these in order: they are sent together and answered together.
  await Promise.all([
    sql`
      INSERT INTO ledger_transfers (id, tenant_id, kind, amount_cents, fee_cents, released_cents, hold_id,
        transaction_id, expires_at, fingerprint, created_at)
      SELECT id, "tenantId", kind, "amountCents", "feeCents", "releasedCents", "holdId",
        "transactionId", "expiresAt", fingerprint, ${now}
      FROM jsonb_to_recordset(${json(transfers)}::text::jsonb) AS row(id uuid, "tenantId" uuid,
        kind text, "amountCents" bigint, "feeCents" bigint, "releasedCents" bigint, "holdId" uuid,
        "transactionId" uuid, "expiresAt" timestamptz, fingerprint text)`,
    sql`
      INSERT INTO ledger_entries (transfer_id, account_id, tenant_id, transfer_kind, transaction_id, amount_cents,
        created_at)
      SELECT "transferId", "accountId", "tenantId", "transferKind", "transactionId", "amountCents", ${now}
      FROM jsonb_to_recordset(${json(entries)}::text::jsonb) AS row("transferId" uuid, "accountId" uuid,
        "tenantId" uuid, "transferKind" text, "transactionId" uuid, "amountCents" bigint)`,
    sql`
      INSERT INTO ledger_open_holds (hold_id, tenant_id, amount_cents, transaction_id, expires_at)
      SELECT "holdId", "tenantId", "amountCents", "transactionId", "expiresAt"
      FROM jsonb_to_recordset(${json(opened)}::text::jsonb) AS row("holdId" uuid, "tenantId" uuid,
        "amountCents" bigint, "transactionId" uuid, "expiresAt" timestamptz)`,
    sql`
      DELETE FROM ledger_open_holds
      WHERE hold_id IN (SELECT jsonb_array_elements_text(${json(changes.closedHoldIds)}::text::jsonb)::uuid)`,
    sql`
      UPDATE ledger_accounts SET balance_cents = row."balanceCents"
      FROM jsonb_to_recordset(${json(balances)}::text::jsonb) AS row(id uuid, "balanceCents" bigint)
      WHERE ledger_accounts.id = row.id`,
  ]);
}

/** JSON with amounts in digits: the database reads them as bigint, exactly. */
function json(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? part.toString() : part));
}

function transferOf(row: TransferRow): Transfer {
  return {
    id: row.id,
    owner: { tenantId: row.tenant_id },
    kind: row.kind,
    amountCents: row.amount_cents,
    feeCents: row.fee_cents,
    releasedCents: row.released_cents,
    holdId: row.hold_id,
    transactionId: row.transaction_id,
    expiresAtMs: row.expires_at?.getTime() ?? null,
    fingerprint: row.fingerprint,
    createdAtMs: row.created_at.getTime(),
  };
}

function openHoldOf(row: OpenHoldRow): OpenHold {
  return {
    holdId: row.hold_id,
    owner: { tenantId: row.tenant_id },
    amountCents: row.amount_cents,
    transactionId: row.transaction_id,
    expiresAtMs: row.expires_at.getTime(),
  };
}
