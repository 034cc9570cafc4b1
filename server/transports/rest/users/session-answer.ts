import type { NewToken } from '../../../domains/accounts/index.ts';
import type { HttpRequest } from '../../../platform/http/types.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { toIsoTimeOrNull } from '../schemas.ts';

/** A sign-in as it is answered: with its token, or with the cookie that has it and what the page sends with that. */
export function sessionAnswer(
  { token: { kind, expiresAtMs }, secret }: NewToken,
  wanted: { readonly cookie: boolean },
  { cookies, request }: { readonly cookies: CookieSessions; readonly request: HttpRequest },
) {
  const needsPasskey = kind === 'partial';
  const expiresAt = toIsoTimeOrNull(expiresAtMs);
  if (!wanted.cookie || expiresAtMs === null) {
    return { session: { token: secret, csrfToken: null, needsPasskey, expiresAt }, headers: {} };
  }
  const { csrfToken, headers } = cookies.begin(request, secret, expiresAtMs);
  return { session: { token: null, csrfToken, needsPasskey, expiresAt }, headers };
}
