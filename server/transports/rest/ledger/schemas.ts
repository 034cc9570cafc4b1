import { z } from 'zod';
import type { StatementCursor } from '../../../domains/ledger/index.ts';
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
    .refine((text) => parseEuros(text) !== null, 'Euros in decimal with at most 8 digits behind the point.'),
  currency: z.literal('EUR'),
});

const CURSOR = /^[0-9]{1,18}(?:\.[0-9]{1,18}){3}$/;

/** The cursor of a statement: a position in each of the tenant's accounts. */
export const statementCursorSchema = z.string().regex(CURSOR);

/** A cursor as text, and back. */
export function cursorToText({ available, held, earnings, receivable }: StatementCursor): string {
  return [available, held, earnings, receivable].join('.');
}

/** Reads what `statementCursorSchema` took. */
export function cursorOf(text: string): StatementCursor {
  const [available = 0n, held = 0n, earnings = 0n, receivable = 0n] = text.split('.').map(BigInt);
  return { available, held, earnings, receivable };
}
