import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { ownUserSchema, ownUserToJson } from './schemas.ts';

/** Gives the account that asks another name. */
export const renameSelf = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.renameSelf',
    method: 'PUT',
    path: '/api/v1/users/me',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Gives you another name.',
    body: z.strictObject({ name: nameSchema }),
    response: ownUserSchema,
    status: 200,
    errors: ['user_not_found'],
    handle: async ({ actor, body }) => ownUserToJson(await accounts.renameSelf(actor, body.name)),
  });
