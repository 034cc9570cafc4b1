import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';

/** The account that asks stays. */
export const restoreSelf = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.restoreSelf',
    method: 'POST',
    path: '/api/v1/users/me/restore',
    access: 'account.restore',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Undoes that your account is to be deleted.',
    response: z.object({ restored: z.boolean().describe('False: it was not to be deleted.') }),
    status: 200,
    errors: ['conflict'],
    handle: async ({ actor }) => ({ restored: await accounts.restoreAccount(actor) }),
  });
