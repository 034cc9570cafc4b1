import type { Migration } from './migration.ts';

/**
 * What each side of the market did in each hour, and how long its requests took, counted in the transactions that end the
 * requests. Sums are `numeric`: none of them can be too large, and so keep an end from being written.
 */
export const marketHours: Migration = {
  name: '0086-market-hours',
  up: `
    CREATE TABLE marketplace_hours (
      tenant_id uuid NOT NULL,
      role text NOT NULL CHECK (role IN ('requester', 'provider')),
      -- Who asked, and with which key; NULL in a provider's rows, which tell nothing of who asked.
      account_id uuid,
      key_id uuid,
      -- Who ended it, or in a provider's rows the provider.
      provider_id uuid NOT NULL,
      model text NOT NULL,
      -- Of UTC, in which the requests ended.
      hour timestamptz NOT NULL,
      completed bigint NOT NULL,
      failed bigint NOT NULL,
      cancelled bigint NOT NULL,
      prompt_tokens numeric NOT NULL,
      completion_tokens numeric NOT NULL,
      billed_tokens numeric NOT NULL,
      cost_microcents numeric NOT NULL,
      fee_microcents numeric NOT NULL,
      earnings_microcents numeric NOT NULL,
      UNIQUE NULLS NOT DISTINCT (tenant_id, role, hour, account_id, key_id, provider_id, model)
    );
    CREATE INDEX marketplace_hours_by_age ON marketplace_hours (hour);
    CREATE TABLE marketplace_durations (
      tenant_id uuid NOT NULL,
      role text NOT NULL CHECK (role IN ('requester', 'provider')),
      account_id uuid,
      model text NOT NULL,
      -- Of UTC, in which the requests ended.
      day date NOT NULL,
      -- Four times the binary logarithm of the milliseconds from its begin to its end, rounded.
      bucket smallint NOT NULL,
      completed bigint NOT NULL,
      UNIQUE NULLS NOT DISTINCT (tenant_id, role, day, account_id, model, bucket)
    );
    CREATE INDEX marketplace_durations_by_age ON marketplace_durations (day);

    -- What ended before. Which key it came with isn't known any more. The owner of the tables is under their policies, too, and has none.
    ALTER TABLE marketplace_transactions NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_served NO FORCE ROW LEVEL SECURITY;
    WITH sides AS (
      SELECT tenant_id, 'requester' AS role, account_id, provider_id, model, state, prompt_tokens, completion_tokens,
        billed_tokens, cost_microcents, fee_microcents, earnings_microcents, created_at, finished_at
      FROM marketplace_transactions WHERE finished_at IS NOT NULL
      UNION ALL
      SELECT tenant_id, 'provider', NULL, provider_id, model, state, prompt_tokens, completion_tokens, billed_tokens,
        cost_microcents, fee_microcents, earnings_microcents, created_at, finished_at
      FROM marketplace_served
    ), durations AS (
      INSERT INTO marketplace_durations (tenant_id, role, account_id, model, day, bucket, completed)
      SELECT tenant_id, role, account_id, model, (finished_at AT TIME ZONE 'UTC')::date AS day,
        round(4 * ln(greatest(extract(epoch FROM finished_at - created_at) * 1000, 1)) / ln(2)) AS bucket, count(*)
      FROM sides WHERE state = 'COMPLETED' GROUP BY tenant_id, role, account_id, model, day, bucket
    )
    INSERT INTO marketplace_hours (tenant_id, role, account_id, provider_id, model, hour, completed, failed, cancelled,
      prompt_tokens, completion_tokens, billed_tokens, cost_microcents, fee_microcents, earnings_microcents)
    SELECT tenant_id, role, account_id, provider_id, model, date_trunc('hour', finished_at, 'UTC') AS hour,
      count(*) FILTER (WHERE state = 'COMPLETED'), count(*) FILTER (WHERE state = 'FAILED'),
      count(*) FILTER (WHERE state = 'CANCELLED'), sum(prompt_tokens), sum(completion_tokens), sum(billed_tokens),
      sum(cost_microcents), sum(fee_microcents), sum(earnings_microcents)
    FROM sides GROUP BY tenant_id, role, account_id, provider_id, model, hour;
    ALTER TABLE marketplace_transactions FORCE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_served FORCE ROW LEVEL SECURITY;

    ALTER TABLE marketplace_hours ENABLE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_hours FORCE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_durations ENABLE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_durations FORCE ROW LEVEL SECURITY;
    -- As with the transactions: the one who asked, not the other members; what is earned, for the whole tenant.
    CREATE POLICY own ON marketplace_hours FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant())
      AND (role = 'provider' OR account_id = coalesce((SELECT current_account_id()), account_id)));
    CREATE POLICY own ON marketplace_durations FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant())
      AND (role = 'provider' OR account_id = coalesce((SELECT current_account_id()), account_id)));
    CREATE POLICY server ON marketplace_hours TO yggdrasil_money USING (true);
    CREATE POLICY server ON marketplace_durations TO yggdrasil_money USING (true);
    GRANT SELECT ON marketplace_hours, marketplace_durations TO yggdrasil_tenant;
    GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace_hours, marketplace_durations TO yggdrasil_money;
  `,
  down: `
    DROP TABLE marketplace_durations;
    DROP TABLE marketplace_hours;
  `,
};
