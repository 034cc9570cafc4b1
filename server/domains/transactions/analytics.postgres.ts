import type { AccountActor } from '../../kernel/actor.ts';
import { DAY_MS } from '../../kernel/clock.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import { asId, type CredentialId } from '../../kernel/ids.ts';
import type { Analytics, AnalyticsQuery, MarketSums } from './analytics-types.ts';
import { type CountedDuration, percentileMs } from './durations.ts';
import { ANALYTICS_PARTS_MAX } from './limits.ts';
import type { AnalyticsStore } from './ports.ts';

/** Both sides' sums in PostgreSQL. They are counted as transactions end; see `rows.postgres.ts`. */
export function createAnalyticsStore(database: Database): AnalyticsStore {
  return {
    analyse: (actor, query) => database.tenant(actor, (sql) => analyse(sql, actor, query)),
    removeBefore: (timeMs) =>
      database.system('money', async (sql) => {
        const time = new Date(timeMs);
        await sql`DELETE FROM marketplace_hours WHERE hour < ${time}`;
        await sql`DELETE FROM marketplace_days WHERE day < (${time}::timestamptz AT TIME ZONE 'UTC')::date`;
        await sql`DELETE FROM marketplace_durations WHERE day < (${time}::timestamptz AT TIME ZONE 'UTC')::date`;
      }),
  };
}

async function analyse(sql: Sql, actor: AccountActor, query: AnalyticsQuery): Promise<Analytics> {
  const { model, keyId, providerId } = query;
  // Days have one thing at a time: what is asked of a part alone is read from the hours.
  if (model === null && keyId === null && providerId === null) return analyseDays(sql, actor, query);
  const [totals, before] = await sumsOfPeriods(sql, actor, query);
  return {
    totals: totals ?? NOTHING,
    before: before ?? NOTHING,
    steps: await sumsOfSteps(sql, actor, query),
    models: await sumsOfModels(sql, actor, query),
    keys: query.role === 'requester' ? await sumsOfKeys(sql, actor, query) : [],
    providers: await sumsOfProviders(sql, actor, query),
    hoursOfDay: await requestsByHourOfDay(sql, actor, query),
    durations: await durationsOf(sql, actor, query),
  };
}

async function analyseDays(sql: Sql, actor: AccountActor, query: AnalyticsQuery): Promise<Analytics> {
  const { totals, before, steps, hoursOfDay } = await hourlySums(sql, actor, query);
  const [models, keys, providers] = [
    await sumsOfParts(sql, actor, query, 'model'),
    query.role === 'requester' ? await sumsOfParts(sql, actor, query, 'key') : [],
    await sumsOfParts(sql, actor, query, 'provider'),
  ];
  return {
    totals,
    before,
    steps,
    models: models.map(({ name, ...row }) => ({ model: name, ...sumsOf(row) })),
    keys: keys.map(({ name, ...row }) => ({
      keyId: name === '' ? null : asId<CredentialId>(name),
      ...sumsOf(row),
    })),
    providers: providers.map(({ name, ...row }) => ({ providerId: name, ...sumsOf(row) })),
    hoursOfDay,
    durations: await durationsOf(sql, actor, query),
  };
}

/** All of the actor's side by the hour: totals, the period before, steps, hours of the day. */
async function hourlySums(sql: Sql, { tenantId, accountId }: AccountActor, query: AnalyticsQuery) {
  const { role, fromMs, toMs, step } = query;
  const beforeMs = fromMs - (toMs - fromMs);
  const rows = await sql<
    (SumsRow & { is_before: boolean | null; at: Date | null; hour_of_day: number | null })[]
  >`
    SELECT is_before, at, hour_of_day, ${sums(sql)}
    FROM (
      SELECT *, hour < ${new Date(fromMs)} AS is_before, date_trunc(${step}, hour, 'UTC') AS at
      FROM (
        SELECT *, name::int AS hour_of_day, (day + make_interval(hours => name::int)) AT TIME ZONE 'UTC' AS hour
        FROM marketplace_days
        WHERE tenant_id = ${tenantId} AND role = ${role} AND (role = 'provider' OR account_id = ${accountId})
          AND kind = 'hour' AND day >= (${new Date(beforeMs)}::timestamptz AT TIME ZONE 'UTC')::date
          AND day <= (${new Date(toMs)}::timestamptz AT TIME ZONE 'UTC')::date
      ) days
      WHERE hour >= ${new Date(beforeMs)} AND hour < ${new Date(toMs)}
    ) hours
    GROUP BY GROUPING SETS ((is_before), (is_before, at), (is_before, hour_of_day))
    ORDER BY at`;
  const wholes = rows.filter(({ at, hour_of_day: hour }) => at === null && hour === null);
  const wholeOf = (isBefore: boolean) => wholes.find(({ is_before }) => is_before === isBefore);
  const [whole, earlier] = [wholeOf(false), wholeOf(true)];
  const within = rows.filter(({ is_before: isBefore }) => isBefore === false);
  const hoursOfDay = Array.from({ length: 24 }, () => 0);
  for (const { hour_of_day: hour, completed, failed, cancelled } of within)
    if (hour !== null) hoursOfDay[hour] = Number(completed) + Number(failed) + Number(cancelled);
  return {
    totals: whole === undefined ? NOTHING : sumsOf(whole),
    before: earlier === undefined ? NOTHING : sumsOf(earlier),
    steps: within.flatMap(({ at, ...row }) => (at === null ? [] : [{ atMs: at.getTime(), ...sumsOf(row) }])),
    hoursOfDay,
  };
}

/** What of the hours is a part's name, by kind of part. */
const namesInHours = {
  model: (sql: Sql) => sql`model`,
  key: (sql: Sql) => sql`coalesce(key_id::text, '')`,
  provider: (sql: Sql) => sql`provider_id::text`,
} as const;

/** Sums by model, key or provider, the dearest first: whole days of the period by the day, its ends by the hour. */
function sumsOfParts(
  sql: Sql,
  actor: AccountActor,
  query: AnalyticsQuery,
  kind: keyof typeof namesInHours,
): Promise<readonly (SumsRow & { name: string })[]> {
  const { tenantId, accountId } = actor;
  const { role, fromMs, toMs } = query;
  const firstMs = Math.ceil(fromMs / DAY_MS) * DAY_MS;
  const lastMs = Math.max(firstMs, Math.floor(toMs / DAY_MS) * DAY_MS);
  const columns = sql`completed, failed, cancelled, prompt_tokens, completion_tokens, billed_tokens, cost_microcents,
    fee_microcents, earnings_microcents, refunded_microcents, refunded_earnings_microcents`;
  return sql`
    SELECT name, ${sums(sql)} FROM (
      SELECT name, ${columns} FROM marketplace_days
      WHERE tenant_id = ${tenantId} AND role = ${role} AND (role = 'provider' OR account_id = ${accountId}) AND kind = ${kind}
        AND day >= (${new Date(firstMs)}::timestamptz AT TIME ZONE 'UTC')::date
        AND day < (${new Date(lastMs)}::timestamptz AT TIME ZONE 'UTC')::date
      UNION ALL
      SELECT ${namesInHours[kind](sql)}, ${columns} FROM marketplace_hours
      WHERE ${chosen(sql, actor, query, fromMs, Math.min(firstMs, toMs))}
      UNION ALL
      SELECT ${namesInHours[kind](sql)}, ${columns} FROM marketplace_hours
      WHERE ${chosen(sql, actor, query, lastMs, toMs)}
    ) parts
    GROUP BY name ORDER BY sum(cost_microcents) DESC, name LIMIT ${ANALYTICS_PARTS_MAX}`;
}

interface SumsRow {
  readonly completed: string;
  readonly failed: string;
  readonly cancelled: string;
  readonly prompt_tokens: string;
  readonly completion_tokens: string;
  readonly billed_tokens: string;
  readonly cost_microcents: string;
  readonly fee_microcents: string;
  readonly earnings_microcents: string;
  readonly refunded_microcents: string;
  readonly refunded_earnings_microcents: string;
}

const NOTHING: MarketSums = {
  completed: 0,
  failed: 0,
  cancelled: 0,
  promptTokens: 0,
  completionTokens: 0,
  billedTokens: 0,
  costMicrocents: 0n,
  feeMicrocents: 0n,
  earningsMicrocents: 0n,
  refundedMicrocents: 0n,
  refundedEarningsMicrocents: 0n,
};

const sumsOf = (row: SumsRow): MarketSums => ({
  completed: Number(row.completed),
  failed: Number(row.failed),
  cancelled: Number(row.cancelled),
  promptTokens: Number(row.prompt_tokens),
  completionTokens: Number(row.completion_tokens),
  billedTokens: Number(row.billed_tokens),
  costMicrocents: BigInt(row.cost_microcents),
  feeMicrocents: BigInt(row.fee_microcents),
  earningsMicrocents: BigInt(row.earnings_microcents),
  refundedMicrocents: BigInt(row.refunded_microcents),
  refundedEarningsMicrocents: BigInt(row.refunded_earnings_microcents),
});

/** As text: a sum may be more than a `bigint` holds. */
const sums = (sql: Sql) => sql`
  sum(completed)::text AS completed, sum(failed)::text AS failed, sum(cancelled)::text AS cancelled,
  sum(prompt_tokens)::text AS prompt_tokens, sum(completion_tokens)::text AS completion_tokens,
  sum(billed_tokens)::text AS billed_tokens, sum(cost_microcents)::text AS cost_microcents,
  sum(fee_microcents)::text AS fee_microcents, sum(earnings_microcents)::text AS earnings_microcents,
  sum(refunded_microcents)::text AS refunded_microcents,
  sum(refunded_earnings_microcents)::text AS refunded_earnings_microcents`;

/** The hours of the actor's side from one time to another. The row level security says the same of tenant and account. */
function chosen(
  sql: Sql,
  { tenantId, accountId }: AccountActor,
  { role, model, keyId, providerId }: AnalyticsQuery,
  fromMs: number,
  toMs: number,
) {
  return sql`
    tenant_id = ${tenantId} AND role = ${role} AND hour >= ${new Date(fromMs)} AND hour < ${new Date(toMs)}
    AND (role = 'provider' OR account_id = ${accountId})
    AND (${model}::text IS NULL OR model = ${model}) AND (${keyId}::uuid IS NULL OR key_id = ${keyId})
    AND (${providerId}::uuid IS NULL OR provider_id = ${providerId})`;
}

const within = (sql: Sql, actor: AccountActor, query: AnalyticsQuery) =>
  chosen(sql, actor, query, query.fromMs, query.toMs);

/** The period's sums and those of the period before. */
async function sumsOfPeriods(sql: Sql, actor: AccountActor, query: AnalyticsQuery) {
  const { fromMs, toMs } = query;
  const beforeMs = fromMs - (toMs - fromMs);
  const rows = await sql<(SumsRow & { is_before: boolean })[]>`
    SELECT hour < ${new Date(fromMs)} AS is_before, ${sums(sql)} FROM marketplace_hours
    WHERE ${chosen(sql, actor, query, beforeMs, toMs)} GROUP BY is_before`;
  return [false, true].map((isBefore) => {
    const row = rows.find(({ is_before }) => is_before === isBefore);
    return row && sumsOf(row);
  });
}

async function sumsOfSteps(sql: Sql, actor: AccountActor, query: AnalyticsQuery) {
  const rows = await sql<(SumsRow & { at: Date })[]>`
    SELECT date_trunc(${query.step}, hour, 'UTC') AS at, ${sums(sql)} FROM marketplace_hours
    WHERE ${within(sql, actor, query)} GROUP BY 1 ORDER BY 1`;
  return rows.map(({ at, ...row }) => ({ atMs: at.getTime(), ...sumsOf(row) }));
}

async function sumsOfModels(sql: Sql, actor: AccountActor, query: AnalyticsQuery) {
  const rows = await sql<(SumsRow & { model: string })[]>`
    SELECT model, ${sums(sql)} FROM marketplace_hours WHERE ${within(sql, actor, query)}
    GROUP BY model ORDER BY sum(cost_microcents) DESC, model LIMIT ${ANALYTICS_PARTS_MAX}`;
  return rows.map(({ model, ...row }) => ({ model, ...sumsOf(row) }));
}

async function sumsOfKeys(sql: Sql, actor: AccountActor, query: AnalyticsQuery) {
  const rows = await sql<(SumsRow & { key_id: CredentialId | null })[]>`
    SELECT key_id, ${sums(sql)} FROM marketplace_hours WHERE ${within(sql, actor, query)}
    GROUP BY key_id ORDER BY sum(cost_microcents) DESC, key_id LIMIT ${ANALYTICS_PARTS_MAX}`;
  return rows.map(({ key_id: keyId, ...row }) => ({ keyId, ...sumsOf(row) }));
}

async function sumsOfProviders(sql: Sql, actor: AccountActor, query: AnalyticsQuery) {
  const rows = await sql<(SumsRow & { provider_id: string })[]>`
    SELECT provider_id, ${sums(sql)} FROM marketplace_hours WHERE ${within(sql, actor, query)}
    GROUP BY provider_id ORDER BY sum(cost_microcents) DESC, provider_id LIMIT ${ANALYTICS_PARTS_MAX}`;
  return rows.map(({ provider_id: providerId, ...row }) => ({ providerId, ...sumsOf(row) }));
}

async function requestsByHourOfDay(sql: Sql, actor: AccountActor, query: AnalyticsQuery): Promise<number[]> {
  const rows = await sql<{ hour_of_day: number; requests: string }[]>`
    SELECT extract(hour FROM hour AT TIME ZONE 'UTC')::int AS hour_of_day,
      sum(completed + failed + cancelled)::text AS requests
    FROM marketplace_hours WHERE ${within(sql, actor, query)} GROUP BY 1`;
  const hours = Array.from({ length: 24 }, () => 0);
  for (const row of rows) hours[row.hour_of_day] = Number(row.requests);
  return hours;
}

async function durationsOf(sql: Sql, { tenantId, accountId }: AccountActor, query: AnalyticsQuery) {
  const { role, fromMs, toMs, model } = query;
  const rows = await sql<{ bucket: number; completed: string }[]>`
    SELECT bucket, sum(completed)::text AS completed FROM marketplace_durations
    WHERE tenant_id = ${tenantId} AND role = ${role} AND (role = 'provider' OR account_id = ${accountId})
      AND day >= (${new Date(fromMs)}::timestamptz AT TIME ZONE 'UTC')::date
      AND day < ((${new Date(toMs - 1)}::timestamptz AT TIME ZONE 'UTC')::date + 1)
      AND (${model}::text IS NULL OR model = ${model})
    GROUP BY bucket ORDER BY bucket`;
  const counted: CountedDuration[] = rows.map(({ bucket, completed }) => ({
    bucket,
    completed: Number(completed),
  }));
  const [p50Ms, p90Ms, p99Ms] = [50, 90, 99].map((percent) => percentileMs(counted, percent));
  return p50Ms == null || p90Ms == null || p99Ms == null ? null : { p50Ms, p90Ms, p99Ms };
}
