import { z } from 'zod';

/** An amount as the server's REST API shows it: euros in exact decimal. */
export const moneySchema = z.object({ value: z.string(), currency: z.string() });

/** Micro-cents, 10^-6 cent, are what the server counts in. */
export const MICROCENTS_PER_CENT = 1_000_000;

/** Digits behind the point of an amount in euros. */
const EURO_DECIMALS = 8;

/** Euros in decimal as a whole number of micro-cents. Exact up to 90 million euros, far above a demo's amounts. */
export function microcentsOf(euros: string): number {
  const [whole = '0', fraction = ''] = euros.split('.');
  return Number(whole + fraction.padEnd(EURO_DECIMALS, '0'));
}
