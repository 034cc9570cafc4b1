import { z } from 'zod';
import type { TenantService } from '../../../domains/tenants/index.ts';
import { type AccountId, asId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { grantInputFields, grantOf, memberParamsSchema, memberSchema, memberToJson } from './schemas.ts';

/** Changes what a member may. */
export const updateMember = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'members.update',
    method: 'PUT',
    path: '/api/v1/members/:userId',
    access: 'members.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'Changes what a member may. What it may no longer have open ends at once.',
    params: memberParamsSchema,
    body: z.strictObject(grantInputFields),
    response: memberSchema,
    status: 200,
    errors: ['member_not_found', 'network_not_found', 'last_owner', 'home_owner'],
    handle: async ({ actor, params, body }) =>
      memberToJson(await tenants.changeMember(actor, asId<AccountId>(params.userId), grantOf(body))),
  });
