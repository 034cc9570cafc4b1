import type { Sql } from '../../kernel/database.ts';
import { durationBucket } from './durations.ts';
import { TOKENS_SUM_MAX } from './limits.ts';
import type { BegunTransaction, EndedTransaction, ReheldTransaction } from './types.ts';

/** Writes the rows of transactions that begin. What is written already stays. */
export const begunTransactions = {
  name: 'marketplace_transactions 1 begin',
  async write(sql: Sql, transactions: readonly BegunTransaction[]): Promise<void> {
    const rows = transactions.map(({ requester, provider, prices, ...row }) => ({
      ...row,
      ...requester,
      providerId: provider.providerId,
      providerTenantId: provider.tenantId,
      providerDeviceId: provider.deviceId,
      promptPrice: String(prices.prompt),
      cachedPromptPrice: String(prices.cachedPrompt),
      completionPrice: String(prices.completion),
      heldMicrocents: String(row.heldMicrocents),
      createdAt: new Date(row.createdAtMs),
    }));
    await sql`
      INSERT INTO marketplace_transactions (id, tenant_id, account_id, state, model, provider_id, provider_tenant_id,
        provider_device_id, prompt_microcents_per_1000_tokens, cached_prompt_microcents_per_1000_tokens,
        completion_microcents_per_1000_tokens, held_microcents, hold_id, prompt_tokens, completion_tokens_max, created_at,
        node_id, key_id, is_streamed)
      SELECT id, "tenantId", "accountId", 'PROCESSING', model, "providerId", "providerTenantId", "providerDeviceId",
        "promptPrice", "cachedPromptPrice", "completionPrice", "heldMicrocents", "holdId", "promptTokens",
        "completionTokensMax", "createdAt", "nodeId", "keyId", "isStreamed"
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS row(id uuid, "tenantId" uuid, "accountId" uuid,
        model text, "providerId" uuid, "providerTenantId" uuid, "providerDeviceId" uuid, "promptPrice" bigint,
        "cachedPromptPrice" bigint, "completionPrice" bigint, "heldMicrocents" bigint, "holdId" uuid,
        "promptTokens" bigint, "completionTokensMax" bigint, "createdAt" timestamptz, "nodeId" text, "keyId" uuid,
        "isStreamed" boolean)
      ON CONFLICT (id) DO NOTHING`;
  },
};

/** Writes which hold an open transaction has now, and how long an answer it covers. */
export const reheldTransactions = {
  name: 'marketplace_transactions 2 rehold',
  async write(sql: Sql, transactions: readonly ReheldTransaction[]): Promise<void> {
    const rows = transactions.map((row) => ({ ...row, heldMicrocents: String(row.heldMicrocents) }));
    await sql`
      UPDATE marketplace_transactions open SET hold_id = row."holdId", held_microcents = row."heldMicrocents",
        completion_tokens_max = row."completionTokensMax"
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
        AS row(id uuid, "tenantId" uuid, "holdId" uuid, "heldMicrocents" bigint, "completionTokensMax" bigint)
      WHERE open.id = row.id AND open.tenant_id = row."tenantId" AND open.state = 'PROCESSING'`;
  },
};

/**
 * Writes the ends of transactions: the requester's row, a row for each provider, the sums of what each provider claimed, and what both
 * sides read as analytics. A transaction that has ended stays as it is, and adds to no sum. A sum stops at what its column can hold:
 * it must never keep an end from being written.
 */
export const endedTransactions = {
  name: 'marketplace_transactions 3 end',
  async write(sql: Sql, transactions: readonly EndedTransaction[]): Promise<void> {
    const ends = transactions.map(endRow);
    const shares = transactions.flatMap(shareRows);
    await sql`
      WITH given AS (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(ends)}::text::jsonb) AS row(id uuid, "tenantId" uuid,
          state text, "providerId" uuid, "providerTenantId" uuid, "providerDeviceId" uuid, attempts integer,
          "completionTokens" bigint, "billedTokens" bigint, "costMicrocents" bigint, "feeMicrocents" bigint,
          "earningsMicrocents" bigint, "finishReason" text, "failureCode" text, "finishedAt" timestamptz,
          "durationBucket" smallint, "cachedPromptTokens" bigint, "reasoningTokens" bigint, tokenizer text,
          "allowanceMicrocents" bigint)
      ), ended AS (
        UPDATE marketplace_transactions open SET state = given.state, provider_id = given."providerId",
          provider_tenant_id = given."providerTenantId", provider_device_id = given."providerDeviceId",
          attempts = given.attempts, completion_tokens = given."completionTokens", billed_tokens = given."billedTokens",
          cost_microcents = given."costMicrocents", fee_microcents = given."feeMicrocents",
          earnings_microcents = given."earningsMicrocents", finish_reason = given."finishReason",
          failure_code = given."failureCode", finished_at = given."finishedAt",
          allowance_microcents = given."allowanceMicrocents", tokenizer = given.tokenizer,
          cached_prompt_tokens = given."cachedPromptTokens", reasoning_tokens = given."reasoningTokens"
        FROM given
        WHERE open.id = given.id AND open.tenant_id = given."tenantId" AND open.state = 'PROCESSING'
        RETURNING open.*, given."durationBucket" AS duration_bucket
      ), served AS (
        INSERT INTO marketplace_served (transaction_id, tenant_id, provider_id, device_id, model, state, prompt_tokens,
          completion_tokens, billed_tokens, cost_microcents, fee_microcents, earnings_microcents, finish_reason,
          failure_code, created_at, finished_at, claimed_tokens, counted_tokens, tokenizer)
        SELECT share.id, "tenantId", "providerId", "deviceId", model, state, "promptTokens", "completionTokens",
          "billedTokens", "costMicrocents", "feeMicrocents", "earningsMicrocents", "finishReason", "failureCode",
          "createdAt", "finishedAt", "claimedTokens", "countedTokens", tokenizer
        FROM jsonb_to_recordset(${JSON.stringify(shares)}::text::jsonb) AS share(id uuid, "tenantId" uuid,
          "providerId" uuid, "deviceId" uuid, model text, state text, "promptTokens" bigint, "completionTokens" bigint,
          "billedTokens" bigint, "costMicrocents" bigint, "feeMicrocents" bigint, "earningsMicrocents" bigint,
          "finishReason" text, "failureCode" text, "createdAt" timestamptz, "finishedAt" timestamptz,
          "claimedTokens" bigint, "countedTokens" bigint, tokenizer text)
        WHERE share.id IN (SELECT id FROM ended)
        ON CONFLICT DO NOTHING
        RETURNING *
      ), ${analytics(sql)}
      INSERT INTO marketplace_claims (provider_id, tenant_id, claimed_tokens, counted_tokens)
      SELECT provider_id, tenant_id, least(sum(claimed_tokens), ${TOKENS_SUM_MAX}), least(sum(counted_tokens), ${TOKENS_SUM_MAX})
      FROM served WHERE counted_tokens > 0 GROUP BY provider_id, tenant_id ORDER BY provider_id
      ON CONFLICT (provider_id) DO UPDATE SET
        claimed_tokens = least(marketplace_claims.claimed_tokens::numeric + excluded.claimed_tokens, ${TOKENS_SUM_MAX}),
        counted_tokens = least(marketplace_claims.counted_tokens::numeric + excluded.counted_tokens, ${TOKENS_SUM_MAX})`;
  },
};

/** Of the requests in a group: how many ended how, their tokens, and their money. */
const sumsOfEnded = (sql: Sql) => sql`
  count(*) FILTER (WHERE state = 'COMPLETED'), count(*) FILTER (WHERE state = 'FAILED'),
  count(*) FILTER (WHERE state = 'CANCELLED'), sum(prompt_tokens), sum(completion_tokens), sum(billed_tokens),
  sum(cost_microcents), sum(fee_microcents), sum(earnings_microcents)`;

/** Adds these sums to those of a row of the table `kept`. */
const addedToKept = (sql: Sql) => sql`
  completed = kept.completed + excluded.completed, failed = kept.failed + excluded.failed,
  cancelled = kept.cancelled + excluded.cancelled,
  prompt_tokens = kept.prompt_tokens + excluded.prompt_tokens,
  completion_tokens = kept.completion_tokens + excluded.completion_tokens,
  billed_tokens = kept.billed_tokens + excluded.billed_tokens,
  cost_microcents = kept.cost_microcents + excluded.cost_microcents,
  fee_microcents = kept.fee_microcents + excluded.fee_microcents,
  earnings_microcents = kept.earnings_microcents + excluded.earnings_microcents`;

/** The parts of the statement that add what has ended to the analytics of both sides. */
const analytics = (sql: Sql) => sql`
  sides AS (
    SELECT tenant_id, 'requester' AS role, account_id, key_id, provider_id, model, state, prompt_tokens,
      completion_tokens, billed_tokens, cost_microcents, fee_microcents, earnings_microcents, finished_at,
      duration_bucket
    FROM ended
    UNION ALL
    SELECT served.tenant_id, 'provider', NULL, NULL, served.provider_id, served.model, served.state,
      served.prompt_tokens, served.completion_tokens, served.billed_tokens, served.cost_microcents,
      served.fee_microcents, served.earnings_microcents, served.finished_at, duration_bucket
    FROM served JOIN ended ON ended.id = served.transaction_id
  ), hours AS (
    INSERT INTO marketplace_hours AS kept (tenant_id, role, account_id, key_id, provider_id, model, hour, completed,
      failed, cancelled, prompt_tokens, completion_tokens, billed_tokens, cost_microcents, fee_microcents,
      earnings_microcents)
    SELECT tenant_id, role, account_id, key_id, provider_id, model, date_trunc('hour', finished_at, 'UTC') AS hour,
      ${sumsOfEnded(sql)}
    FROM sides GROUP BY tenant_id, role, account_id, key_id, provider_id, model, hour
    ORDER BY tenant_id, role, hour, account_id, key_id, provider_id, model
    ON CONFLICT (tenant_id, role, hour, account_id, key_id, provider_id, model) DO UPDATE SET
      ${addedToKept(sql)}
  ), days AS (
    INSERT INTO marketplace_days AS kept (tenant_id, role, account_id, kind, day, name, completed, failed, cancelled,
      prompt_tokens, completion_tokens, billed_tokens, cost_microcents, fee_microcents, earnings_microcents)
    SELECT tenant_id, role, account_id, part.kind, (finished_at AT TIME ZONE 'UTC')::date AS day, part.name,
      ${sumsOfEnded(sql)}
    FROM sides, LATERAL (VALUES ('hour', to_char(finished_at AT TIME ZONE 'UTC', 'HH24')), ('model', model),
      ('key', coalesce(key_id::text, '')), ('provider', provider_id::text)) AS part(kind, name)
    WHERE part.kind <> 'key' OR role = 'requester'
    GROUP BY tenant_id, role, account_id, part.kind, day, part.name
    ORDER BY tenant_id, role, account_id, part.kind, day, part.name
    ON CONFLICT (tenant_id, role, account_id, kind, day, name) DO UPDATE SET
      ${addedToKept(sql)}
  ), durations AS (
    INSERT INTO marketplace_durations AS durations (tenant_id, role, account_id, model, day, bucket, completed)
    SELECT tenant_id, role, account_id, model, (finished_at AT TIME ZONE 'UTC')::date AS day, duration_bucket, count(*)
    FROM sides WHERE state = 'COMPLETED' GROUP BY tenant_id, role, account_id, model, day, duration_bucket
    ORDER BY tenant_id, role, day, account_id, model, duration_bucket
    ON CONFLICT (tenant_id, role, day, account_id, model, bucket) DO UPDATE SET
      completed = durations.completed + excluded.completed
  )`;

function endRow({
  id,
  requester,
  state,
  attempts,
  finishReason,
  failureCode,
  createdAtMs,
  finishedAtMs,
  cachedPromptTokens,
  reasoningTokens,
  allowanceMicrocents,
  tokenizer,
  shares,
}: EndedTransaction) {
  const last = shares.at(-1);
  const sum = (amountOf: (share: EndedTransaction['shares'][number]) => bigint) =>
    String(shares.reduce((total, share) => total + amountOf(share), 0n));
  return {
    id,
    tenantId: requester.tenantId,
    state,
    attempts,
    finishReason,
    failureCode,
    finishedAt: new Date(finishedAtMs),
    cachedPromptTokens,
    reasoningTokens,
    allowanceMicrocents: String(allowanceMicrocents),
    tokenizer,
    durationBucket: durationBucket(finishedAtMs - createdAtMs),
    providerId: last?.provider.providerId,
    providerTenantId: last?.provider.tenantId,
    providerDeviceId: last?.provider.deviceId,
    completionTokens: sum((share) => BigInt(share.completionTokens)),
    billedTokens: sum((share) => BigInt(share.billedTokens)),
    costMicrocents: sum((share) => share.costMicrocents),
    feeMicrocents: sum((share) => share.feeMicrocents),
    earningsMicrocents: sum((share) => share.earningsMicrocents),
  };
}

function shareRows(transaction: EndedTransaction) {
  const { id, model, state, promptTokens, finishReason, failureCode, tokenizer } = transaction;
  const { createdAtMs, finishedAtMs } = transaction;
  return transaction.shares.map(
    ({ provider, prices: _, costMicrocents, feeMicrocents, earningsMicrocents, ...tokens }) => ({
      id,
      model,
      state,
      promptTokens,
      finishReason,
      failureCode,
      tokenizer,
      createdAt: new Date(createdAtMs),
      finishedAt: new Date(finishedAtMs),
      ...provider,
      ...tokens,
      costMicrocents: String(costMicrocents),
      feeMicrocents: String(feeMicrocents),
      earningsMicrocents: String(earningsMicrocents),
    }),
  );
}
