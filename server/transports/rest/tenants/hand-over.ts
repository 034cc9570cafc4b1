import { z } from 'zod';
import type { TenantService } from '../../../domains/tenants/index.ts';
import { type AccountId, asId, type TenantId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { tenantParamsSchema } from './schemas.ts';

/** Makes another member the owner of the tenant, and the user who asks an administrator. */
export const handOverTenant = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'tenants.handOver',
    method: 'POST',
    path: '/api/v1/tenants/:tenantId/owner',
    access: 'tenant.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary:
      'Hands the tenant you act in over to another member, with networks, devices and money. You become an administrator of it; ' +
      'in place of the tenant that was made with you, you get a new one.',
    params: tenantParamsSchema,
    body: z.strictObject({ userId: idSchema }),
    response: z.object({ handedOver: z.literal(true) }),
    status: 201,
    errors: ['tenant_not_found', 'member_not_found'],
    handle: async ({ actor, params, body }) => {
      await tenants.handOver(actor, asId<TenantId>(params.tenantId), asId<AccountId>(body.userId));
      return { handedOver: true as const };
    },
  });
