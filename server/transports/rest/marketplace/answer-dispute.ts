import { z } from 'zod';
import type { DisputeService } from '../../../domains/disputes/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { disputeParams, disputeSchema, disputeToJson, statementSchema } from './dispute-schemas.ts';

interface Services {
  readonly disputes: DisputeService;
}

const answering = {
  method: 'POST',
  cost: COSTS.write,
  audit: 'money',
  params: disputeParams,
  response: disputeSchema,
  status: 200,
} as const;

/** One of the sides says something more. */
export const addStatement = ({ disputes }: Services) =>
  defineRoute({
    ...answering,
    operation: 'marketplace.disputes.say',
    path: '/api/v1/marketplace/disputes/:disputeId/statements',
    access: 'money.read',
    summary:
      'Says something in a dispute of yours: at most five times a side. The first answer of a provider gives an operator more time to decide.',
    body: z.strictObject({ text: statementSchema }),
    errors: ['dispute_not_found', 'dispute_decided', 'limit_reached'],
    handle: async ({ actor, params, body }) =>
      disputeToJson(await disputes.say(actor, params.disputeId, body.text)),
  });

/** A provider's owner gives everything back. */
export const agreeToDispute = ({ disputes }: Services) =>
  defineRoute({
    ...answering,
    operation: 'marketplace.disputes.agree',
    path: '/api/v1/marketplace/disputes/:disputeId/agree',
    access: 'market.sell',
    summary:
      'As owner of a provider: agrees that everything goes back. It does so when the owners of all providers of the request have agreed.',
    errors: ['dispute_not_found', 'dispute_decided'],
    handle: async ({ actor, params }) => disputeToJson(await disputes.agree(actor, params.disputeId)),
  });

/** Who opened it takes it back. */
export const withdrawDispute = ({ disputes }: Services) =>
  defineRoute({
    ...answering,
    operation: 'marketplace.disputes.withdraw',
    path: '/api/v1/marketplace/disputes/:disputeId/withdraw',
    access: 'market.request',
    summary:
      'Takes a dispute that you opened back: nothing is refunded, and the request is not disputed again.',
    errors: ['dispute_not_found', 'dispute_decided'],
    handle: async ({ actor, params }) => disputeToJson(await disputes.withdraw(actor, params.disputeId)),
  });
