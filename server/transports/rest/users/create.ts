import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { emailSchema, newUserSchema, userToJson } from './schemas.ts';

/** An operator makes an account with a tenant of its own; the only answer that has its token. */
export const createUser = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.create',
    method: 'POST',
    path: '/api/v1/users',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'change',
    summary: 'A new user, with a tenant of its own and a token.',
    body: z.strictObject({
      name: nameSchema,
      email: emailSchema.optional().describe('Where codes for the sign-in of the user are sent.'),
    }),
    response: newUserSchema,
    status: 201,
    errors: ['email_taken'],
    handle: async ({ actor, body }) => {
      const { account, token } = await accounts.createAccount(actor, body.name, body.email ?? null);
      return { user: userToJson(account), token };
    },
  });
