import { z } from 'zod';
import { NAME_CHARACTERS_MAX, NAME_PROBLEMS, toName } from '../../kernel/name.ts';

export { idempotencyKeySchema } from '../pipeline/idempotency-key-schema.ts';

/** An id from outside: a UUID in either case, taken in the lower case that ours are kept in. */
export const idSchema = z.uuid().toLowerCase();

/** Whole cents that JSON carries exactly. */
export const centsSchema = z.int().describe('Whole euro cents.');

/** Items of a page when the caller doesn't say. */
const PAGE_ITEMS_DEFAULT = 50;

/** How many items of a list a query asks for: 1 to `itemsMax`, 50 when it doesn't say. */
export const limitSchema = (itemsMax: number) =>
  z.coerce.number().int().min(1).max(itemsMax).default(PAGE_ITEMS_DEFAULT);

/**
 * A name that somebody gives: as `toName` stores it. What is none is refused with `invalid_input` and the reason as the
 * problem's `code`.
 */
export const nameSchema = z
  .string()
  .meta({ minLength: 1, maxLength: NAME_CHARACTERS_MAX })
  .describe('Visible characters in Unicode, stored in NFC; none of control or format.')
  .transform((text, context): string => {
    const outcome = toName(text);
    if (outcome.ok) return outcome.name;
    const { problem } = outcome;
    context.addIssue({ code: 'custom', message: NAME_PROBLEMS[problem], params: { code: problem } });
    return z.NEVER;
  });

/** So many bytes in base64url, without padding. */
export const bytesSchema = (count: number) =>
  z
    .string()
    .regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((count * 4) / 3)}}$`))
    .refine((text) => Buffer.from(text, 'base64url').toString('base64url') === text, 'Not base64url')
    .describe(`${count} bytes in base64url.`);

/** A point in time at the border: ISO 8601, in UTC. */
export const timeSchema = z.iso.datetime();

/** A point in time as somebody gives it: ISO 8601 with any offset, read as milliseconds since 1970. */
export const timeInput = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

/** Milliseconds since 1970 in decimal digits, up to the year 9999: what `timeSchema` and the database both can hold. */
export const timeMsSchema = z
  .string()
  .regex(/^[0-9]{1,15}$/)
  .transform(Number)
  .refine((ms) => ms <= Date.UTC(9999, 11, 31), 'Too far in the future');

/** A point in time as REST shows it. */
export const toIsoTime = (ms: number): string => new Date(ms).toISOString();

/** The same for what may not have happened. */
export const toIsoTimeOrNull = (ms: number | null): string | null => (ms === null ? null : toIsoTime(ms));
