import { z } from 'zod';
import {
  type MarketplaceService,
  TRANSACTIONS_PAGE_MAX,
  type TransactionCursor,
} from '../../../domains/marketplace/index.ts';
import { asId, type TransactionId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { defineCursor, pageQuery, pageSchema } from '../paging.ts';
import { idSchema, timeMsSchema } from '../schemas.ts';
import { transactionSchema, transactionToJson } from './schemas.ts';

const cursor = defineCursor<TransactionCursor>(
  z
    .tuple([timeMsSchema, idSchema])
    .transform(([createdAtMs, id]) => ({ createdAtMs, id: asId<TransactionId>(id) })),
  ({ createdAtMs, id }) => [createdAtMs.toString(), id],
);

export const listTransactions = ({ marketplace }: { marketplace: MarketplaceService }) =>
  defineRoute({
    operation: 'marketplace.transactions.list',
    method: 'GET',
    path: '/api/v1/marketplace/transactions',
    access: 'money.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Requests you made, or with `role=provider` requests your devices served. Newest first.',
    query: pageQuery(cursor, TRANSACTIONS_PAGE_MAX).extend({
      role: z.enum(['requester', 'provider']).default('requester'),
    }),
    response: pageSchema(transactionSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await marketplace.listTransactions(actor, { ...query, after: query.after ?? null });
      return { items: page.transactions.map(transactionToJson), next: cursor.next(page.next) };
    },
  });
