import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { asId, type IdentityId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';

/** From now on an identity doesn't open the account that asks. */
export const removeIdentity = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.identities.remove',
    method: 'DELETE',
    path: '/api/v1/users/me/identities/:identityId',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'An identity does not open your account any more. Not the last way in. Tokens stay as they are.',
    params: z.strictObject({ identityId: idSchema }),
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['identity_not_found', 'last_sign_in'],
    handle: async ({ actor, params }) => {
      await accounts.removeIdentity(actor, asId<IdentityId>(params.identityId));
      return { removed: true as const };
    },
  });
