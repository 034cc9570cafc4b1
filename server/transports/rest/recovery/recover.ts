import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';
import { originOf } from '../users/origin.ts';
import { recoveryCodeSchema, userSchema, userToJson } from '../users/schemas.ts';

/** Signs in with a recovery code; the only answer that has the token. */
export const recover = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.recover',
    method: 'POST',
    path: '/api/v1/users/recover',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Signs you in with one of your recovery codes, which is used up.',
    body: z.strictObject({ code: recoveryCodeSchema }),
    response: z.object({
      user: userSchema,
      token: z.string().describe('The credential, shown this once.'),
      expiresAt: timeSchema.describe('When the token ends by itself.'),
    }),
    status: 201,
    errors: ['sign_in_code_wrong'],
    handle: async ({ body, request }) => {
      const { account, token, secret } = await accounts.recover(body.code, originOf(request));
      return { user: userToJson(account), token: secret, expiresAt: toIsoTime(token.expiresAtMs ?? 0) };
    },
  });
