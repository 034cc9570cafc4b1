import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { userCodeSchema } from './schemas.ts';

/** Lets a program in as the account that asks, or sends it away. */
export const decideProgram = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'oauth.requests.decide',
    method: 'POST',
    path: '/api/v1/oauth/requests/decide',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'Lets the program that shows this code in, with a token of yours, or sends it away.',
    body: z.strictObject({ userCode: userCodeSchema, allow: z.boolean() }),
    response: z.object({ allowed: z.boolean() }),
    status: 200,
    errors: ['user_code_wrong', 'limit_reached'],
    handle: async ({ actor, body }) => {
      await accounts.decideProgram(actor, body.userCode, body.allow);
      return { allowed: body.allow };
    },
  });
