import { z } from 'zod';
import type { TenantService } from '../../../domains/tenants/index.ts';
import { type AccountId, asId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { memberParamsSchema } from './schemas.ts';

/** Ends a membership. */
export const removeMember = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'members.remove',
    method: 'DELETE',
    path: '/api/v1/members/:userId',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Ends a membership, or leaves the tenant. The devices that the member brought leave with it.',
    params: memberParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['member_not_found', 'last_owner', 'home_owner'],
    handle: async ({ actor, params }) => {
      await tenants.removeMember(actor, asId<AccountId>(params.userId));
      return { removed: true as const };
    },
  });
