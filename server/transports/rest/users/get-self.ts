import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { ownUserSchema, ownUserToJson } from './schemas.ts';

/** The account that asks, and the tenants it is a member of. */
export const getSelf = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.getSelf',
    method: 'GET',
    path: '/api/v1/users/me',
    access: 'account.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'The user who asks.',
    response: ownUserSchema,
    status: 200,
    errors: ['user_not_found'],
    handle: async ({ actor }) => ownUserToJson(await accounts.getSelf(actor)),
  });
