import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTimeOrNull } from '../schemas.ts';

/** How many recovery codes the account that asks has left. */
export const countRecoveryCodes = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.recoveryCodes.count',
    method: 'GET',
    path: '/api/v1/users/me/recovery-codes',
    access: 'account.read',
    cost: COSTS.read,
    audit: 'access',
    summary: 'How many recovery codes you have left.',
    response: z.object({
      left: z.int(),
      createdAt: timeSchema.nullable().describe('When they were made; null: none are left.'),
    }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => {
      const { left, createdAtMs } = await accounts.countRecoveryCodes(actor);
      return { left, createdAt: toIsoTimeOrNull(createdAtMs) };
    },
  });
