import type { AccountService, CollectOutcome } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRawRoute } from '../define-route.ts';
import { originOf } from '../users/origin.ts';
import { answerForm, clientNameIn, FORM_BYTES_MAX, OAuthError, oauthErrorSchema, readForm } from './forms.ts';

const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Why a program gets no token yet, or none at all (RFC 8628 section 3.5). */
const REFUSALS: Readonly<Record<Exclude<CollectOutcome['kind'], 'token'>, () => OAuthError>> = {
  pending: () => new OAuthError('authorization_pending', 'Nobody has let the program in yet.'),
  slow_down: () => new OAuthError('slow_down', 'Wait 5 seconds longer before you ask again.'),
  denied: () => new OAuthError('access_denied', 'The program was sent away.'),
  expired: () => new OAuthError('expired_token', 'The code is too old. Ask for another.'),
  unknown: () => new OAuthError('invalid_grant', 'The code is wrong or was used.'),
};

/** A program comes for its token (RFC 8628 section 3.4). */
export const collectToken = ({ accounts }: { accounts: AccountService }) =>
  defineRawRoute({
    operation: 'oauth.token',
    method: 'POST',
    path: '/api/v1/oauth/token',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Gives a program that was let in its token, once (RFC 8628); forms and errors are those of OAuth.',
    response: 'application/json',
    status: 200,
    errors: ['invalid_input'],
    errorBody: oauthErrorSchema,
    bodyBytesMax: FORM_BYTES_MAX,
    handle: ({ request }) =>
      answerForm(async () => {
        const form = readForm(request);
        const grant = form.get('grant_type');
        if (grant === undefined) throw new OAuthError('invalid_request', 'grant_type is missing.');
        if (grant !== DEVICE_CODE_GRANT) {
          throw new OAuthError('unsupported_grant_type', `The only grant here is ${DEVICE_CODE_GRANT}.`);
        }
        const deviceCode = form.get('device_code');
        if (deviceCode === undefined) throw new OAuthError('invalid_request', 'device_code is missing.');
        const asked = { deviceCode, name: clientNameIn(form) };
        const outcome = await accounts.collectProgram(asked, originOf(request));
        if (outcome.kind !== 'token') throw REFUSALS[outcome.kind]();
        return { access_token: outcome.secret, token_type: 'Bearer' };
      }),
  });
