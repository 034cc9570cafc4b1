import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { defineRoute, withHeaders } from '../define-route.ts';
import { sessionSchema } from './schemas.ts';
import { sessionAnswer } from './session-answer.ts';

/** Signs a page in for whoever has a token of the account. */
export const keepSession = ({ accounts, cookies }: { accounts: AccountService; cookies: CookieSessions }) =>
  defineRoute({
    operation: 'users.sessions.keep',
    method: 'POST',
    path: '/api/v1/users/sessions/cookie',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'For pages of the server: signs you in with a token that you have, and keeps the sign-in in a cookie.',
    response: sessionSchema,
    status: 201,
    errors: ['limit_reached', 'csrf_refused'],
    handle: async ({ actor, request }) => {
      cookies.requireOwnPage(request);
      const made = await accounts.createSession(actor);
      const { session, headers } = sessionAnswer(made, { cookie: true }, { cookies, request });
      return withHeaders(session, headers);
    },
  });
