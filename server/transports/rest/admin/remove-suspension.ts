import { z } from 'zod';
import type { SuspensionService } from '../../../domains/administration/index.ts';
import { asId, type TenantId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { suspensionParamsSchema } from './schemas.ts';

/** An operator lets a tenant go on. */
export const removeSuspension = ({ suspensions }: { suspensions: SuspensionService }) =>
  defineRoute({
    operation: 'admin.suspensions.remove',
    method: 'DELETE',
    path: '/api/v1/admin/suspensions/:tenantId',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Lets a tenant that was suspended go on, with all that it has.',
    params: suspensionParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: [],
    handle: async ({ actor, params }) => {
      await suspensions.resumeTenant(actor, asId<TenantId>(params.tenantId));
      return { removed: true as const };
    },
  });
