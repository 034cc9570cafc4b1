import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';

/** The account that asks is to be deleted. */
export const deleteSelf = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.deleteSelf',
    method: 'DELETE',
    path: '/api/v1/users/me',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'Deletes your account, with what is yours alone, after a time in which you can undo it.',
    query: z.strictObject({
      givesUpBalance: z
        .enum(['true', 'false'])
        .default('false')
        .describe('`true`: you give up the money that is left where your account would be deleted.'),
    }),
    response: z.object({
      dueAt: timeSchema.describe('When it is deleted; until then it can be undone.'),
      undoToken: z
        .string()
        .describe('Undoes it at `/api/v1/users/me/restore`, shown this once. All other tokens have ended.'),
    }),
    status: 202,
    errors: ['hand_over_first', 'last_operator', 'account_has_money', 'conflict'],
    handle: async ({ actor, query }) => {
      const givesUpBalance = query.givesUpBalance === 'true';
      const { dueAtMs, secret } = await accounts.requestDeletion(actor, { givesUpBalance });
      return { dueAt: toIsoTime(dueAtMs), undoToken: secret };
    },
  });
