import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { addressGroup } from '../../../kernel/network-address.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { defineRoute, withHeaders } from '../define-route.ts';
import { toIsoTime } from '../schemas.ts';
import { originOf } from './origin.ts';
import {
  cookieSchema,
  emailSchema,
  passwordSchema,
  sentCodeSchema,
  sessionSchema,
  userSchema,
  userToJson,
} from './schemas.ts';
import { sessionAnswer } from './session-answer.ts';

/** Sends a code that opens the account of a mail address; with a password, signs in at once. */
export const logIn = ({ accounts, cookies }: { accounts: AccountService; cookies: CookieSessions }) =>
  defineRoute({
    operation: 'users.login',
    method: 'POST',
    path: '/api/v1/users/login',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Sends a code that signs you in (202), or with `password` signs you in at once (201). The answer is the same for an address that has no account.',
    body: z.strictObject({ email: emailSchema, password: passwordSchema.optional(), cookie: cookieSchema }),
    response: z.union([sentCodeSchema, sessionSchema.extend({ user: userSchema })]),
    status: 202,
    statusOf: (answer) => ('codeId' in answer ? 202 : 201),
    errors: ['mail_not_set_up', 'passwords_off', 'password_wrong', 'unavailable', 'csrf_refused'],
    handle: async ({ body, request }) => {
      const asked = { address: body.email, client: addressGroup(request.remoteAddress) };
      if (body.password === undefined) {
        const { codeId, expiresAtMs } = await accounts.requestCode(asked);
        return { codeId, expiresAt: toIsoTime(expiresAtMs) };
      }
      if (body.cookie) cookies.requireOwnPage(request);
      const entered = await accounts.enterWithPassword(asked, body.password, originOf(request));
      const { session, headers } = sessionAnswer(entered, body, { cookies, request });
      return withHeaders({ ...session, user: userToJson(entered.account) }, headers);
    },
  });
