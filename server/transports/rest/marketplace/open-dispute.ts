import { z } from 'zod';
import type { DisputeService } from '../../../domains/disputes/index.ts';
import { asId, type TransactionId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { disputeSchema, disputeToJson, reasonSchema, statementSchema } from './dispute-schemas.ts';

/** Who paid for a request disputes it. */
export const openDispute = ({ disputes }: { disputes: DisputeService }) =>
  defineRoute({
    operation: 'marketplace.disputes.open',
    method: 'POST',
    path: '/api/v1/marketplace/transactions/:transactionId/disputes',
    access: 'market.request',
    cost: COSTS.write,
    audit: 'money',
    summary:
      'Disputes a request of yours that was paid, once, while what the provider has earned by it waits for its release (docs/disputes.md).',
    params: z.strictObject({ transactionId: idSchema }),
    body: z.strictObject({ reason: reasonSchema, text: statementSchema }),
    response: disputeSchema,
    status: 201,
    errors: [
      'transaction_not_found',
      'transaction_unpaid',
      'dispute_exists',
      'earnings_released',
      'limit_reached',
    ],
    handle: async ({ actor, params, body }) => {
      const id = asId<TransactionId>(params.transactionId);
      return disputeToJson(await disputes.open(actor, id, body.reason, body.text));
    },
  });
