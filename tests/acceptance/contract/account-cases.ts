import { type RestCase, UNKNOWN_ID, unknownQuery, wrongMethod } from './rest-case.ts';

/** The server of these cases is asked by its address, which no passkey is for. */
const noName = { status: 403, code: 'passkeys_unavailable' } as const;

const credential = { id: 'AAAA', rawId: 'AAAA', type: 'public-key', clientExtensionResults: {} };
const USED = {
  challengeId: UNKNOWN_ID,
  answer: { ...credential, response: { clientDataJSON: 'AA', authenticatorData: 'AA', signature: 'AA' } },
};
const CREATED = {
  challengeId: UNKNOWN_ID,
  name: 'Phone',
  answer: { ...credential, response: { clientDataJSON: 'AA', attestationObject: 'AA' } },
};

/** Users, tenants, invitations, members: by operation. */
export const ACCOUNT_CASES: Readonly<Record<string, RestCase>> = {
  'users.setUp': {
    valid: () => ({ path: '/api/v1/setup', body: { code: 'x', name: 'x' } }),
    refused: () => ({ path: '/api/v1/setup', body: { code: 'wrong', name: 'Mallory' } }),
    status: 403,
    code: 'setup_code_wrong',
  },
  'users.create': {
    valid: () => ({ path: '/api/v1/users', body: { name: 'Carol' } }),
    refused: () => ({ path: '/api/v1/users', body: { name: '' } }),
    status: 400,
    code: 'invalid_input',
  },
  'users.register': {
    valid: () => ({ path: '/api/v1/users/register', body: { email: 'ann@example.org', name: 'Ann' } }),
    refused: () => ({ path: '/api/v1/users/register', body: { email: 'ann@example.org', name: 'Ann' } }),
    status: 403,
    code: 'sign_up_closed',
  },
  'users.login': {
    valid: () => ({ path: '/api/v1/users/login', body: { email: 'ann@example.org' } }),
    refused: () => ({ path: '/api/v1/users/login', body: { email: 'ann' } }),
    status: 400,
    code: 'invalid_input',
  },
  'users.sessions.create': {
    valid: () => ({ path: '/api/v1/users/sessions', body: { codeId: UNKNOWN_ID, code: '12345678' } }),
    refused: () => ({ path: '/api/v1/users/sessions', body: { codeId: UNKNOWN_ID, code: '12345678' } }),
    status: 403,
    code: 'sign_in_code_wrong',
  },
  'users.oidc.list': {
    valid: () => ({ path: '/api/v1/users/oidc' }),
    refused: () => ({ path: '/api/v1/users/oidc?verbose=1' }),
    ...unknownQuery,
  },
  'users.oidc.begin': {
    valid: () => ({ path: '/api/v1/users/oidc/nobody' }),
    refused: () => ({ path: '/api/v1/users/oidc/nobody' }),
    status: 404,
    code: 'identity_provider_unknown',
  },
  'users.oidc.finish': {
    valid: () => ({ path: '/api/v1/users/oidc/nobody/callback?state=x&code=x' }),
    refused: () => ({ path: '/api/v1/users/oidc/nobody/callback?state=x&code=x' }),
    status: 404,
    code: 'identity_provider_unknown',
  },
  'users.oidc.finishPosted': {
    valid: () => ({ path: '/api/v1/users/oidc/nobody/callback' }),
    refused: () => ({ path: '/api/v1/users/oidc/nobody/callback' }),
    status: 404,
    code: 'identity_provider_unknown',
  },
  'users.sessions.get': {
    valid: () => ({ path: '/api/v1/users/sessions/current' }),
    refused: () => ({ path: '/api/v1/users/sessions/current?verbose=1' }),
    ...unknownQuery,
  },
  'users.sessions.keep': {
    valid: () => ({ path: '/api/v1/users/sessions/cookie' }),
    refused: () => ({ path: '/api/v1/users/sessions/cookie' }),
    status: 403,
    code: 'csrf_refused',
  },
  'users.logout': {
    valid: () => ({ path: '/api/v1/users/logout' }),
    refused: () => ({ path: '/api/v1/users/logout?everywhere=1' }),
    ...unknownQuery,
  },
  'users.renameSelf': {
    valid: () => ({ path: '/api/v1/users/me', body: { name: 'Carol' } }),
    refused: () => ({ path: '/api/v1/users/me', body: { name: '' } }),
    status: 400,
    code: 'invalid_input',
  },
  'users.email.change': {
    valid: () => ({ path: '/api/v1/users/me/email', body: { email: 'ann@example.org' } }),
    refused: () => ({ path: '/api/v1/users/me/email', body: { email: 'ann@example.org' } }),
    status: 403,
    code: 'mail_not_set_up',
  },
  'users.email.confirm': {
    valid: () => ({
      path: '/api/v1/users/me/email/confirm',
      body: { changeId: UNKNOWN_ID, newCode: '12345678' },
    }),
    refused: () => ({
      path: '/api/v1/users/me/email/confirm',
      body: { changeId: UNKNOWN_ID, newCode: '12345678', currentCode: '12345678' },
    }),
    status: 403,
    code: 'sign_in_code_wrong',
  },
  'users.passkeys.beginSignIn': {
    valid: () => ({ path: '/api/v1/users/login/passkey' }),
    refused: () => ({ path: '/api/v1/users/login/passkey' }),
    ...noName,
  },
  'users.sessions.passkey': {
    valid: () => ({ path: '/api/v1/users/sessions/passkey', body: USED }),
    refused: () => ({ path: '/api/v1/users/sessions/passkey', body: USED }),
    ...noName,
  },
  'users.proof.begin': {
    valid: () => ({ path: '/api/v1/users/me/proof/passkey' }),
    refused: () => ({ path: '/api/v1/users/me/proof/passkey' }),
    status: 409,
    code: 'passkey_needed',
  },
  'users.proof.sendCode': {
    valid: () => ({ path: '/api/v1/users/me/proof/code' }),
    refused: () => ({ path: '/api/v1/users/me/proof/code' }),
    status: 403,
    code: 'step_up_required',
  },
  'users.proof.create': {
    valid: () => ({ path: '/api/v1/users/me/proof', body: { recoveryCode: 'BCDF-GHJK-LMNP-QRST-VWXZ' } }),
    refused: () => ({ path: '/api/v1/users/me/proof', body: { recoveryCode: 'BCDF-GHJK-LMNP-QRST-VWXZ' } }),
    status: 403,
    code: 'step_up_required',
  },
  'users.sessions.complete': {
    valid: () => ({ path: '/api/v1/users/sessions/complete', body: USED }),
    refused: () => ({ path: '/api/v1/users/sessions/complete', body: USED }),
    status: 409,
    code: 'conflict',
  },
  'users.passkeys.begin': {
    valid: () => ({ path: '/api/v1/users/me/passkeys/options' }),
    refused: () => ({ path: '/api/v1/users/me/passkeys/options' }),
    ...noName,
  },
  'users.passkeys.create': {
    valid: () => ({ path: '/api/v1/users/me/passkeys', body: CREATED }),
    refused: () => ({ path: '/api/v1/users/me/passkeys', body: CREATED }),
    ...noName,
  },
  'users.passkeys.list': {
    valid: () => ({ path: '/api/v1/users/me/passkeys' }),
    refused: () => ({ path: '/api/v1/users/me/passkeys?after=first' }),
    ...unknownQuery,
  },
  'users.passkeys.rename': {
    valid: () => ({ path: `/api/v1/users/me/passkeys/${UNKNOWN_ID}`, body: { name: 'Phone' } }),
    refused: () => ({ path: `/api/v1/users/me/passkeys/${UNKNOWN_ID}`, body: { name: 'Phone' } }),
    status: 404,
    code: 'passkey_not_found',
  },
  'users.passkeys.remove': {
    valid: () => ({ path: `/api/v1/users/me/passkeys/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/users/me/passkeys/${UNKNOWN_ID}` }),
    status: 404,
    code: 'passkey_not_found',
  },
  'users.secondFactor.get': {
    valid: () => ({ path: '/api/v1/users/me/second-factor' }),
    refused: () => ({ path: '/api/v1/users/me/second-factor?verbose=1' }),
    ...unknownQuery,
  },
  'users.secondFactor.set': {
    valid: () => ({ path: '/api/v1/users/me/second-factor', body: { isRequired: true } }),
    refused: () => ({ path: '/api/v1/users/me/second-factor', body: { isRequired: true } }),
    status: 409,
    code: 'passkey_needed',
  },
  'users.identities.list': {
    valid: () => ({ path: '/api/v1/users/me/identities' }),
    refused: () => ({ path: '/api/v1/users/me/identities?after=first' }),
    ...unknownQuery,
  },
  'users.identities.remove': {
    valid: () => ({ path: `/api/v1/users/me/identities/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/users/me/identities/${UNKNOWN_ID}` }),
    status: 404,
    code: 'identity_not_found',
  },
  'users.deleteSelf': {
    valid: () => ({ path: '/api/v1/users/me' }),
    refused: () => ({ path: '/api/v1/users/me?givesUpBalance=perhaps' }),
    ...unknownQuery,
  },
  'users.exportSelf': {
    valid: () => ({ path: '/api/v1/users/me/export' }),
    refused: () => ({ path: '/api/v1/users/me/export?as=text' }),
    ...unknownQuery,
  },
  'users.deletion.get': {
    valid: () => ({ path: '/api/v1/users/me/deletion' }),
    refused: () => ({ path: '/api/v1/users/me/deletion?verbose=1' }),
    ...unknownQuery,
  },
  'users.restoreSelf': {
    valid: () => ({ path: '/api/v1/users/me/restore' }),
    refused: () => ({ path: '/api/v1/users/me/restore?at=once' }),
    ...unknownQuery,
  },
  'oauth.deviceAuthorization': {
    valid: () => ({ path: '/api/v1/oauth/device_authorization' }),
    refused: () => ({ path: '/api/v1/oauth/device_authorization', body: { client_id: 'x'.repeat(10_000) } }),
    status: 413,
    code: 'too_large',
  },
  'oauth.token': {
    valid: () => ({ path: '/api/v1/oauth/token' }),
    refused: () => ({ path: '/api/v1/oauth/token', body: { client_id: 'x'.repeat(10_000) } }),
    status: 413,
    code: 'too_large',
  },
  'oauth.requests.find': {
    valid: () => ({ path: '/api/v1/oauth/requests/find', body: { userCode: 'BCDF-GHJK' } }),
    refused: () => ({ path: '/api/v1/oauth/requests/find', body: { userCode: 'BCDF-GHJK' } }),
    status: 403,
    code: 'user_code_wrong',
  },
  'oauth.requests.decide': {
    valid: () => ({ path: '/api/v1/oauth/requests/decide', body: { userCode: 'BCDF-GHJK', allow: true } }),
    refused: () => ({ path: '/api/v1/oauth/requests/decide', body: { userCode: 'BCDF-GHJK', allow: true } }),
    status: 403,
    code: 'user_code_wrong',
  },
  'oauth.keys': {
    valid: () => ({ path: '/.well-known/jwks.json' }),
    refused: () => ({ method: 'POST', path: '/.well-known/jwks.json' }),
    ...wrongMethod,
  },
  'oauth.page': {
    valid: () => ({ path: '/device' }),
    refused: () => ({ method: 'POST', path: '/device' }),
    ...wrongMethod,
  },
  'users.password.get': {
    valid: () => ({ path: '/api/v1/users/me/password' }),
    refused: () => ({ path: '/api/v1/users/me/password?verbose=1' }),
    ...unknownQuery,
  },
  'users.password.set': {
    valid: () => ({ path: '/api/v1/users/me/password', body: { password: 'long enough to be one' } }),
    refused: () => ({ path: '/api/v1/users/me/password', body: { password: 'short' } }),
    status: 400,
    code: 'invalid_input',
  },
  'users.password.remove': {
    valid: () => ({ path: '/api/v1/users/me/password' }),
    refused: () => ({ path: '/api/v1/users/me/password?all=1' }),
    ...unknownQuery,
  },
  'users.recoveryCodes.count': {
    valid: () => ({ path: '/api/v1/users/me/recovery-codes' }),
    refused: () => ({ path: '/api/v1/users/me/recovery-codes?verbose=1' }),
    ...unknownQuery,
  },
  'users.recoveryCodes.create': {
    valid: () => ({ path: '/api/v1/users/me/recovery-codes' }),
    refused: () => ({ path: '/api/v1/users/me/recovery-codes?count=100' }),
    ...unknownQuery,
  },
  'users.recover': {
    valid: () => ({ path: '/api/v1/users/recover', body: { code: 'BCDF-GHJK-LMNP-QRST-VWXZ' } }),
    refused: () => ({ path: '/api/v1/users/recover', body: { code: 'BCDF-GHJK-LMNP-QRST-VWXZ' } }),
    status: 403,
    code: 'sign_in_code_wrong',
  },
  'users.list': {
    valid: () => ({ path: '/api/v1/users' }),
    refused: () => ({ path: '/api/v1/users?limit=0' }),
    ...unknownQuery,
  },
  'users.getSelf': {
    valid: () => ({ path: '/api/v1/users/me' }),
    refused: () => ({ path: '/api/v1/users/me?verbose=1' }),
    ...unknownQuery,
  },
  'users.tokens.list': {
    valid: () => ({ path: '/api/v1/users/me/tokens' }),
    refused: () => ({ path: '/api/v1/users/me/tokens?after=first' }),
    ...unknownQuery,
  },
  'users.tokens.create': {
    valid: () => ({ path: '/api/v1/users/me/tokens', body: { name: 'Laptop' } }),
    refused: () => ({ path: '/api/v1/users/me/tokens', body: { name: ' ' } }),
    status: 400,
    code: 'invalid_input',
  },
  'users.tokens.revoke': {
    valid: () => ({ path: `/api/v1/users/me/tokens/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/users/me/tokens/${UNKNOWN_ID}` }),
    status: 404,
    code: 'token_not_found',
  },
  'users.apiKeys.list': {
    valid: () => ({ path: '/api/v1/users/me/api-keys' }),
    refused: () => ({ path: '/api/v1/users/me/api-keys?after=first' }),
    ...unknownQuery,
  },
  'users.apiKeys.create': {
    valid: () => ({ path: '/api/v1/users/me/api-keys', body: { name: 'Laptop' } }),
    refused: () => ({ path: '/api/v1/users/me/api-keys', body: { name: 'Laptop', operations: ['openai'] } }),
    status: 400,
    code: 'invalid_input',
  },
  'users.apiKeys.revoke': {
    valid: () => ({ path: `/api/v1/users/me/api-keys/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/users/me/api-keys/${UNKNOWN_ID}` }),
    status: 404,
    code: 'token_not_found',
  },
  'tenants.list': {
    valid: () => ({ path: '/api/v1/tenants' }),
    refused: () => ({ path: '/api/v1/tenants?limit=0' }),
    ...unknownQuery,
  },
  'tenants.create': {
    valid: () => ({ path: '/api/v1/tenants', body: { name: 'Firm' } }),
    refused: () => ({ path: '/api/v1/tenants', body: { name: '' } }),
    status: 400,
    code: 'invalid_input',
  },
  'tenants.rename': {
    valid: () => ({ path: `/api/v1/tenants/${UNKNOWN_ID}`, body: { name: 'Firm' } }),
    refused: () => ({ path: `/api/v1/tenants/${UNKNOWN_ID}`, body: { name: 'Firm' } }),
    status: 404,
    code: 'tenant_not_found',
  },
  'tenants.handOver': {
    valid: ({ bob }) => ({ path: `/api/v1/tenants/${UNKNOWN_ID}/owner`, body: { userId: bob.userId } }),
    refused: ({ bob }) => ({ path: `/api/v1/tenants/${UNKNOWN_ID}/owner`, body: { userId: bob.userId } }),
    status: 404,
    code: 'tenant_not_found',
  },
  'invitations.list': {
    valid: () => ({ path: '/api/v1/invitations' }),
    refused: () => ({ path: '/api/v1/invitations?role=owner' }),
    ...unknownQuery,
  },
  'invitations.create': {
    valid: () => ({ path: '/api/v1/invitations', body: { role: 'member' } }),
    refused: ({ bob }) => ({
      path: '/api/v1/invitations',
      body: { role: 'member', networkIds: [bob.network.id] },
    }),
    status: 404,
    code: 'network_not_found',
  },
  'invitations.withdraw': {
    valid: () => ({ path: `/api/v1/invitations/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/invitations/${UNKNOWN_ID}` }),
    status: 404,
    code: 'invitation_not_found',
  },
  'invitations.redeem': {
    valid: () => ({ path: '/api/v1/invitations/redeem', body: { token: 'ygi_nobody' } }),
    refused: () => ({ path: '/api/v1/invitations/redeem', body: { token: 'ygi_nobody' } }),
    status: 403,
    code: 'invitation_wrong',
  },
  'members.list': {
    valid: () => ({ path: '/api/v1/members' }),
    refused: () => ({ path: '/api/v1/members?role=owner' }),
    ...unknownQuery,
  },
  'members.add': {
    valid: ({ bob }) => ({ path: '/api/v1/members', body: { userId: bob.userId, role: 'member' } }),
    refused: () => ({ path: '/api/v1/members', body: { userId: UNKNOWN_ID, role: 'member' } }),
    status: 404,
    code: 'user_not_found',
  },
  'members.get': {
    valid: ({ alice }) => ({ path: `/api/v1/members/${alice.userId}` }),
    refused: ({ bob }) => ({ path: `/api/v1/members/${bob.userId}` }),
    status: 404,
    code: 'member_not_found',
  },
  'members.update': {
    valid: ({ alice }) => ({ path: `/api/v1/members/${alice.userId}`, body: { role: 'owner' } }),
    refused: ({ alice }) => ({ path: `/api/v1/members/${alice.userId}`, body: { role: 'member' } }),
    status: 409,
    code: 'last_owner',
  },
  'members.remove': {
    valid: ({ alice }) => ({ path: `/api/v1/members/${alice.userId}` }),
    refused: ({ bob }) => ({ path: `/api/v1/members/${bob.userId}` }),
    status: 404,
    code: 'member_not_found',
  },
};
