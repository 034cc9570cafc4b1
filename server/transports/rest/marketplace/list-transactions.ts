import { z } from 'zod';
import { TRANSACTIONS_PAGE_MAX, type TransactionService } from '../../../domains/transactions/index.ts';
import type { TransactionId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { transactionSchema, transactionToJson } from './schemas.ts';

const cursor = timeCursor<TransactionId>();

/** The transactions of one side, newest first. */
export const listTransactions = ({ transactions }: { transactions: TransactionService }) =>
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
      const page = await transactions.listTransactions(actor, { ...query, after: query.after ?? null });
      return { items: page.items.map(transactionToJson), next: cursor.next(page.next) };
    },
  });
