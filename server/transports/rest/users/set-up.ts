import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { newUserSchema, userToJson } from './schemas.ts';

/** Makes the first operator for whoever has the code that the server printed at its first start. Works once. */
export const setUp = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.setUp',
    method: 'POST',
    path: '/api/v1/setup',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Makes the first operator with the one-time code that the server printed.',
    body: z.strictObject({ code: z.string().trim().min(1).max(100), name: nameSchema }),
    response: newUserSchema,
    status: 201,
    errors: ['setup_code_wrong'],
    handle: async ({ body }) => {
      const { account, token } = await accounts.setUp(body.code, body.name);
      return { user: userToJson(account), token };
    },
  });
