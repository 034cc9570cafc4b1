import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { addressGroup } from '../../../kernel/network-address.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';
import { emailSchema } from './schemas.ts';

/** Sends the codes with which the account that asks gets another address. */
export const changeEmail = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.email.change',
    method: 'POST',
    path: '/api/v1/users/me/email',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'Sends a code to the mail address that you want to have, and one to the address that you have.',
    body: z.strictObject({ email: emailSchema }),
    response: z
      .object({
        changeId: z.uuid().describe('Goes with the codes to `/api/v1/users/me/email/confirm`.'),
        confirmsCurrent: z.boolean().describe('Your present address got a code, too; it is needed as well.'),
        expiresAt: timeSchema,
      })
      .describe('The same whether or not another user has the address: only its mail tells.'),
    status: 202,
    errors: ['mail_not_set_up'],
    handle: async ({ actor, body: { email }, request }) => {
      const asked = { address: email, client: addressGroup(request.remoteAddress) };
      const { changeId, confirmsCurrent, expiresAtMs } = await accounts.beginAddressChange(actor, asked);
      return { changeId, confirmsCurrent, expiresAt: toIsoTime(expiresAtMs) };
    },
  });
