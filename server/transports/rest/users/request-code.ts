import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { addressGroup } from '../../../kernel/network-address.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { toIsoTime } from '../schemas.ts';
import { emailSchema, sentCodeSchema } from './schemas.ts';

/** Sends a code that opens the account of a mail address. */
export const requestCode = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.login',
    method: 'POST',
    path: '/api/v1/users/login',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Sends a code that signs you in. The answer is the same for an address that has no account.',
    body: z.strictObject({ email: emailSchema }),
    response: sentCodeSchema,
    status: 202,
    errors: ['mail_not_set_up'],
    handle: async ({ body: { email }, request }) => {
      const asked = { address: email, client: addressGroup(request.remoteAddress) };
      const { codeId, expiresAtMs } = await accounts.requestCode(asked);
      return { codeId, expiresAt: toIsoTime(expiresAtMs) };
    },
  });
