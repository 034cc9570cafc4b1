import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { asId, type PasskeyId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { passkeyParamsSchema } from './schemas.ts';

/** From now on a passkey opens nothing. */
export const removePasskey = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.passkeys.remove',
    method: 'DELETE',
    path: '/api/v1/users/me/passkeys/:passkeyId',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'A passkey does not sign you in any more. Not the last way in. Tokens stay as they are.',
    params: passkeyParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['passkey_not_found', 'passkey_needed', 'last_sign_in'],
    handle: async ({ actor, params }) => {
      await accounts.removePasskey(actor, asId<PasskeyId>(params.passkeyId));
      return { removed: true as const };
    },
  });
