import { z } from 'zod';
import type { TenantService } from '../../../domains/tenants/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { grantInputFields, grantOf } from '../members/schemas.ts';
import { emailSchema } from '../users/schemas.ts';
import { invitationSchema, invitationToJson } from './schemas.ts';

/** Invites somebody into the tenant, by mail or by a token to pass on. */
export const createInvitation = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'invitations.create',
    method: 'POST',
    path: '/api/v1/invitations',
    access: 'members.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'Invites somebody into the tenant, once, for seven days.',
    body: z.strictObject({
      ...grantInputFields,
      email: emailSchema
        .optional()
        .describe(
          'The token is sent there and is good for this address alone. Without it you get the token to pass on.',
        ),
    }),
    response: z.object({
      invitation: invitationSchema,
      secret: z.string().nullable().describe('The token, shown this once; null: it was sent by mail.'),
    }),
    status: 201,
    errors: ['network_not_found', 'mail_not_set_up', 'limit_reached'],
    handle: async ({ actor, body }) => {
      const { invitation, secret } = await tenants.invite(actor, grantOf(body), body.email ?? null);
      return { invitation: invitationToJson(invitation), secret };
    },
  });
