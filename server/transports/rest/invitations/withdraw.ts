import { z } from 'zod';
import type { TenantService } from '../../../domains/tenants/index.ts';
import { asId, type InvitationId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { invitationParamsSchema } from './schemas.ts';

/** Withdraws an invitation. */
export const withdrawInvitation = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'invitations.withdraw',
    method: 'DELETE',
    path: '/api/v1/invitations/:invitationId',
    access: 'members.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Withdraws an invitation that nobody has redeemed.',
    params: invitationParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['invitation_not_found'],
    handle: async ({ actor, params }) => {
      await tenants.withdrawInvitation(actor, asId<InvitationId>(params.invitationId));
      return { removed: true as const };
    },
  });
