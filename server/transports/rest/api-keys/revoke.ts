import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { asId, type CredentialId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { apiKeyParamsSchema } from './schemas.ts';

/** Revokes an API key of the account that asks. */
export const revokeApiKey = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.apiKeys.revoke',
    method: 'DELETE',
    path: '/api/v1/users/me/api-keys/:keyId',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Revokes an API key of yours: who uses it is cut off at once, in the middle of an answer, too.',
    params: apiKeyParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['token_not_found', 'last_token'],
    handle: async ({ actor, params }) => {
      await accounts.revokeToken(actor, asId<CredentialId>(params.keyId));
      return { removed: true as const };
    },
  });
