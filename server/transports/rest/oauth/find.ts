import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';
import { userCodeSchema } from './schemas.ts';

/** The program that shows a code. The code is in the body: paths stand in logs. */
export const findProgram = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'oauth.requests.find',
    method: 'POST',
    path: '/api/v1/oauth/requests/find',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'The program that shows this code and waits to be let in.',
    body: z.strictObject({ userCode: userCodeSchema }),
    response: z.object({
      name: z.string().describe('What the program calls itself.'),
      address: z.string().describe('Where it asked from.'),
      createdAt: timeSchema,
      expiresAt: timeSchema,
    }),
    status: 200,
    errors: ['user_code_wrong'],
    handle: async ({ actor, body }) => {
      const { name, client, createdAtMs, expiresAtMs } = await accounts.findProgram(actor, body.userCode);
      return { name, address: client, createdAt: toIsoTime(createdAtMs), expiresAt: toIsoTime(expiresAtMs) };
    },
  });
