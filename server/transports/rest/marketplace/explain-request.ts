import { z } from 'zod';
import { decisionsOfRequest, type RequestDecisionSources } from '../../../domains/decisions/index.ts';
import type { DisputeService } from '../../../domains/disputes/index.ts';
import type { ProviderService } from '../../../domains/providers/index.ts';
import type { TransactionService } from '../../../domains/transactions/index.ts';
import { AppError } from '../../../kernel/errors.ts';
import { asId, type TransactionId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema, toIsoTime } from '../schemas.ts';
import { choiceSchema, requestDecisionSchema } from './explained-schemas.ts';

interface Services {
  readonly providers: ProviderService;
  readonly transactions: TransactionService;
  readonly disputes: DisputeService;
}

/** Why a request went where it went, and all that was decided about it. */
export const explainRequest = ({ providers, transactions, disputes }: Services) => {
  const sources: RequestDecisionSources = {
    choices: (actor, id) => providers.explainRequest(actor, id),
    transaction: (actor, id) => transactions.getTransaction(actor, asId<TransactionId>(id)),
    disputes: async (actor, id) => {
      const query = { state: null, transactionId: asId<TransactionId>(id), after: null, limit: 1 };
      const { items } = await disputes.list(actor, 'requester', query);
      return items.flatMap(({ decisions }) => decisions);
    },
  };
  return defineRoute({
    operation: 'marketplace.requests.why',
    method: 'GET',
    path: '/api/v1/marketplace/requests/:requestId/why',
    access: 'money.read',
    cost: COSTS.read,
    audit: 'none',
    summary:
      'All that was decided about a request of yours, by which rule and why (`decisions`), and of one of the last ones who could have had it, with their scores by part (`items`).',
    params: z.strictObject({ requestId: idSchema }),
    response: z.object({
      items: z.array(choiceSchema).describe('Remembered for a while.'),
      decisions: z.array(requestDecisionSchema).describe('The oldest first.'),
    }),
    status: 200,
    errors: ['transaction_not_found'],
    handle: async ({ actor, params: { requestId } }) => {
      const decisions = await decisionsOfRequest(actor, requestId, sources);
      const choices = await providers.explainRequest(actor, requestId).catch((error: unknown) => {
        if (error instanceof AppError && error.code === 'transaction_not_found') return [];
        throw error;
      });
      return {
        items: choices.map(({ chosenAtMs, candidates, ...choice }) => ({
          ...choice,
          chosenAt: toIsoTime(chosenAtMs),
          candidates: [...candidates],
        })),
        decisions: decisions.map(({ outcome, rule, reason, decidedBy, decidedAtMs }) => ({
          outcome,
          rule,
          reason,
          by: decidedBy === null ? ('rule' as const) : ('operator' as const),
          decidedAt: toIsoTime(decidedAtMs),
        })),
      };
    },
  });
};
