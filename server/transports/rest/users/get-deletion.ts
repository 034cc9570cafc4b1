import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';

/** Whether the account that asks is to be deleted. */
export const getDeletion = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.deletion.get',
    method: 'GET',
    path: '/api/v1/users/me/deletion',
    access: 'account.restore',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Whether your account is to be deleted, and when.',
    response: z.object({
      deletion: z
        .object({ requestedAt: timeSchema, dueAt: timeSchema })
        .nullable()
        .describe('Null: it is not to be deleted.'),
    }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => {
      const found = await accounts.findDeletion(actor);
      if (found === null) return { deletion: null };
      return {
        deletion: { requestedAt: toIsoTime(found.requestedAtMs), dueAt: toIsoTime(found.dueAtMs) },
      };
    },
  });
