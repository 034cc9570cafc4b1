import { z } from 'zod';
import { idSchema, limitSchema } from './schemas.ts';

/** Items of a page at most. */
const PAGE_ITEMS_MAX = 200;

/** Query of a list: `limit` items behind the one named by `after`. */
export const pageQuerySchema = z.strictObject({
  after: idSchema.optional().describe('`next` of the page before.'),
  limit: limitSchema(PAGE_ITEMS_MAX),
});

/** A page of a list. */
export const pageSchema = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.uuid().nullable().describe('Pass it as `after` for the next page; null: there is none.'),
  });
