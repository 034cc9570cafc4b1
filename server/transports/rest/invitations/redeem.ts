import { z } from 'zod';
import type { TenantService } from '../../../domains/tenants/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { tenantSchema, tenantToJson } from '../tenants/schemas.ts';

/** Makes the user who asks a member of the tenant it was invited to. */
export const redeemInvitation = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'invitations.redeem',
    method: 'POST',
    path: '/api/v1/invitations/redeem',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Makes you a member of the tenant that you were invited to.',
    body: z.strictObject({ token: z.string().trim().min(1).max(100) }),
    response: tenantSchema,
    status: 201,
    errors: ['invitation_wrong', 'member_exists', 'limit_reached'],
    handle: async ({ actor, body }) => tenantToJson(await tenants.redeemInvitation(actor, body.token)),
  });
