/**
 * Requests in one table, each a row, with an index by who asked and when: what a page of analytics would sum up without being kept
 * incrementally. `fill` makes as many in the year until now, evenly spread by a fixed rule, and the product's tables as they would be.
 */
export const ANALYTICS_REFERENCE = `
CREATE SCHEMA IF NOT EXISTS bench;
CREATE UNLOGGED TABLE bench.requests (
  tenant_id uuid NOT NULL, account_id uuid NOT NULL, key_id uuid NOT NULL, provider_id uuid NOT NULL, model text NOT NULL,
  state text NOT NULL, prompt_tokens bigint NOT NULL, completion_tokens bigint NOT NULL, billed_tokens bigint NOT NULL,
  cost_microcents bigint NOT NULL, fee_microcents bigint NOT NULL, earnings_microcents bigint NOT NULL,
  duration_bucket smallint NOT NULL, finished_at timestamptz NOT NULL);
CREATE PROCEDURE bench.fill(tenant uuid, account uuid, requests bigint, models int, keys int, providers int)
LANGUAGE plpgsql AS $$
BEGIN
  SET LOCAL search_path = yggdrasil;
  INSERT INTO bench.requests
  SELECT tenant, account, ('00000000-0000-4000-9000-' || lpad((i * 7 % keys)::text, 12, '0'))::uuid,
    ('00000000-0000-4000-a000-' || lpad((i * 13 % providers)::text, 12, '0'))::uuid, 'model-' || i * 11 % models,
    CASE WHEN i % 50 = 0 THEN 'FAILED' WHEN i % 97 = 0 THEN 'CANCELLED' ELSE 'COMPLETED' END, 200 + i % 1800, 50 + i % 700,
    250 + i % 2500, 1000 + i % 90000, 120 + i % 10000, 880 + i % 80000, 30 + i % 30,
    now() - (requests - i) * (interval '365 days' / requests)
  FROM generate_series(1, requests) AS i;
  CREATE INDEX ON bench.requests (tenant_id, account_id, finished_at);
  INSERT INTO marketplace_hours (tenant_id, role, account_id, key_id, provider_id, model, hour, completed, failed, cancelled,
    prompt_tokens, completion_tokens, billed_tokens, cost_microcents, fee_microcents, earnings_microcents)
  SELECT tenant_id, 'requester', account_id, key_id, provider_id, model, date_trunc('hour', finished_at, 'UTC') AS hour,
    count(*) FILTER (WHERE state = 'COMPLETED'), count(*) FILTER (WHERE state = 'FAILED'),
    count(*) FILTER (WHERE state = 'CANCELLED'), sum(prompt_tokens), sum(completion_tokens), sum(billed_tokens),
    sum(cost_microcents), sum(fee_microcents), sum(earnings_microcents)
  FROM bench.requests GROUP BY tenant_id, account_id, key_id, provider_id, model, hour;
  INSERT INTO marketplace_days (tenant_id, role, account_id, kind, day, name, completed, failed, cancelled, prompt_tokens,
    completion_tokens, billed_tokens, cost_microcents, fee_microcents, earnings_microcents)
  SELECT tenant_id, role, account_id, part.kind, (hour AT TIME ZONE 'UTC')::date AS day, part.name, sum(completed), sum(failed),
    sum(cancelled), sum(prompt_tokens), sum(completion_tokens), sum(billed_tokens), sum(cost_microcents), sum(fee_microcents),
    sum(earnings_microcents)
  FROM marketplace_hours, LATERAL (VALUES ('hour', to_char(hour AT TIME ZONE 'UTC', 'HH24')), ('model', model),
    ('key', coalesce(key_id::text, '')), ('provider', provider_id::text)) AS part(kind, name)
  GROUP BY tenant_id, role, account_id, part.kind, day, part.name;
  INSERT INTO marketplace_durations (tenant_id, role, account_id, model, day, bucket, completed)
  SELECT tenant_id, 'requester', account_id, model, (finished_at AT TIME ZONE 'UTC')::date AS day, duration_bucket, count(*)
  FROM bench.requests WHERE state = 'COMPLETED' GROUP BY tenant_id, account_id, model, day, duration_bucket;
END $$;
`;

/** One statement for all of a page: totals, days, models, keys, providers and hours of the day. */
export const PLAIN_PAGE = `
SELECT (finished_at AT TIME ZONE 'UTC')::date AS day, model, key_id, provider_id,
  extract(hour FROM finished_at AT TIME ZONE 'UTC') AS hour_of_day, count(*) FILTER (WHERE state = 'COMPLETED') AS completed,
  count(*) FILTER (WHERE state = 'FAILED') AS failed, count(*) FILTER (WHERE state = 'CANCELLED') AS cancelled,
  sum(prompt_tokens), sum(completion_tokens), sum(billed_tokens), sum(cost_microcents), sum(fee_microcents),
  sum(earnings_microcents)
FROM bench.requests
WHERE tenant_id = $1 AND account_id = $2 AND finished_at >= $3 AND finished_at < $4
GROUP BY GROUPING SETS ((), ((finished_at AT TIME ZONE 'UTC')::date), (model), (key_id), (provider_id),
  (extract(hour FROM finished_at AT TIME ZONE 'UTC')))
`;
