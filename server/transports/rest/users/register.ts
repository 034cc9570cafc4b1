import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { addressGroup } from '../../../kernel/network-address.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema, toIsoTime } from '../schemas.ts';
import { emailSchema, sentCodeSchema } from './schemas.ts';

/** Sends a code that makes an account for a mail address, or opens the one it has. */
export const register = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.register',
    method: 'POST',
    path: '/api/v1/users/register',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Sends a code that makes your account. The answer is the same for an address that has one.',
    body: z.strictObject({ email: emailSchema, name: nameSchema }),
    response: sentCodeSchema,
    status: 202,
    errors: ['sign_up_closed', 'mail_not_set_up'],
    handle: async ({ body: { email, name }, request }) => {
      const asked = { address: email, client: addressGroup(request.remoteAddress) };
      const { codeId, expiresAtMs } = await accounts.register(asked, name);
      return { codeId, expiresAt: toIsoTime(expiresAtMs) };
    },
  });
