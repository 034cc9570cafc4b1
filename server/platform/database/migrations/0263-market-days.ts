import type { Migration } from './migration.ts';

/**
 * What each side of the market did on each day, by one thing at a time: by hour, by model, by key and by provider. It is what
 * `marketplace_hours` says, with as few rows as a page of analytics needs to be quick over millions of requests.
 */
export const marketDays: Migration = {
  name: '0263-market-days',
  up: `
    CREATE TABLE marketplace_days (
      tenant_id uuid NOT NULL,
      role text NOT NULL CHECK (role IN ('requester', 'provider')),
      account_id uuid,
      kind text NOT NULL CHECK (kind IN ('hour', 'model', 'key', 'provider')),
      -- Of UTC, in which the requests ended.
      day date NOT NULL,
      -- The hour of the day in two digits, the model, the key's id (empty: without one), the provider's id.
      name text NOT NULL,
      completed bigint NOT NULL,
      failed bigint NOT NULL,
      cancelled bigint NOT NULL,
      prompt_tokens numeric NOT NULL,
      completion_tokens numeric NOT NULL,
      billed_tokens numeric NOT NULL,
      cost_microcents numeric NOT NULL,
      fee_microcents numeric NOT NULL,
      earnings_microcents numeric NOT NULL,
      refunded_microcents numeric NOT NULL DEFAULT 0,
      refunded_earnings_microcents numeric NOT NULL DEFAULT 0,
      UNIQUE NULLS NOT DISTINCT (tenant_id, role, account_id, kind, day, name)
    );
    CREATE INDEX marketplace_days_by_age ON marketplace_days (day);

    -- The owner of the tables is under their policies, too, and has none.
    ALTER TABLE marketplace_hours NO FORCE ROW LEVEL SECURITY;
    INSERT INTO marketplace_days (tenant_id, role, account_id, kind, day, name, completed, failed, cancelled, prompt_tokens,
      completion_tokens, billed_tokens, cost_microcents, fee_microcents, earnings_microcents, refunded_microcents,
      refunded_earnings_microcents)
    SELECT tenant_id, role, account_id, part.kind, (hour AT TIME ZONE 'UTC')::date AS day, part.name, sum(completed),
      sum(failed), sum(cancelled), sum(prompt_tokens), sum(completion_tokens), sum(billed_tokens), sum(cost_microcents),
      sum(fee_microcents), sum(earnings_microcents), sum(refunded_microcents), sum(refunded_earnings_microcents)
    FROM marketplace_hours, LATERAL (VALUES ('hour', to_char(hour AT TIME ZONE 'UTC', 'HH24')), ('model', model),
      ('key', coalesce(key_id::text, '')), ('provider', provider_id::text)) AS part(kind, name)
    WHERE part.kind <> 'key' OR role = 'requester'
    GROUP BY tenant_id, role, account_id, part.kind, day, part.name;
    ALTER TABLE marketplace_hours FORCE ROW LEVEL SECURITY;

    ALTER TABLE marketplace_days ENABLE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_days FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON marketplace_days FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT whole_tenant_id())
      AND (role = 'provider' OR account_id = coalesce((SELECT current_account_id()), account_id)));
    CREATE POLICY server ON marketplace_days TO yggdrasil_money USING (true);
    GRANT SELECT ON marketplace_days TO yggdrasil_tenant;
    GRANT SELECT, INSERT, UPDATE, DELETE ON marketplace_days TO yggdrasil_money;
  `,
  down: 'DROP TABLE marketplace_days;',
};
