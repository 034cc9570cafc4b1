import type { TenantService } from '../../../domains/tenants/index.ts';
import { type AccountId, asId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { memberParamsSchema, memberSchema, memberToJson } from './schemas.ts';

/** One member of the tenant. */
export const getMember = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'members.get',
    method: 'GET',
    path: '/api/v1/members/:userId',
    access: 'account.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'One member of the tenant.',
    params: memberParamsSchema,
    response: memberSchema,
    status: 200,
    errors: ['member_not_found'],
    handle: async ({ actor, params }) =>
      memberToJson(await tenants.getMember(actor, asId<AccountId>(params.userId))),
  });
