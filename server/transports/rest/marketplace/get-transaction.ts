import { z } from 'zod';
import type { TransactionService } from '../../../domains/transactions/index.ts';
import { asId, type TransactionId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { transactionSchema, transactionToJson } from './schemas.ts';

/** One transaction, as its side sees it. */
export const getTransaction = ({ transactions }: { transactions: TransactionService }) =>
  defineRoute({
    operation: 'marketplace.transactions.get',
    method: 'GET',
    path: '/api/v1/marketplace/transactions/:transactionId',
    access: 'money.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'A request you made or a device of yours served.',
    params: z.strictObject({ transactionId: idSchema }),
    response: transactionSchema,
    status: 200,
    errors: ['transaction_not_found'],
    handle: async ({ actor, params }) => {
      const id = asId<TransactionId>(params.transactionId);
      return transactionToJson(await transactions.getTransaction(actor, id));
    },
  });
