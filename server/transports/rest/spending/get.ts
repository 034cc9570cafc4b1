import type { SpendingService } from '../../../domains/spending/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { spendingSchema, spendingToJson } from './schemas.ts';

/** What the tenant may spend and has spent. */
export const getSpending = ({ spending }: { spending: SpendingService }) =>
  defineRoute({
    operation: 'spending.get',
    method: 'GET',
    path: '/api/v1/spending',
    access: 'money.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'What the tenant may spend in a day and a month, and has spent.',
    response: spendingSchema,
    status: 200,
    errors: [],
    handle: async ({ actor }) => spendingToJson(await spending.getSpending(actor)),
  });
