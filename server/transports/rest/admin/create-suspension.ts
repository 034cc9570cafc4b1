import { z } from 'zod';
import type { SuspensionService } from '../../../domains/administration/index.ts';
import { asId, type TenantId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { suspensionParamsSchema, suspensionSchema, suspensionToJson } from './schemas.ts';

/** An operator suspends a tenant. */
export const createSuspension = ({ suspensions }: { suspensions: SuspensionService }) =>
  defineRoute({
    operation: 'admin.suspensions.create',
    method: 'PUT',
    path: '/api/v1/admin/suspensions/:tenantId',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Suspends a tenant: it keeps what it has and reaches nothing; what is open there ends at once.',
    params: suspensionParamsSchema,
    body: z.strictObject({ reason: z.string().trim().min(1).max(200) }),
    response: suspensionSchema,
    status: 200,
    errors: ['conflict'],
    handle: async ({ actor, params, body }) =>
      suspensionToJson(await suspensions.suspendTenant(actor, asId<TenantId>(params.tenantId), body.reason)),
  });
