import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { asId, type CredentialId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { tokenParamsSchema } from './schemas.ts';

/** Revokes a token of the account that asks. */
export const revokeToken = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.tokens.revoke',
    method: 'DELETE',
    path: '/api/v1/users/me/tokens/:tokenId',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Revokes a token of yours, also the one in use, but not the last. Who uses it is cut off at once.',
    params: tokenParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['token_not_found', 'last_token'],
    handle: async ({ actor, params }) => {
      await accounts.revokeToken(actor, asId<CredentialId>(params.tokenId));
      return { removed: true as const };
    },
  });
