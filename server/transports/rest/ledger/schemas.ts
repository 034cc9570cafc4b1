import { z } from 'zod';
import { parseEuros } from '../../../kernel/money.ts';

/** An amount as REST shows it. */
export const moneySchema = z
  .object({
    value: z.string().describe('Euros in decimal, exact, without an exponent.'),
    currency: z.literal('EUR'),
  })
  .describe('An amount of money.');

/** An amount as REST takes it, read as micro-cents. Whether it is in range is the ledger's question. */
export const moneyInputSchema = z.strictObject({
  value: z
    .string()
    .refine((text) => parseEuros(text) !== null, 'Euros in decimal with at most 8 digits behind the point.')
    .meta({ pattern: '^-?(0|[1-9]\\d{0,11})(\\.\\d{1,8})?$' }),
  currency: z.literal('EUR'),
});
