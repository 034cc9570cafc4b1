import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { defineRoute, withHeaders } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { originOf } from './origin.ts';
import { cookieSchema, mailCodeSchema, sessionSchema, userSchema, userToJson } from './schemas.ts';
import { sessionAnswer } from './session-answer.ts';

/** Signs in with a code that was sent; the only answer that has the token. */
export const enter = ({ accounts, cookies }: { accounts: AccountService; cookies: CookieSessions }) =>
  defineRoute({
    operation: 'users.sessions.create',
    method: 'POST',
    path: '/api/v1/users/sessions',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Signs you in with the code from the mail, and makes your account where you registered.',
    body: z.strictObject({ codeId: idSchema, code: mailCodeSchema, cookie: cookieSchema }),
    response: sessionSchema.extend({
      user: userSchema,
      isNew: z.boolean().describe('The account was made just now.'),
    }),
    status: 201,
    errors: ['sign_in_code_wrong', 'csrf_refused'],
    handle: async ({ body, request }) => {
      if (body.cookie) cookies.requireOwnPage(request);
      const entered = await accounts.enter(body.codeId, body.code, originOf(request));
      const { session, headers } = sessionAnswer(entered, body, { cookies, request });
      return withHeaders({ ...session, user: userToJson(entered.account), isNew: entered.isNew }, headers);
    },
  });
