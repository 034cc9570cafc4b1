import { z } from 'zod';
import { DISPUTE_STATES, DISPUTES_PAGE_MAX, type DisputeService } from '../../../domains/disputes/index.ts';
import { parseEuros } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { moneyInputSchema } from '../ledger/schemas.ts';
import {
  disputeCursor,
  disputeParams,
  disputeToDecideSchema,
  disputeToDecideToJson,
} from '../marketplace/dispute-schemas.ts';
import { pageQuery, pageSchema } from '../paging.ts';
import { nameSchema } from '../schemas.ts';

interface Services {
  readonly disputes: DisputeService;
}

/** For operators: disputes of all tenants. */
export const listAllDisputes = ({ disputes }: Services) =>
  defineRoute({
    operation: 'admin.disputes.list',
    method: 'GET',
    path: '/api/v1/admin/disputes',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'access',
    summary: 'Disputes about requests, the oldest first: those that are open unless `state` says otherwise.',
    query: pageQuery(disputeCursor, DISPUTES_PAGE_MAX).extend({
      state: z.enum(DISPUTE_STATES).default('open'),
    }),
    response: pageSchema(disputeToDecideSchema),
    status: 200,
    errors: [],
    async handle({ actor, query }) {
      const { state, after = null, limit } = query;
      const page = await disputes.listAll(actor, { state, after, limit });
      return { items: page.items.map(disputeToDecideToJson), next: disputeCursor.next(page.next) };
    },
  });

/** An operator ends a dispute. */
export const decideDispute = ({ disputes }: Services) =>
  defineRoute({
    operation: 'admin.disputes.decide',
    method: 'POST',
    path: '/api/v1/admin/disputes/:disputeId/decision',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'money',
    summary:
      'Decides a dispute, once: nothing goes back, everything, or a part. Both sides read the reason. What goes back is taken from provider and platform in proportion.',
    params: disputeParams,
    body: z.discriminatedUnion('outcome', [
      z.strictObject({ outcome: z.enum(['refused', 'refunded']), reason: nameSchema }),
      z.strictObject({
        outcome: z.literal('refunded_partly'),
        amount: moneyInputSchema.describe('More than nothing, less than the cost.'),
        reason: nameSchema,
      }),
    ]),
    response: disputeToDecideSchema,
    status: 200,
    errors: ['dispute_not_found', 'dispute_decided', 'amount_out_of_range'],
    handle: async ({ actor, params, body }) => {
      const ruling =
        body.outcome === 'refunded_partly'
          ? { outcome: body.outcome, amountMicrocents: parseEuros(body.amount.value) ?? 0n }
          : { outcome: body.outcome };
      return disputeToDecideToJson(await disputes.decide(actor, params.disputeId, ruling, body.reason));
    },
  });
