import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { defineRoute, withHeaders } from '../define-route.ts';
import { originOf } from '../users/origin.ts';
import { cookieSchema, recoveryCodeSchema, sessionSchema, userSchema, userToJson } from '../users/schemas.ts';
import { sessionAnswer } from '../users/session-answer.ts';

/** Signs in with a recovery code; the only answer that has the token. */
export const recover = ({ accounts, cookies }: { accounts: AccountService; cookies: CookieSessions }) =>
  defineRoute({
    operation: 'users.recover',
    method: 'POST',
    path: '/api/v1/users/recover',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Signs you in with one of your recovery codes, which is used up.',
    body: z.strictObject({ code: recoveryCodeSchema, cookie: cookieSchema }),
    response: sessionSchema.extend({ user: userSchema }),
    status: 201,
    errors: ['sign_in_code_wrong', 'csrf_refused'],
    handle: async ({ body, request }) => {
      if (body.cookie) cookies.requireOwnPage(request);
      const recovered = await accounts.recover(body.code, originOf(request));
      const { session, headers } = sessionAnswer(recovered, body, { cookies, request });
      return withHeaders({ ...session, user: userToJson(recovered.account) }, headers);
    },
  });
