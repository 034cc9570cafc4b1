import { z } from 'zod';
import type { SpendingService } from '../../../domains/spending/index.ts';
import { asId, type TenantId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { limitsInput, limitsToJson, quotasSchema, toLimits } from '../spending/schemas.ts';

/** An operator says what a tenant may spend. */
export const setSpendQuotas = ({ spending }: { spending: SpendingService }) =>
  defineRoute({
    operation: 'admin.spending.set',
    method: 'PUT',
    path: '/api/v1/admin/spending/:tenantId',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Says what a tenant may spend in a day and a month of UTC, whatever it chooses itself.',
    params: z.strictObject({ tenantId: idSchema }),
    body: limitsInput,
    response: quotasSchema,
    status: 200,
    errors: ['amount_out_of_range'],
    handle: async ({ actor, params, body }) => {
      const quotas = toLimits(body);
      await spending.setQuotas(actor, asId<TenantId>(params.tenantId), quotas);
      return limitsToJson(quotas);
    },
  });
