import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { mailCodeSchema, ownUserSchema, ownUserToJson, recoveryCodeSchema } from './schemas.ts';

/** Gives the account that asks another address, with the codes that were sent. */
export const confirmEmail = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.email.confirm',
    method: 'POST',
    path: '/api/v1/users/me/email/confirm',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Changes your mail address with the codes from both mails.',
    body: z.strictObject({
      changeId: idSchema,
      newCode: mailCodeSchema.describe('From the mail to the new address.'),
      recoveryCode: recoveryCodeSchema
        .optional()
        .describe('One of your recovery codes, in place of the code from a mailbox that you have lost.'),
      currentCode: mailCodeSchema
        .optional()
        .describe('From the mail to the present address, if there is one.'),
    }),
    response: ownUserSchema,
    status: 200,
    errors: ['sign_in_code_wrong', 'user_not_found'],
    handle: async ({ actor, body }) => {
      const { newCode, currentCode = null, recoveryCode = null } = body;
      const codes = { new: newCode, current: currentCode, recovery: recoveryCode };
      await accounts.confirmAddressChange(actor, body.changeId, codes);
      return ownUserToJson(await accounts.getSelf(actor));
    },
  });
