import { z } from 'zod';
import type { Invitation } from '../../../domains/tenants/index.ts';
import { grantFields, grantToJson } from '../members/schemas.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';

export const invitationSchema = z
  .object({
    id: z.uuid(),
    ...grantFields,
    email: z
      .string()
      .nullable()
      .describe('The only address that may redeem it; null: whoever has its token.'),
    invitedBy: z.uuid().describe('The user who invited.'),
    createdAt: timeSchema,
    expiresAt: timeSchema,
  })
  .meta({ id: 'Invitation' });

export const invitationParamsSchema = z.strictObject({ invitationId: idSchema });

/** An invitation as REST shows it. */
export const invitationToJson = (invitation: Invitation) => ({
  id: invitation.id,
  ...grantToJson(invitation),
  email: invitation.address,
  invitedBy: invitation.invitedBy,
  createdAt: toIsoTime(invitation.createdAtMs),
  expiresAt: toIsoTime(invitation.expiresAtMs),
});
