import type { Sql } from '../../kernel/database.ts';
import type { TenantId, TransactionId, TransferId } from '../../kernel/ids.ts';
import type { RefundedTransaction, Requester, SettledTransaction } from './types.ts';

/** A transaction of this requester that has ended, with who was paid for it; null: there is none. */
export async function findSettled(
  sql: Sql,
  { tenantId, accountId }: Requester,
  id: TransactionId,
): Promise<SettledTransaction | null> {
  const [row] = await sql<
    { model: string; state: string; hold_id: TransferId; cost_microcents: bigint; finished_at: Date | null }[]
  >`
    SELECT model, state, hold_id, cost_microcents, finished_at FROM marketplace_transactions
    WHERE id = ${id} AND tenant_id = ${tenantId} AND account_id = ${accountId}`;
  if (row === undefined) return null;
  const shares = await sql<
    {
      provider_id: string;
      tenant_id: TenantId;
      cost_microcents: bigint;
      fee_microcents: bigint;
      earnings_microcents: bigint;
    }[]
  >`
    SELECT provider_id, tenant_id, cost_microcents, fee_microcents, earnings_microcents FROM marketplace_served
    WHERE transaction_id = ${id} AND cost_microcents > 0 ORDER BY provider_id`;
  return {
    id,
    model: row.model,
    holdId: row.hold_id,
    costMicrocents: row.cost_microcents,
    endedAtMs: row.finished_at?.getTime() ?? null,
    isRefunded: row.state === 'REFUNDED',
    shares: shares.map((share) => ({
      providerId: share.provider_id,
      tenantId: share.tenant_id,
      costMicrocents: share.cost_microcents,
      feeMicrocents: share.fee_microcents,
      earningsMicrocents: share.earnings_microcents,
    })),
  };
}

/**
 * Writes what goes back, once a transaction: in the rows of both sides, and in the analytics of the hour in which the request ended; there
 * without a key, since it isn't known any more which one it came with.
 */
export const refundedTransactions = {
  name: 'marketplace_transactions 4 refund',
  async write(sql: Sql, transactions: readonly RefundedTransaction[]): Promise<void> {
    const shares = transactions.flatMap(({ id, tenantId, shares: ofProviders }) =>
      ofProviders.map((share) => ({
        id,
        tenantId,
        providerId: share.providerId,
        refunded: String(share.refundedMicrocents),
        refundedEarnings: String(share.refundedEarningsMicrocents),
      })),
    );
    await sql`
      WITH given AS (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(shares)}::text::jsonb) AS row(id uuid, "tenantId" uuid,
          "providerId" uuid, refunded bigint, "refundedEarnings" bigint)
      ), sums AS (
        SELECT id, "tenantId", sum(refunded)::bigint AS refunded, sum("refundedEarnings")::bigint AS refunded_earnings
        FROM given GROUP BY id, "tenantId"
      ), asked AS (
        UPDATE marketplace_transactions paid SET refunded_microcents = sums.refunded,
          refunded_earnings_microcents = sums.refunded_earnings,
          state = CASE WHEN sums.refunded = paid.cost_microcents THEN 'REFUNDED' ELSE paid.state END
        FROM sums WHERE paid.id = sums.id AND paid.tenant_id = sums."tenantId" AND paid.refunded_microcents = 0
        RETURNING paid.*
      ), served AS (
        UPDATE marketplace_served paid SET refunded_microcents = given.refunded,
          refunded_earnings_microcents = given."refundedEarnings",
          state = CASE WHEN given.refunded = paid.cost_microcents THEN 'REFUNDED' ELSE paid.state END
        FROM given WHERE paid.transaction_id = given.id AND paid.provider_id = given."providerId"
          AND paid.refunded_microcents = 0
        RETURNING paid.*
      ), sides AS (
        SELECT tenant_id, 'requester' AS role, account_id, provider_id, model, refunded_microcents,
          refunded_earnings_microcents, finished_at
        FROM asked
        UNION ALL
        SELECT tenant_id, 'provider', NULL, provider_id, model, refunded_microcents, refunded_earnings_microcents,
          finished_at
        FROM served
      ), days AS (
        INSERT INTO marketplace_days AS days (tenant_id, role, account_id, kind, day, name, completed, failed, cancelled,
          prompt_tokens, completion_tokens, billed_tokens, cost_microcents, fee_microcents, earnings_microcents,
          refunded_microcents, refunded_earnings_microcents)
        SELECT tenant_id, role, account_id, part.kind, (finished_at AT TIME ZONE 'UTC')::date AS day, part.name, 0, 0, 0, 0,
          0, 0, 0, 0, 0, sum(refunded_microcents), sum(refunded_earnings_microcents)
        FROM sides, LATERAL (VALUES ('hour', to_char(finished_at AT TIME ZONE 'UTC', 'HH24')), ('model', model), ('key', ''),
          ('provider', provider_id::text)) AS part(kind, name)
        WHERE part.kind <> 'key' OR role = 'requester'
        GROUP BY tenant_id, role, account_id, part.kind, day, part.name
        ORDER BY tenant_id, role, account_id, part.kind, day, part.name
        ON CONFLICT (tenant_id, role, account_id, kind, day, name) DO UPDATE SET
          refunded_microcents = days.refunded_microcents + excluded.refunded_microcents,
          refunded_earnings_microcents = days.refunded_earnings_microcents + excluded.refunded_earnings_microcents
      )
      INSERT INTO marketplace_hours AS hours (tenant_id, role, account_id, provider_id, model, hour, completed, failed,
        cancelled, prompt_tokens, completion_tokens, billed_tokens, cost_microcents, fee_microcents, earnings_microcents,
        refunded_microcents, refunded_earnings_microcents)
      SELECT tenant_id, role, account_id, provider_id, model, date_trunc('hour', finished_at, 'UTC') AS hour, 0, 0, 0, 0,
        0, 0, 0, 0, 0, sum(refunded_microcents), sum(refunded_earnings_microcents)
      FROM sides GROUP BY tenant_id, role, account_id, provider_id, model, hour
      ORDER BY tenant_id, role, hour, account_id, provider_id, model
      ON CONFLICT (tenant_id, role, hour, account_id, key_id, provider_id, model) DO UPDATE SET
        refunded_microcents = hours.refunded_microcents + excluded.refunded_microcents,
        refunded_earnings_microcents = hours.refunded_earnings_microcents + excluded.refunded_earnings_microcents`;
  },
};
