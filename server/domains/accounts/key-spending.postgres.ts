import type { Sql } from '../../kernel/database.ts';
import type { CredentialId, TenantId, TransactionId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import { dayOf, judgeSpending, monthOf, type QuotaRefusal, type SpendLimits } from '../spending/index.ts';

/** What is set aside for a request that came with an API key. */
export interface KeyHold {
  readonly keyId: CredentialId;
  readonly tenantId: TenantId;
  readonly transactionId: TransactionId;
  readonly heldMicrocents: Microcents;
  readonly atMs: number;
}

/** The end of a request that may have come with an API key, and what it cost. */
export interface KeyCharge {
  readonly transactionId: TransactionId;
  readonly costMicrocents: Microcents;
  readonly atMs: number;
}

/** What one key may spend, has spent, and what is set aside, by request. */
interface KeyUse {
  /** In all; null: no limit. */
  readonly limitMicrocents: Microcents | null;
  readonly spentMicrocents: Microcents;
  readonly limits: SpendLimits;
  readonly spent: { readonly day: Microcents; readonly month: Microcents };
  heldMicrocents: Microcents;
  readonly holds: Map<TransactionId, Microcents>;
}

/**
 * Judges holds by the limits of their keys, in the transaction that takes them: `take` counts one, or refuses it where the
 * key's payments and holds together would pass a limit of it (in all, of the day or of the month), or the key is gone. A further
 * hold of a request takes the place of the one before.
 */
export const keyLimits = {
  name: 'api_keys',
  async load(sql: Sql, rows: readonly KeyHold[]) {
    const nowMs = Math.max(...rows.map(({ atMs }) => atMs));
    const uses = await lockKeys(sql, [...new Set(rows.map(({ keyId }) => keyId))], nowMs);
    return {
      take({
        keyId,
        transactionId,
        heldMicrocents,
      }: KeyHold): 'spending_limit_reached' | QuotaRefusal | (() => void) {
        const use = uses.get(keyId);
        if (use === undefined) return 'spending_limit_reached';
        const before = use.holds.get(transactionId) ?? 0n;
        const others = use.heldMicrocents - before;
        const { limitMicrocents, spentMicrocents } = use;
        if (limitMicrocents !== null && spentMicrocents + others + heldMicrocents > limitMicrocents)
          return 'spending_limit_reached';
        const refusal = judgeSpending(use.limits, use.spent, others, heldMicrocents);
        if (refusal !== null) return refusal;
        const set = (all: Microcents, held: Microcents) => {
          use.heldMicrocents = all;
          use.holds.set(transactionId, held);
        };
        set(others + heldMicrocents, heldMicrocents);
        return () => set(others + before, before);
      },
    };
  },
};

interface KeyRow {
  credential_id: CredentialId;
  spend_microcents_max: bigint | null;
  spent_microcents: bigint;
  day_microcents_max: bigint | null;
  month_microcents_max: bigint | null;
  day_spent: bigint;
  month_spent: bigint;
}

/**
 * What the keys in a statement on `api_keys` have spent in the day and the month of `nowMs`: `day_spent` and `month_spent`. What was
 * charged by a clock that is ahead counts.
 */
export const spentColumns = (sql: Sql, nowMs: number) => sql`
  CASE WHEN charged_on >= ${dayOf(nowMs)}::date THEN day_spent_microcents ELSE 0 END AS day_spent,
  CASE WHEN charged_on >= ${monthOf(nowMs)}::date THEN month_spent_microcents ELSE 0 END AS month_spent`;

/** Locks the keys in the order of their ids, then reads what may only be trusted under their locks. */
async function lockKeys(
  sql: Sql,
  keyIds: readonly CredentialId[],
  nowMs: number,
): Promise<Map<CredentialId, KeyUse>> {
  const [keys, holds] = await Promise.all([
    sql<KeyRow[]>`
      SELECT credential_id, spend_microcents_max, spent_microcents, day_microcents_max, month_microcents_max,
        ${spentColumns(sql, nowMs)} FROM api_keys
      WHERE credential_id = ANY (${[...keyIds]}::uuid[]) ORDER BY credential_id FOR NO KEY UPDATE`,
    sql<{ credential_id: CredentialId; transaction_id: TransactionId; held_microcents: bigint }[]>`
      SELECT credential_id, transaction_id, held_microcents FROM api_key_holds
      WHERE credential_id = ANY (${[...keyIds]}::uuid[])`,
  ]);
  const uses = new Map<CredentialId, KeyUse>(
    keys.map((row) => [
      row.credential_id,
      {
        limitMicrocents: row.spend_microcents_max,
        spentMicrocents: row.spent_microcents,
        limits: { dayMicrocentsMax: row.day_microcents_max, monthMicrocentsMax: row.month_microcents_max },
        spent: { day: row.day_spent, month: row.month_spent },
        heldMicrocents: 0n,
        holds: new Map(),
      },
    ]),
  );
  for (const row of holds) {
    const use = uses.get(row.credential_id);
    if (use === undefined) continue;
    use.heldMicrocents += row.held_microcents;
    use.holds.set(row.transaction_id, row.held_microcents);
  }
  return uses;
}

/** Writes what is set aside; of two for one request the later one counts. */
export const openedKeyHolds = {
  name: 'api_key_holds 1 open',
  async write(sql: Sql, holds: readonly KeyHold[]): Promise<void> {
    const latest = new Map(holds.map((hold) => [hold.transactionId, hold]));
    const rows = [...latest.values()].map((hold) => ({
      ...hold,
      heldMicrocents: String(hold.heldMicrocents),
    }));
    await sql`
      INSERT INTO api_key_holds (transaction_id, tenant_id, credential_id, held_microcents)
      SELECT "transactionId", "tenantId", "keyId", "heldMicrocents"
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
        AS row("transactionId" uuid, "tenantId" uuid, "keyId" uuid, "heldMicrocents" bigint)
      ON CONFLICT (transaction_id) DO UPDATE SET held_microcents = excluded.held_microcents`;
  },
};

/**
 * Takes holds away, and adds what their requests cost to what their keys have spent: in all, and on the day on which they ended and
 * in its month, where no later ones have begun. What is gone already adds nothing.
 */
export const closedKeyHolds = {
  name: 'api_key_holds 2 close',
  async write(sql: Sql, charges: readonly KeyCharge[]): Promise<void> {
    const rows = charges.map(({ transactionId, costMicrocents, atMs }) => ({
      transactionId,
      costMicrocents: String(costMicrocents),
      day: dayOf(atMs),
    }));
    await sql`
      WITH closed AS (
        DELETE FROM api_key_holds hold
        USING jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
          AS row("transactionId" uuid, "costMicrocents" bigint, day date)
        WHERE hold.transaction_id = row."transactionId"
        RETURNING hold.credential_id, row.day, row."costMicrocents" AS cost_microcents
      ), dated AS (
        SELECT *, max(day) OVER (PARTITION BY credential_id) AS last_day FROM closed WHERE cost_microcents > 0
      ), cost AS (
        SELECT credential_id, last_day, date_trunc('month', last_day::timestamp)::date AS month,
          sum(cost_microcents)::bigint AS microcents,
          (sum(cost_microcents) FILTER (WHERE day = last_day))::bigint AS of_day,
          (sum(cost_microcents) FILTER (WHERE day >= date_trunc('month', last_day::timestamp)))::bigint AS of_month
        FROM dated GROUP BY credential_id, last_day
      )
      UPDATE api_keys SET
        spent_microcents = spent_microcents + cost.microcents,
        charged_on = greatest(charged_on, last_day),
        day_spent_microcents = CASE
          WHEN charged_on = last_day THEN day_spent_microcents + of_day
          -- Of days long before: the clock was ahead, and all that comes until then counts.
          WHEN charged_on > last_day + 1 THEN day_spent_microcents + of_day
          WHEN charged_on > last_day THEN day_spent_microcents
          ELSE of_day END,
        month_spent_microcents = CASE
          WHEN date_trunc('month', charged_on::timestamp) = month THEN month_spent_microcents + of_month
          WHEN charged_on > last_day + 1 THEN month_spent_microcents + of_month
          WHEN charged_on > last_day THEN month_spent_microcents
          ELSE of_month END
      FROM cost WHERE api_keys.credential_id = cost.credential_id`;
  },
};
