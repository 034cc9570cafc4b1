import type { AccountService, CollectOutcome, TokenPair } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpRequest } from '../../../platform/http/types.ts';
import { defineRawRoute } from '../define-route.ts';
import { originOf } from '../users/origin.ts';
import { answerForm, clientNameIn, FORM_BYTES_MAX, OAuthError, oauthErrorSchema, readForm } from './forms.ts';

const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Why a program gets no token yet, or none at all (RFC 8628 section 3.5). */
const REFUSALS: Readonly<Record<Exclude<CollectOutcome['kind'], 'token'>, () => OAuthError>> = {
  pending: () => new OAuthError('authorization_pending', 'Nobody has let the program in yet.'),
  slow_down: () => new OAuthError('slow_down', 'Wait 5 seconds longer before you ask again.'),
  denied: () => new OAuthError('access_denied', 'The program was sent away.'),
  expired: () => new OAuthError('expired_token', 'The code is too old. Ask for another.'),
  unknown: () => new OAuthError('invalid_grant', 'The code is wrong or was used.'),
};

/** A pair of tokens as OAuth answers it (RFC 6749 section 5.1). */
const pairAnswer = ({ accessToken, refreshToken, lifeSeconds }: TokenPair) => ({
  access_token: accessToken,
  token_type: 'Bearer',
  expires_in: lifeSeconds,
  refresh_token: refreshToken,
});

const required = (form: ReadonlyMap<string, string>, name: string): string => {
  const value = form.get(name);
  if (value === undefined) throw new OAuthError('invalid_request', `${name} is missing.`);
  return value;
};

/** Trades the token of a sign-in for a pair. */
async function exchange(accounts: AccountService, secret: string) {
  const pair = await accounts.exchangeToken(secret);
  if (pair === null) throw new OAuthError('invalid_grant', 'It is no token of a complete sign-in.');
  return pairAnswer(pair);
}

type Grant = (
  form: ReadonlyMap<string, string>,
  request: HttpRequest,
  accounts: AccountService,
) => Promise<object>;

/** How each grant is answered. */
const GRANTS: Readonly<Record<string, Grant>> = {
  /** A program that was let in comes for its token (RFC 8628 section 3.4). */
  async [DEVICE_CODE_GRANT](form, request, accounts) {
    const deviceCode = required(form, 'device_code');
    const asked = { deviceCode, name: clientNameIn(form) };
    const outcome = await accounts.collectProgram(asked, originOf(request));
    if (outcome.kind !== 'token') throw REFUSALS[outcome.kind]();
    if (outcome.wantsRefresh) return exchange(accounts, outcome.secret);
    return { access_token: outcome.secret, token_type: 'Bearer' };
  },

  /** RFC 6749 section 6; each refresh token is good once. */
  async refresh_token(form, _, accounts) {
    const outcome = await accounts.refresh(required(form, 'refresh_token'));
    if (outcome?.kind !== 'pair') {
      throw new OAuthError(
        'invalid_grant',
        'The refresh token is wrong, was used, or its sign-in has ended.',
      );
    }
    return pairAnswer(outcome);
  },

  /** Who has signed in trades the token of that for a pair (RFC 8693 section 2.1). */
  async [EXCHANGE_GRANT](form, _, accounts) {
    if (required(form, 'subject_token_type') !== ACCESS_TOKEN_TYPE) {
      throw new OAuthError('invalid_request', `subject_token_type must be ${ACCESS_TOKEN_TYPE}.`);
    }
    const answer = await exchange(accounts, required(form, 'subject_token'));
    return { ...answer, issued_token_type: ACCESS_TOKEN_TYPE };
  },
};

/** Where programs get their tokens (RFC 6749 section 3.2). */
export const collectToken = ({ accounts }: { accounts: AccountService }) =>
  defineRawRoute({
    operation: 'oauth.token',
    method: 'POST',
    path: '/api/v1/oauth/token',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Gives a program that was let in its token, once (RFC 8628), trades the token of a sign-in for a short one and a refresh token (RFC 8693), ' +
      'and a refresh token for the next ones; forms and errors are those of OAuth.',
    response: 'application/json',
    status: 200,
    errors: ['invalid_input'],
    errorBody: oauthErrorSchema,
    bodyType: 'application/x-www-form-urlencoded',
    bodyBytesMax: FORM_BYTES_MAX,
    handle: ({ request }) =>
      answerForm(async () => {
        const form = readForm(request);
        const name = required(form, 'grant_type');
        const grant = Object.hasOwn(GRANTS, name) ? GRANTS[name] : undefined;
        if (grant === undefined) {
          throw new OAuthError(
            'unsupported_grant_type',
            `The grants here are ${Object.keys(GRANTS).join(', ')}.`,
          );
        }
        return grant(form, request, accounts);
      }),
  });
