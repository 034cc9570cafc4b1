import { COSTS } from '../../../kernel/operation.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { defineRoute, withHeaders } from '../define-route.ts';
import { originOf } from '../users/origin.ts';
import { cookieSchema, sessionSchema, userSchema, userToJson } from '../users/schemas.ts';
import { sessionAnswer } from '../users/session-answer.ts';
import { answeredSchema } from './schemas.ts';
import { type PasskeyServices, pageOf } from './services.ts';

/** Completes a sign-in that waits for a passkey; the only answer that has its token. */
export const completeSignIn = (services: PasskeyServices & { readonly cookies: CookieSessions }) =>
  defineRoute({
    operation: 'users.sessions.complete',
    method: 'POST',
    path: '/api/v1/users/sessions/complete',
    access: 'account.prove',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Completes your sign-in with a passkey, where it waits for one. There is a new token; the one in use ends.',
    body: answeredSchema.extend({ cookie: cookieSchema }),
    response: sessionSchema.extend({ user: userSchema }),
    status: 201,
    errors: ['passkey_refused', 'passkeys_unavailable', 'conflict', 'csrf_refused'],
    handle: async ({ actor, body, request }) => {
      const { accounts, cookies } = services;
      if (body.cookie) cookies.requireOwnPage(request);
      const page = pageOf(request, services);
      const entered = await accounts.completeSignIn(actor, body, page, originOf(request));
      const { session, headers } = sessionAnswer(entered, body, { cookies, request });
      return withHeaders({ ...session, user: userToJson(entered.account) }, headers);
    },
  });
