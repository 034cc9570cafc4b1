import { z } from 'zod';
import type { Spending, SpendLimits } from '../../../domains/spending/index.ts';
import { type Microcents, moneyToJson, parseEuros } from '../../../kernel/money.ts';
import { moneyInputSchema, moneySchema } from '../ledger/schemas.ts';

const limitSchema = moneySchema.nullable().describe('Null: none but the balance.');

const limitsSchema = z.object({ day: limitSchema, month: limitSchema });

/** Both are set: null takes a limit away. */
export const limitsInput = z.strictObject({
  day: moneyInputSchema.nullable(),
  month: moneyInputSchema.nullable(),
});

export const spendingSchema = z
  .object({
    limits: limitsSchema.describe("The tenant's own."),
    quotas: limitsSchema.describe("The operator's; the smaller one counts."),
    spentToday: moneySchema.describe('Of UTC.'),
    spentThisMonth: moneySchema,
    held: moneySchema.describe('Set aside for requests that have not ended; it counts against both.'),
  })
  .meta({ id: 'Spending' });

export const quotasSchema = limitsSchema.meta({ id: 'SpendingQuotas' });

/** An amount, or none, as REST shows it. */
export const amountToJson = (amount: Microcents | null) => (amount === null ? null : moneyToJson(amount));

/** Limits as REST shows them. */
export const limitsToJson = ({ dayMicrocentsMax, monthMicrocentsMax }: SpendLimits) => ({
  day: amountToJson(dayMicrocentsMax),
  month: amountToJson(monthMicrocentsMax),
});

/** Limits as REST takes them. */
export const toLimits = ({ day, month }: z.output<typeof limitsInput>): SpendLimits => ({
  dayMicrocentsMax: day === null ? null : parseEuros(day.value),
  monthMicrocentsMax: month === null ? null : parseEuros(month.value),
});

/** What a tenant may spend and has spent, as REST shows it. */
export const spendingToJson = (spending: Spending) => ({
  limits: limitsToJson(spending.limits),
  quotas: limitsToJson(spending.quotas),
  spentToday: moneyToJson(spending.daySpentMicrocents),
  spentThisMonth: moneyToJson(spending.monthSpentMicrocents),
  held: moneyToJson(spending.heldMicrocents),
});
