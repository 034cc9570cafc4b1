import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { newUserSchema, userToJson } from './schemas.ts';

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
    body: z.strictObject({ name: nameSchema }),
    response: newUserSchema,
    status: 201,
    errors: [],
    handle: async ({ actor, body }) => {
      const { account, token } = await accounts.createAccount(actor, body.name);
      return { user: userToJson(account), token };
    },
  });
