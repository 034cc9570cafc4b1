import { z } from 'zod';
import { type AccountToken, TOKEN_KINDS } from '../../../domains/accounts/index.ts';
import type { CredentialId } from '../../../kernel/ids.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';

export const tokenSchema = z
  .object({
    id: z.uuid(),
    kind: z.enum(TOKEN_KINDS).describe('personal: made by its user, good until it is revoked.'),
    name: z.string(),
    inUse: z.boolean().describe('This request came with it.'),
    createdAt: timeSchema,
  })
  .meta({ id: 'UserToken' });

export const newTokenSchema = z.object({
  token: tokenSchema,
  secret: z.string().describe('The credential itself, shown this once.'),
});

export const tokenParamsSchema = z.strictObject({ tokenId: idSchema });

/** A user's token as REST shows it to somebody who came with `credentialId`. */
export const tokenToJson = (
  { id, kind, name, createdAtMs }: AccountToken,
  { credentialId }: { readonly credentialId: CredentialId },
) => ({ id, kind, name, inUse: id === credentialId, createdAt: toIsoTime(createdAtMs) });
