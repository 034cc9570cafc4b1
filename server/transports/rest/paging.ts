import { z } from 'zod';
import type { ListPosition } from '../../kernel/page.ts';
import { CURSOR_CHARACTERS_MAX } from './limits.ts';
import { idSchema, limitSchema, timeMsSchema } from './schemas.ts';

/** Items of a page at most. */
const PAGE_ITEMS_MAX = 200;

/**
 * The positions of one list, as pages show them: text that says nothing to a client but where to go on. Underneath it is
 * base64url (RFC 4648 section 5) of the position's parts.
 */
export interface Cursor<Position> {
  /** `after` of a query, as a position. A text that no page gave is `invalid_input`. */
  readonly after: z.ZodType<Position, string>;
  /** `next` of a page whose last item has this position; null: there is no next page. */
  next(position: Position | null): string | null;
}

/** Cursors whose parts are read by `schema` and written by `toParts`. */
export function defineCursor<Position>(
  schema: z.ZodType<Position, string[]>,
  toParts: (position: Position) => readonly string[],
): Cursor<Position> {
  return {
    after: z
      .string()
      .meta({ pattern: '^[A-Za-z0-9_-]+$' })
      .describe('`next` of the page before.')
      .transform((text, context): Position => {
        const result = schema.safeParse(partsOf(text));
        if (result.success) return result.data;
        context.addIssue({ code: 'custom', message: 'Not the `next` of a page' });
        return z.NEVER;
      }),
    next: (position) =>
      position === null ? null : Buffer.from(JSON.stringify(toParts(position))).toString('base64url'),
  };
}

/** Cursors of lists in the order of ids. */
export const idCursor = <Id extends string>() =>
  defineCursor<Id>(
    z.tuple([idSchema]).transform(([id]) => id as Id),
    (id) => [id],
  );

/** Cursors of lists in the order of time. */
export const timeCursor = <Id extends string>() =>
  defineCursor<ListPosition<Id>>(
    z.tuple([timeMsSchema, idSchema]).transform(([createdAtMs, id]) => ({ createdAtMs, id: id as Id })),
    ({ createdAtMs, id }) => [createdAtMs.toString(), id],
  );

/** Query of a list: `limit` items behind the position `after`. */
export const pageQuery = <Position>(cursor: Cursor<Position>, itemsMax = PAGE_ITEMS_MAX) =>
  z.strictObject({ after: cursor.after.optional(), limit: limitSchema(itemsMax) });

/** A page of a list. */
export const pageSchema = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().describe('Pass it as `after` for the next page; null: there is none.'),
  });

/** The parts of a cursor; null for what we would have written otherwise. */
function partsOf(text: string): unknown {
  if (text.length > CURSOR_CHARACTERS_MAX) return null;
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) return null;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}
