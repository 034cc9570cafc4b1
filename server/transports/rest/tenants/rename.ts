import { z } from 'zod';
import type { TenantService } from '../../../domains/tenants/index.ts';
import { asId, type TenantId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { tenantParamsSchema } from './schemas.ts';

/** Gives the tenant that the user acts in another name. */
export const renameTenant = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'tenants.rename',
    method: 'PUT',
    path: '/api/v1/tenants/:tenantId',
    access: 'tenant.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Gives the tenant you act in another name.',
    params: tenantParamsSchema,
    body: z.strictObject({ name: nameSchema }),
    response: z.object({ id: z.uuid(), name: z.string() }),
    status: 200,
    errors: ['tenant_not_found'],
    handle: async ({ actor, params, body }) => {
      await tenants.renameTenant(actor, asId<TenantId>(params.tenantId), body.name);
      return { id: params.tenantId, name: body.name };
    },
  });
