import type { SpendingService } from '../../../domains/spending/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { limitsInput, spendingSchema, spendingToJson, toLimits } from './schemas.ts';

/** Chooses what the tenant may spend. */
export const setSpendLimits = ({ spending }: { spending: SpendingService }) =>
  defineRoute({
    operation: 'spending.limits.set',
    method: 'PUT',
    path: '/api/v1/spending/limits',
    access: 'tenant.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Chooses what the tenant may spend in a day and a month of UTC; null: as much as there is.',
    body: limitsInput,
    response: spendingSchema,
    status: 200,
    errors: ['amount_out_of_range'],
    handle: async ({ actor, body }) => spendingToJson(await spending.setLimits(actor, toLimits(body))),
  });
