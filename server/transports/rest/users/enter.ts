import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { defineRoute, withHeaders } from '../define-route.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';
import { originOf } from './origin.ts';
import { csrfTokenSchema, mailCodeSchema, userSchema, userToJson } from './schemas.ts';

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
    body: z.strictObject({
      codeId: idSchema,
      code: mailCodeSchema,
      cookie: z
        .boolean()
        .default(false)
        .describe('For pages of the server: the token is kept in a cookie that no script reads.'),
    }),
    response: z.object({
      user: userSchema,
      isNew: z.boolean().describe('The account was made just now.'),
      token: z.string().nullable().describe('The credential, shown this once; null: it is in a cookie.'),
      csrfToken: csrfTokenSchema,
      expiresAt: timeSchema.describe('When the token ends by itself.'),
    }),
    status: 201,
    errors: ['sign_in_code_wrong', 'csrf_refused'],
    handle: async ({ body, request }) => {
      if (body.cookie) cookies.requireOwnPage(request);
      const { account, isNew, token, secret } = await accounts.enter(
        body.codeId,
        body.code,
        originOf(request),
      );
      const expiresAtMs = token.expiresAtMs ?? 0;
      const answer = { user: userToJson(account), isNew, expiresAt: toIsoTime(expiresAtMs) };
      if (!body.cookie) return { ...answer, token: secret, csrfToken: null };
      const { csrfToken, headers } = cookies.begin(secret, expiresAtMs);
      return withHeaders({ ...answer, token: null, csrfToken }, headers);
    },
  });
