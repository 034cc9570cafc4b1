import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { defineRoute, withHeaders } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { cookieSchema, sessionSchema, userSchema, userToJson } from './schemas.ts';
import { sessionAnswer } from './session-answer.ts';

/** Makes the first operator for whoever has the code that the server printed at its first start. Works once. */
export const setUp = ({ accounts, cookies }: { accounts: AccountService; cookies: CookieSessions }) =>
  defineRoute({
    operation: 'users.setUp',
    method: 'POST',
    path: '/api/v1/setup',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Makes the first operator with the one-time code that the server printed.',
    body: z.strictObject({
      code: z.string().trim().min(1).max(100),
      name: nameSchema,
      cookie: cookieSchema,
    }),
    response: sessionSchema.extend({ user: userSchema }),
    status: 201,
    errors: ['setup_code_wrong', 'csrf_refused'],
    handle: async ({ body, request }) => {
      if (body.cookie) cookies.requireOwnPage(request);
      const made = await accounts.setUp(body.code, body.name, body.cookie ? 'session' : 'personal');
      const { session, headers } = sessionAnswer(made, body, { cookies, request });
      return withHeaders({ ...session, user: userToJson(made.account) }, headers);
    },
  });
