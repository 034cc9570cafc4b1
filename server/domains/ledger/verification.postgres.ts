import type { Sql } from '../../kernel/database.ts';
import type { LedgerAccountId } from '../../kernel/ids.ts';
import { VERIFIED_ACCOUNTS_PAGE, VERIFIED_ENTRIES_MAX } from './limits.ts';
import { json } from './rows.postgres.ts';
import type { VerificationRound } from './types.ts';

interface AccountCheck {
  id: LedgerAccountId;
  balance_microcents: bigint;
  last_position: bigint;
  /** The entries summed so far, before and in this round: their last position and their sum. */
  position: bigint;
  sum_microcents: bigint;
  entries: bigint;
  is_gapless: boolean;
}

/**
 * Compares the accounts behind `after` with their entries. Only entries that are new since the last time are read: the sum
 * of the others is kept. An entry that somebody changed after it was verified is found by the trial balance, not here.
 */
export async function verifyAccounts(sql: Sql, after: LedgerAccountId | null): Promise<VerificationRound> {
  const checks = await readChecks(sql, after);
  const isWrong = (check: AccountCheck) =>
    !check.is_gapless ||
    check.position > check.last_position ||
    (check.position === check.last_position && check.sum_microcents !== check.balance_microcents);
  const wrong = checks.filter(isWrong);
  const progress = checks
    .filter((check) => check.entries > 0n && !isWrong(check))
    .map(({ id, position, sum_microcents: sum }) => ({ id, position, sum }));
  if (progress.length > 0) {
    await sql`
      INSERT INTO ledger_verified_accounts AS v (account_id, position, sum_microcents)
      SELECT id, position, sum
      FROM jsonb_to_recordset(${json(progress)}::text::jsonb) AS row(id uuid, position bigint, sum bigint)
      ORDER BY id
      ON CONFLICT (account_id) DO UPDATE
        SET position = excluded.position, sum_microcents = excluded.sum_microcents
        WHERE v.position < excluded.position`;
  }
  return {
    accounts: checks.length,
    entries: checks.reduce((sum, { entries }) => sum + Number(entries), 0),
    wrongAccounts: wrong.map(({ id }) => id),
    totalsMatch: await readTotalsMatch(sql),
    nextAfter: checks.length < VERIFIED_ACCOUNTS_PAGE ? null : (checks.at(-1)?.id ?? null),
  };
}

/** In one statement, so in one snapshot: balances are compared with the entries that made them. */
async function readChecks(sql: Sql, after: LedgerAccountId | null): Promise<readonly AccountCheck[]> {
  return sql<AccountCheck[]>`
    WITH page AS (
      SELECT a.id, a.balance_microcents, a.last_position,
        coalesce(v.position, 0) AS verified_position, coalesce(v.sum_microcents, 0) AS verified_sum
      FROM ledger_accounts a LEFT JOIN ledger_verified_accounts v ON v.account_id = a.id
      WHERE ${after}::uuid IS NULL OR a.id > ${after}::uuid
      ORDER BY a.id LIMIT ${VERIFIED_ACCOUNTS_PAGE}
    )
    SELECT p.id, p.balance_microcents, p.last_position, p.verified_position + s.entries AS position,
      (p.verified_sum + s.microcents)::bigint AS sum_microcents, s.entries,
      coalesce(s.newest = p.verified_position + s.entries, p.verified_position = p.last_position) AS is_gapless
    FROM page p, LATERAL (
      SELECT count(*) AS entries, coalesce(sum(amount_microcents), 0) AS microcents, max(position) AS newest
      FROM (
        SELECT amount_microcents, position FROM ledger_entries
        WHERE account_id = p.id AND position > p.verified_position
        ORDER BY position LIMIT ${VERIFIED_ENTRIES_MAX}
      ) new_entries
    ) s
    ORDER BY p.id`;
}

async function readTotalsMatch(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ totals_match: boolean }[]>`
    SELECT coalesce(sum(balance_microcents), 0) = 0
      AND coalesce(sum(balance_microcents) FILTER (WHERE kind = 'held'), 0)
        = (SELECT coalesce(sum(amount_microcents), 0) FROM ledger_open_holds)
      AND coalesce(sum(balance_microcents) FILTER (WHERE kind = 'earnings'), 0)
        = (SELECT coalesce(sum(amount_microcents), 0) FROM ledger_pending_earnings) AS totals_match
    FROM ledger_accounts`;
  return row?.totals_match === true;
}
