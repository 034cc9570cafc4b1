import { z } from 'zod';
import { idSchema } from './id-schema.ts';

/** Items of a page when the caller doesn't say. */
const PAGE_ITEMS_DEFAULT = 50;
/** Items of a page at most. */
const PAGE_ITEMS_MAX = 200;

/** Query of a list: `limit` items behind the one named by `after`. */
export const pageQuerySchema = z.strictObject({
  after: idSchema.optional().describe('`next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(PAGE_ITEMS_MAX).default(PAGE_ITEMS_DEFAULT),
});

/** A page of a list. */
export const pageSchema = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.uuid().nullable().describe('Pass it as `after` for the next page; null: there is none.'),
  });
