import { z } from 'zod';
import type { TenantService } from '../../../domains/tenants/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { tenantSchema, tenantToJson } from './schemas.ts';

/** A further tenant for the user who asks. */
export const createTenant = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'tenants.create',
    method: 'POST',
    path: '/api/v1/tenants',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'A further tenant, which you own: 20 at most.',
    body: z.strictObject({ name: nameSchema }),
    response: tenantSchema,
    status: 201,
    errors: ['limit_reached'],
    handle: async ({ actor, body }) => tenantToJson(await tenants.createTenant(actor, body.name)),
  });
