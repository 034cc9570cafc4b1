import type { Sql } from '../../kernel/database.ts';
import type { TenantId, TransactionId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import { dayOf, judgeSpending, monthOf, strictest } from './rules.ts';
import type { QuotaRefusal, SpendLimits } from './types.ts';

/** What is set aside for a request. */
export interface SpendHold {
  readonly tenantId: TenantId;
  readonly transactionId: TransactionId;
  readonly heldMicrocents: Microcents;
  readonly atMs: number;
}

/** The end of a request, and what it cost. */
export interface SpendCharge {
  readonly transactionId: TransactionId;
  readonly costMicrocents: Microcents;
  readonly atMs: number;
}

/** What one tenant may spend, has spent, and what is set aside, by request. */
interface Use {
  readonly limits: SpendLimits;
  readonly spent: { readonly day: Microcents; readonly month: Microcents };
  heldMicrocents: Microcents;
  readonly holds: Map<TransactionId, Microcents>;
}

/**
 * Judges holds by what their tenants may spend, in the transaction that takes them, under the lock of the tenant's ledger account: so it
 * holds among requests that come at once. A further hold of a request takes the place of the one before.
 */
export const spendQuotas = {
  name: 'spending',
  async load(sql: Sql, rows: readonly SpendHold[]) {
    const uses = await readUses(sql, rows);
    return {
      take({ tenantId, transactionId, heldMicrocents }: SpendHold): QuotaRefusal | (() => void) {
        const use = uses.get(tenantId);
        if (use === undefined) return () => {};
        const before = use.holds.get(transactionId) ?? 0n;
        const others = use.heldMicrocents - before;
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

interface UseRow {
  tenant_id: TenantId;
  day_limit: bigint | null;
  month_limit: bigint | null;
  day_quota: bigint | null;
  month_quota: bigint | null;
  day_spent: bigint;
  month_spent: bigint;
}

/** Of tenants that have a limit; the others may spend what there is. */
async function readUses(sql: Sql, rows: readonly SpendHold[]): Promise<Map<TenantId, Use>> {
  const tenantIds = [...new Set(rows.map(({ tenantId }) => tenantId))];
  const nowMs = Math.max(...rows.map(({ atMs }) => atMs));
  const found = await sql<UseRow[]>`
    SELECT tenant_id, chosen.day_microcents_max AS day_limit, chosen.month_microcents_max AS month_limit,
      quota.day_microcents_max AS day_quota, quota.month_microcents_max AS month_quota,
      coalesce(spent.day, 0)::bigint AS day_spent, coalesce(spent.month, 0)::bigint AS month_spent
    FROM spending_limits chosen FULL JOIN spending_quotas quota USING (tenant_id),
      LATERAL (
        SELECT sum(spent_microcents) FILTER (WHERE day = ${dayOf(nowMs)}::date) AS day, sum(spent_microcents) AS month
        FROM spending_days WHERE spending_days.tenant_id = coalesce(chosen.tenant_id, quota.tenant_id)
          AND day >= ${monthOf(nowMs)}::date) spent
    WHERE tenant_id = ANY (${tenantIds}::uuid[])`;
  if (found.length === 0) return new Map();
  const uses = new Map<TenantId, Use>(
    found.map((row) => [
      row.tenant_id,
      {
        limits: strictest(
          { dayMicrocentsMax: row.day_limit, monthMicrocentsMax: row.month_limit },
          { dayMicrocentsMax: row.day_quota, monthMicrocentsMax: row.month_quota },
        ),
        spent: { day: row.day_spent, month: row.month_spent },
        heldMicrocents: 0n,
        holds: new Map(),
      },
    ]),
  );
  const holds = await sql<{ tenant_id: TenantId; transaction_id: TransactionId; held_microcents: bigint }[]>`
    SELECT tenant_id, transaction_id, held_microcents FROM spending_holds
    WHERE tenant_id = ANY (${[...uses.keys()]}::uuid[])`;
  for (const row of holds) {
    const use = uses.get(row.tenant_id);
    if (use === undefined) continue;
    use.heldMicrocents += row.held_microcents;
    use.holds.set(row.transaction_id, row.held_microcents);
  }
  return uses;
}

/** Writes what is set aside; of two for one request the later one counts. */
export const openedSpendHolds = {
  name: 'spending 1 open',
  async write(sql: Sql, holds: readonly SpendHold[]): Promise<void> {
    const latest = new Map(holds.map((hold) => [hold.transactionId, hold]));
    const rows = [...latest.values()].map((hold) => ({
      ...hold,
      heldMicrocents: String(hold.heldMicrocents),
    }));
    await sql`
      INSERT INTO spending_holds (transaction_id, tenant_id, held_microcents)
      SELECT "transactionId", "tenantId", "heldMicrocents"
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
        AS row("transactionId" uuid, "tenantId" uuid, "heldMicrocents" bigint)
      ON CONFLICT (transaction_id) DO UPDATE SET held_microcents = excluded.held_microcents`;
  },
};

/** Takes holds away, and adds what their requests cost to the day on which they ended. What is gone already adds nothing. */
export const closedSpendHolds = {
  name: 'spending 2 close',
  async write(sql: Sql, charges: readonly SpendCharge[]): Promise<void> {
    const rows = charges.map(({ transactionId, costMicrocents, atMs }) => ({
      transactionId,
      costMicrocents: String(costMicrocents),
      day: dayOf(atMs),
    }));
    await sql`
      WITH closed AS (
        DELETE FROM spending_holds hold
        USING jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
          AS row("transactionId" uuid, "costMicrocents" bigint, day date)
        WHERE hold.transaction_id = row."transactionId"
        RETURNING hold.tenant_id, row.day, row."costMicrocents" AS cost_microcents
      )
      INSERT INTO spending_days (tenant_id, day, spent_microcents)
      SELECT tenant_id, day, sum(cost_microcents)::bigint FROM closed WHERE cost_microcents > 0
      GROUP BY tenant_id, day ORDER BY tenant_id, day
      ON CONFLICT (tenant_id, day) DO UPDATE
        SET spent_microcents = spending_days.spent_microcents + excluded.spent_microcents`;
  },
};
