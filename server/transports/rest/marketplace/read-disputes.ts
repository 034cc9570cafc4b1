import { z } from 'zod';
import { DISPUTES_PAGE_MAX, type DisputeService } from '../../../domains/disputes/index.ts';
import { asId, type TransactionId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema } from '../paging.ts';
import { idSchema } from '../schemas.ts';
import {
  disputeCursor,
  disputeParams,
  disputeSchema,
  disputeToJson,
  stateFilter,
} from './dispute-schemas.ts';

interface Services {
  readonly disputes: DisputeService;
}

/** One dispute, as its side sees it. */
export const getDispute = ({ disputes }: Services) =>
  defineRoute({
    operation: 'marketplace.disputes.get',
    method: 'GET',
    path: '/api/v1/marketplace/disputes/:disputeId',
    access: 'money.read',
    cost: COSTS.read,
    audit: 'none',
    summary:
      'A dispute you opened, or about what a provider of yours was paid: its state, what was said and decided.',
    params: disputeParams,
    response: disputeSchema,
    status: 200,
    errors: ['dispute_not_found'],
    handle: async ({ actor, params }) => disputeToJson(await disputes.get(actor, params.disputeId)),
  });

/** The disputes of one side, newest first. */
export const listDisputes = ({ disputes }: Services) =>
  defineRoute({
    operation: 'marketplace.disputes.list',
    method: 'GET',
    path: '/api/v1/marketplace/disputes',
    access: 'money.read',
    cost: COSTS.write,
    audit: 'none',
    summary:
      'Disputes you opened, or with `role=provider` those about what your providers were paid. Newest first.',
    query: pageQuery(disputeCursor, DISPUTES_PAGE_MAX).extend({
      role: z.enum(['requester', 'provider']).default('requester'),
      state: stateFilter,
      transactionId: idSchema
        .transform((id) => asId<TransactionId>(id))
        .optional()
        .describe('The dispute about this transaction alone.'),
    }),
    response: pageSchema(disputeSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const { role, state = null, after = null, limit, transactionId } = query;
      const page = await disputes.list(actor, role, { state, after, limit, transactionId });
      return { items: page.items.map(disputeToJson), next: disputeCursor.next(page.next) };
    },
  });
