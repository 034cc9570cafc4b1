import { z } from 'zod';
import { type AccountToken, TOKEN_KINDS } from '../../../domains/accounts/index.ts';
import type { CredentialId } from '../../../kernel/ids.ts';
import { idSchema, timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';

export const tokenSchema = z
  .object({
    id: z.uuid(),
    kind: z
      .enum(TOKEN_KINDS)
      .describe(
        'personal: made by its user, good until it is revoked; session: of a sign-in; api_key: limited in what it may; partial: of a sign-in that waits for a passkey.',
      ),
    name: z.string(),
    inUse: z.boolean().describe('This request came with it.'),
    createdAt: timeSchema,
    expiresAt: timeSchema.nullable().describe('Null: not by itself.'),
    lastUsedAt: timeSchema.nullable().describe('To the minute.'),
  })
  .meta({ id: 'UserToken' });

export const newTokenSchema = z.object({
  token: tokenSchema,
  secret: z.string().describe('The credential itself, shown this once.'),
});

export const tokenParamsSchema = z.strictObject({ tokenId: idSchema });

/** A user's token as REST shows it to somebody who came with `credentialId`. */
export const tokenToJson = (
  token: AccountToken,
  { credentialId }: { readonly credentialId: CredentialId },
) => ({
  id: token.id,
  kind: token.kind,
  name: token.name,
  inUse: token.id === credentialId,
  createdAt: toIsoTime(token.createdAtMs),
  expiresAt: toIsoTimeOrNull(token.expiresAtMs),
  lastUsedAt: toIsoTimeOrNull(token.lastUsedAtMs),
});
