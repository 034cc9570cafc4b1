import { z } from 'zod';
import { COSTS } from '../../../kernel/operation.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { defineRoute } from '../define-route.ts';
import { csrfTokenSchema, needsPasskeySchema } from './schemas.ts';

/** What a page asks that was loaded anew: with what it is signed in. */
export const getSession = ({ cookies }: { cookies: CookieSessions }) =>
  defineRoute({
    operation: 'users.sessions.get',
    method: 'GET',
    path: '/api/v1/users/sessions/current',
    access: 'account.prove',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Whether you are signed in by a cookie, and the token that goes with it.',
    response: z.object({ csrfToken: csrfTokenSchema, needsPasskey: needsPasskeySchema }),
    status: 200,
    errors: [],
    handle: async ({ actor, request }) => ({
      csrfToken: cookies.csrfTokenOf(request),
      needsPasskey: actor.isPartial === true,
    }),
  });
