import { z } from 'zod';
import { IDEMPOTENCY_KEY } from '../../kernel/idempotency-key.ts';

/** An id from outside: a UUID in either case, taken in the lower case that ours are kept in. */
export const idSchema = z.uuid().toLowerCase();

/** Whole cents that JSON carries exactly. */
export const centsSchema = z.int().describe('Whole euro cents.');

/** Items of a page when the caller doesn't say. */
const PAGE_ITEMS_DEFAULT = 50;

/** How many items of a list a query asks for: 1 to `itemsMax`, 50 when it doesn't say. */
export const limitSchema = (itemsMax: number) =>
  z.coerce.number().int().min(1).max(itemsMax).default(PAGE_ITEMS_DEFAULT);

/** A point in time as REST shows it. */
export const toIsoTime = (ms: number): string => new Date(ms).toISOString();

/** The header under which an operation is carried out once. */
export const idempotencyKeySchema = z
  .string()
  .regex(IDEMPOTENCY_KEY)
  .describe(
    'Of your choice. Under the same key the same request is carried out once, and answered the same again.',
  );
