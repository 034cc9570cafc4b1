import { COSTS } from '../../../kernel/operation.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { defineRoute, withHeaders } from '../define-route.ts';
import { originOf } from '../users/origin.ts';
import { cookieSchema, sessionSchema, userSchema, userToJson } from '../users/schemas.ts';
import { sessionAnswer } from '../users/session-answer.ts';
import { answeredSchema } from './schemas.ts';
import { type PasskeyServices, pageOf } from './services.ts';

/** Signs in with a passkey; the only answer that has the token. */
export const enterByPasskey = (services: PasskeyServices & { readonly cookies: CookieSessions }) =>
  defineRoute({
    operation: 'users.sessions.passkey',
    method: 'POST',
    path: '/api/v1/users/sessions/passkey',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Signs you in with a passkey alone.',
    body: answeredSchema.extend({ cookie: cookieSchema }),
    response: sessionSchema.extend({ user: userSchema }),
    status: 201,
    errors: ['passkey_refused', 'passkeys_unavailable', 'csrf_refused'],
    handle: async ({ body, request }) => {
      const { accounts, cookies } = services;
      if (body.cookie) cookies.requireOwnPage(request);
      const page = pageOf(request, services);
      const entered = await accounts.enterByPasskey(body, page, originOf(request));
      const { session, headers } = sessionAnswer(entered, body, { cookies, request });
      return withHeaders({ ...session, user: userToJson(entered.account) }, headers);
    },
  });
