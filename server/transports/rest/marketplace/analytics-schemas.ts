import { z } from 'zod';
import {
  ANALYTICS_DAYS_DEFAULT,
  ANALYTICS_DAYS_MAX,
  ANALYTICS_STEPS,
  type AnalyticsAnswer,
  type AskedAnalytics,
  type MarketSums,
} from '../../../domains/transactions/index.ts';
import { asId, type CredentialId } from '../../../kernel/ids.ts';
import { moneyToJson } from '../../../kernel/money.ts';
import { moneySchema } from '../ledger/schemas.ts';
import { timeInput, timeSchema, toIsoTime } from '../schemas.ts';

/** What both sides may ask. */
export const analyticsQuery = z.strictObject({
  from: timeInput.optional().describe(`${ANALYTICS_DAYS_DEFAULT} days before \`to\` when not said.`),
  to: timeInput.optional().describe('Not included; now when not said. Both are widened to whole hours.'),
  step: z
    .enum(ANALYTICS_STEPS)
    .default('day')
    .describe(
      `Of UTC. At most ${ANALYTICS_DAYS_MAX.hour} days by the hour, ${ANALYTICS_DAYS_MAX.day} by the day, ${ANALYTICS_DAYS_MAX.month} by the month.`,
    ),
  model: z.string().min(1).max(128).optional().describe('Of this model alone.'),
});

/** What is asked, as the service takes it. */
export const askedAnalytics = (
  role: AskedAnalytics['role'],
  query: z.output<typeof analyticsQuery> & {
    readonly keyId?: string | undefined;
    readonly providerId?: string | undefined;
  },
): AskedAnalytics => ({
  role,
  fromMs: query.from ?? null,
  toMs: query.to ?? null,
  step: query.step,
  model: query.model ?? null,
  keyId: query.keyId === undefined ? null : asId<CredentialId>(query.keyId),
  providerId: query.providerId ?? null,
});

const sums = {
  requests: z.int(),
  completed: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  billedTokens: z.number(),
  cost: moneySchema,
  fee: moneySchema,
  earnings: moneySchema,
  refunded: moneySchema.describe('What of the cost went back to who asked, whenever that was decided.'),
  refundedEarnings: moneySchema.describe('What of the earnings the providers lost by that.'),
};
const sumsSchema = z.object(sums).meta({ id: 'MarketSums' });

/** What both sides are answered. */
export const analyticsFields = {
  from: timeSchema,
  to: timeSchema,
  step: z.enum(ANALYTICS_STEPS),
  totals: sumsSchema.describe('Of requests that ended in the period.'),
  before: sumsSchema.describe('Of the period of the same length before it.'),
  steps: z
    .array(z.object({ at: timeSchema, ...sums }))
    .describe('The steps in which something ended, oldest first.'),
  models: z.array(z.object({ model: z.string(), ...sums })).describe('The 100 dearest.'),
  providers: z.array(z.object({ providerId: z.uuid(), ...sums })).describe('The 100 dearest.'),
  hoursOfDay: z.array(z.int()).describe('Requests that ended in each hour of the day of UTC, from 0 to 23.'),
  durationsMs: z
    .object({ p50: z.int(), p90: z.int(), p99: z.int() })
    .nullable()
    .describe(
      'How long completed requests of the days of the period took, of the model alone where one is named, 9 % off at most; null: none was completed.',
    ),
};

/** The part of the requester. */
export const keysField = z
  .array(z.object({ keyId: z.uuid().nullable().describe('null: without a key.'), ...sums }))
  .describe('The 100 dearest.');

/** Sums as REST shows them. */
export function sumsToJson({ costMicrocents, feeMicrocents, earningsMicrocents, ...others }: MarketSums) {
  const { refundedMicrocents, refundedEarningsMicrocents, ...counted } = others;
  return {
    ...counted,
    requests: counted.completed + counted.failed + counted.cancelled,
    cost: moneyToJson(costMicrocents),
    fee: moneyToJson(feeMicrocents),
    earnings: moneyToJson(earningsMicrocents),
    refunded: moneyToJson(refundedMicrocents),
    refundedEarnings: moneyToJson(refundedEarningsMicrocents),
  };
}

/** What both sides are answered, as REST shows it. */
export function analyticsToJson({ fromMs, toMs, ...answer }: AnalyticsAnswer) {
  const { step, totals, before, hoursOfDay, durations } = answer;
  return {
    from: toIsoTime(fromMs),
    to: toIsoTime(toMs),
    step,
    totals: sumsToJson(totals),
    before: sumsToJson(before),
    steps: answer.steps.map(({ atMs, ...part }) => ({ at: toIsoTime(atMs), ...sumsToJson(part) })),
    models: answer.models.map(({ model, ...part }) => ({ model, ...sumsToJson(part) })),
    providers: answer.providers.map(({ providerId, ...part }) => ({ providerId, ...sumsToJson(part) })),
    hoursOfDay: [...hoursOfDay],
    durationsMs: durations && { p50: durations.p50Ms, p90: durations.p90Ms, p99: durations.p99Ms },
  };
}

/** The steps as a table. */
export function stepsToTable(steps: readonly z.output<(typeof analyticsFields)['steps']>[number][]) {
  const names = [
    'requests',
    'completed',
    'failed',
    'cancelled',
    'promptTokens',
    'completionTokens',
    'billedTokens',
  ] as const;
  return [
    ['at', ...names, 'costEuros', 'feeEuros', 'earningsEuros', 'refundedEuros', 'refundedEarningsEuros'],
    ...steps.map((step) => [
      step.at,
      ...names.map((name) => step[name]),
      ...(['cost', 'fee', 'earnings', 'refunded', 'refundedEarnings'] as const).map(
        (name) => step[name].value,
      ),
    ]),
  ];
}
