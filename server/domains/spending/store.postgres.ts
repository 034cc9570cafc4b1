import type { Actor } from '../../kernel/actor.ts';
import { DAY_MS } from '../../kernel/clock.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { DAYS_KEPT, UNUSUAL_MAX, UNUSUAL_TIMES, USUAL_MICROCENTS_MIN } from './limits.ts';
import type { SpendingStore } from './ports.ts';
import { dayOf, monthOf } from './rules.ts';
import type { Spending, SpendLimits } from './types.ts';

interface LimitRow {
  day_microcents_max: bigint | null;
  month_microcents_max: bigint | null;
}

const toLimits = (row: LimitRow | undefined): SpendLimits => ({
  dayMicrocentsMax: row?.day_microcents_max ?? null,
  monthMicrocentsMax: row?.month_microcents_max ?? null,
});

/** What tenants may spend, and have spent, in PostgreSQL. */
export function createSpendingStore(database: Database): SpendingStore {
  return {
    read: (actor, nowMs) => database.tenant(actor, (sql) => readSpending(sql, actor, nowMs)),

    saveLimits: (actor, { dayMicrocentsMax, monthMicrocentsMax }) =>
      database.tenant(actor, async (sql) => {
        await sql`
          INSERT INTO spending_limits (tenant_id, day_microcents_max, month_microcents_max)
          VALUES (${actor.tenantId}, ${dayMicrocentsMax}, ${monthMicrocentsMax})
          ON CONFLICT (tenant_id) DO UPDATE SET
            day_microcents_max = excluded.day_microcents_max, month_microcents_max = excluded.month_microcents_max`;
      }),

    saveQuotas: (tenantId, quotas) =>
      database
        .system('money', (sql) => saveQuotas(sql, tenantId, quotas))
        .catch((error: unknown) => {
          const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
          if (code === '23503' && constraint === 'spending_quotas_tenant_id_fkey') return false;
          throw error;
        }),

    listUnusual: (nowMs) =>
      database.system('money', async (sql) => {
        const day = dayOf(nowMs);
        const rows = await sql<{ tenant_id: string }[]>`
          SELECT tenant_id FROM spending_days today
          WHERE day = ${day}::date AND spent_microcents > ${UNUSUAL_TIMES} * greatest(
            ${USUAL_MICROCENTS_MIN}::bigint,
            (SELECT coalesce(sum(spent_microcents), 0) / 7 FROM spending_days week
              WHERE week.tenant_id = today.tenant_id AND week.day >= ${day}::date - 7 AND week.day < ${day}::date))
          ORDER BY tenant_id LIMIT ${UNUSUAL_MAX}`;
        return rows.map((row) => ({ tenantId: row.tenant_id, day }));
      }),

    removeOld: (nowMs) =>
      database.system('money', async (sql) => {
        await sql`DELETE FROM spending_days WHERE day < ${dayOf(nowMs - DAYS_KEPT * DAY_MS)}::date`;
      }),
  };
}

async function readSpending(sql: Sql, { tenantId }: Actor, nowMs: number): Promise<Spending> {
  const [limits] = await sql<LimitRow[]>`
    SELECT day_microcents_max, month_microcents_max FROM spending_limits WHERE tenant_id = ${tenantId}`;
  const [quotas] = await sql<LimitRow[]>`
    SELECT day_microcents_max, month_microcents_max FROM spending_quotas WHERE tenant_id = ${tenantId}`;
  const [spent] = await sql<{ day: bigint; month: bigint; held: bigint }[]>`
    SELECT coalesce(sum(spent_microcents) FILTER (WHERE day = ${dayOf(nowMs)}::date), 0)::bigint AS day,
      coalesce(sum(spent_microcents), 0)::bigint AS month,
      (SELECT coalesce(sum(held_microcents), 0)::bigint FROM spending_holds WHERE tenant_id = ${tenantId}) AS held
    FROM spending_days WHERE tenant_id = ${tenantId} AND day >= ${monthOf(nowMs)}::date`;
  return {
    limits: toLimits(limits),
    quotas: toLimits(quotas),
    daySpentMicrocents: spent?.day ?? 0n,
    monthSpentMicrocents: spent?.month ?? 0n,
    heldMicrocents: spent?.held ?? 0n,
  };
}

async function saveQuotas(
  sql: Sql,
  tenantId: TenantId,
  { dayMicrocentsMax, monthMicrocentsMax }: SpendLimits,
): Promise<boolean> {
  await sql`
    INSERT INTO spending_quotas (tenant_id, day_microcents_max, month_microcents_max)
    VALUES (${tenantId}, ${dayMicrocentsMax}, ${monthMicrocentsMax})
    ON CONFLICT (tenant_id) DO UPDATE SET
      day_microcents_max = excluded.day_microcents_max, month_microcents_max = excluded.month_microcents_max`;
  return true;
}
