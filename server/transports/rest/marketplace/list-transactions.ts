import { z } from 'zod';
import {
  TRANSACTIONS_PAGE_MAX,
  type TransactionCursor,
  type TransactionService,
} from '../../../domains/transactions/index.ts';
import { asId, type TransactionId } from '../../../kernel/ids.ts';
import { defineRoute } from '../define-route.ts';
import { limitSchema } from '../schemas.ts';
import { transactionSchema, transactionToJson } from './schemas.ts';

/** `<milliseconds>_<id>` of the last transaction of a page; the id in either case. */
const cursorSchema = z
  .string()
  .toLowerCase()
  .regex(/^[0-9]{1,15}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

export const listTransactions = ({ transactions }: { transactions: TransactionService }) =>
  defineRoute({
    operation: 'marketplace.transactions.list',
    method: 'GET',
    path: '/api/v1/marketplace/transactions',
    access: 'user',
    summary: 'Requests you made, or with `role=provider` requests your devices served. Newest first.',
    query: z.strictObject({
      role: z.enum(['requester', 'provider']).default('requester'),
      after: cursorSchema.optional().describe('`next` of the page before.'),
      limit: limitSchema(TRANSACTIONS_PAGE_MAX),
    }),
    response: z.object({
      items: z.array(transactionSchema),
      next: cursorSchema.nullable().describe('Pass it as `after` for the next page; null: there is none.'),
    }),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const after = query.after === undefined ? null : cursorOf(query.after);
      const page = await transactions.listTransactions(actor, { ...query, after });
      const next = page.next === null ? null : `${page.next.createdAtMs}_${page.next.id}`;
      return { items: page.transactions.map(transactionToJson), next };
    },
  });

function cursorOf(text: string): TransactionCursor {
  const split = text.indexOf('_');
  return {
    createdAtMs: Number(text.slice(0, split)),
    id: asId<TransactionId>(text.slice(split + 1)),
  };
}
