import type { AccountService } from '../../../domains/accounts/index.ts';
import { addressGroup } from '../../../kernel/network-address.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { CookieSessions } from '../../pipeline/cookie-sessions.ts';
import { defineRawRoute } from '../define-route.ts';

/** Sends the browser to a provider of OpenID Connect. */
export const beginExternalSignIn = ({
  accounts,
  cookies,
}: {
  accounts: AccountService;
  cookies: CookieSessions;
}) =>
  defineRawRoute({
    operation: 'users.oidc.begin',
    method: 'GET',
    path: '/api/v1/users/oidc/:provider',
    access: 'public',
    cost: COSTS.write,
    audit: 'access',
    summary: 'Sends your browser to a provider of OpenID Connect that you sign in with.',
    response: 'text/plain',
    status: 302,
    errors: ['identity_provider_unknown', 'identity_provider_unreachable'],
    handle: async ({ request }) => {
      const { provider = '' } = request.params;
      const begun = await accounts.beginExternal(provider, addressGroup(request.remoteAddress));
      const headers = cookies.pendingHeaders(request, begun.browserSecret, begun.expiresAtMs);
      return { status: 302, headers: { ...headers, location: begun.url }, body: '' };
    },
  });
