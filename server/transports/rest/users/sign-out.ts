import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { defineRoute, withHeaders } from '../define-route.ts';

/** Ends the sign-in that the request came with. */
export const signOut = ({ accounts, cookies }: { accounts: AccountService; cookies: CookieSessions }) =>
  defineRoute({
    operation: 'users.logout',
    method: 'POST',
    path: '/api/v1/users/logout',
    access: 'account.prove',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Signs you out: the token in use ends, and what was opened with it.',
    response: z.object({
      signedOut: z
        .boolean()
        .describe('False: the token is not one of a sign-in, and stays until you revoke it.'),
    }),
    status: 200,
    errors: [],
    handle: async ({ actor, request }) =>
      withHeaders({ signedOut: await accounts.signOut(actor) }, cookies.endHeaders(request)),
  });
