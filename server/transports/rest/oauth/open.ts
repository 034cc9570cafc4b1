import type { AccountService } from '../../../domains/accounts/index.ts';
import { addressGroup } from '../../../kernel/network-address.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRawRoute } from '../define-route.ts';
import { answerForm, clientNameIn, FORM_BYTES_MAX, OAuthError, oauthErrorSchema, readForm } from './forms.ts';
import { PAGE_PATH } from './page.ts';

/** What a program asks for that wants refresh tokens (OpenID Connect Core section 11). */
const REFRESH_SCOPE = 'offline_access';

/** A program without a browser asks to be let in (RFC 8628 section 3.1). */
export const openProgram = ({
  accounts,
  pageOrigin,
}: {
  accounts: AccountService;
  pageOrigin: (host: string | undefined) => string;
}) =>
  defineRawRoute({
    operation: 'oauth.deviceAuthorization',
    method: 'POST',
    path: '/api/v1/oauth/device_authorization',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Gives a program without a browser a code to show (RFC 8628); forms and errors are those of OAuth.',
    response: 'application/json',
    status: 200,
    errors: ['invalid_input'],
    errorBody: oauthErrorSchema,
    bodyType: 'application/x-www-form-urlencoded',
    bodyBytesMax: FORM_BYTES_MAX,
    handle: ({ request }) =>
      answerForm(async () => {
        const form = readForm(request);
        const name = clientNameIn(form);
        const scope = form.get('scope');
        if (scope !== undefined && scope !== REFRESH_SCOPE) {
          throw new OAuthError('invalid_scope', `The only scope here is ${REFRESH_SCOPE}.`);
        }
        const client = addressGroup(request.remoteAddress);
        const opened = await accounts.openProgram({ name, client, wantsRefresh: scope !== undefined });
        const page = `${pageOrigin(request.header('host'))}${PAGE_PATH}`;
        return {
          device_code: opened.deviceCode,
          user_code: opened.userCode,
          verification_uri: page,
          verification_uri_complete: `${page}?user_code=${opened.userCode}`,
          expires_in: opened.lifeSeconds,
          interval: opened.intervalSeconds,
        };
      }),
  });
