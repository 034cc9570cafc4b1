import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { newTokenSchema, tokenToJson } from './schemas.ts';

/** One more token for the account that asks; the only answer that has its secret. */
export const createToken = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.tokens.create',
    method: 'POST',
    path: '/api/v1/users/me/tokens',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'One more token for you: 100 at most.',
    body: z.strictObject({ name: nameSchema }),
    response: newTokenSchema,
    status: 201,
    errors: ['limit_reached'],
    handle: async ({ actor, body }) => {
      const { token, secret } = await accounts.createToken(actor, body.name);
      return { token: tokenToJson(token, actor), secret };
    },
  });
