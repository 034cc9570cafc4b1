import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpRequest, HttpResponse } from '../../../platform/http/types.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { defineRawRoute } from '../define-route.ts';
import { originOf } from '../users/origin.ts';

interface Services {
  readonly accounts: AccountService;
  readonly cookies: CookieSessions;
}

/** An authorization code, a state and what else a provider sends: far above what any does. */
const ANSWER_BYTES_MAX = 16_384;

const common = {
  path: '/api/v1/users/oidc/:provider/callback',
  access: 'public',
  cost: COSTS.write,
  audit: 'change',
  response: 'text/plain',
  status: 303,
  errors: [
    'identity_provider_unknown',
    'identity_provider_unreachable',
    'identity_refused',
    'identity_unverified',
    'sign_up_closed',
  ],
} as const;

/** Signs in with a provider's answer, and keeps the sign-in in a cookie. */
export const finishExternalSignIn = (services: Services) =>
  defineRawRoute({
    ...common,
    operation: 'users.oidc.finish',
    method: 'GET',
    summary: 'Where a provider of OpenID Connect sends your browser back: signs you in with a cookie.',
    handle: ({ request }) => finish(request, request.query, services),
  });

/** The same for providers that send their answer in a form. */
export const finishPostedSignIn = (services: Services) =>
  defineRawRoute({
    ...common,
    operation: 'users.oidc.finishPosted',
    method: 'POST',
    summary: 'The same for providers that send their answer in a form, as Apple does.',
    bodyType: 'application/x-www-form-urlencoded',
    bodyBytesMax: ANSWER_BYTES_MAX,
    handle: ({ request }) => {
      const form = new TextDecoder().decode(request.body);
      return finish(request, new URLSearchParams(form), services);
    },
  });

async function finish(
  request: HttpRequest,
  answer: URLSearchParams,
  { accounts, cookies }: Services,
): Promise<HttpResponse> {
  const { provider = '' } = request.params;
  const { token, secret } = await accounts.finishExternal(
    provider,
    answer,
    cookies.pendingOf(request),
    originOf(request),
  );
  const { headers } = cookies.begin(request, secret, token.expiresAtMs ?? 0);
  return { status: 303, headers: { ...headers, location: '/' }, body: '' };
}
