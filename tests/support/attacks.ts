/** Something of a victim's that an attacker names. */
export interface Target {
  readonly tenantId: string;
  readonly networkId: string;
  readonly deviceId: string;
  readonly userId: string;
  /** A token of the user. */
  readonly tokenId: string;
  readonly invitationId: string;
  readonly transactionId: string;
  /** Positions in the victim's lists, by list. */
  readonly cursors: Readonly<Record<string, string>>;
  /** What the attacker has itself, to be joined with what isn't its own. */
  readonly own: { readonly networkId: string; readonly deviceId: string };
}

/** A request for what isn't the caller's. */
export interface Attack {
  readonly operation: string;
  /** `nothing`: the request names nothing of the victim's that could be told from what doesn't exist. */
  readonly names: 'target' | 'nothing';
  readonly request: (target: Target) => {
    readonly method: string;
    readonly path: string;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  };
}

const UNKNOWN_ID = '00000000-0000-4000-8000-00000000dead';

/** The same with ids that nothing has. */
export const UNKNOWN_TARGET = (target: Target): Target => ({
  ...target,
  tenantId: UNKNOWN_ID,
  networkId: UNKNOWN_ID,
  deviceId: UNKNOWN_ID,
  userId: UNKNOWN_ID,
  tokenId: UNKNOWN_ID,
  invitationId: UNKNOWN_ID,
  transactionId: UNKNOWN_ID,
});

const on = (
  operation: string,
  method: string,
  path: (target: Target) => string,
  body?: (target: Target) => unknown,
  headers?: Readonly<Record<string, string>>,
): Attack => ({
  operation,
  names: 'target',
  request: (target) => ({
    method,
    path: path(target).startsWith('/') ? path(target) : `/api/v1/${path(target)}`,
    ...(body === undefined ? {} : { body: body(target) }),
    ...(headers === undefined ? {} : { headers }),
  }),
});
const blind = (...attack: Parameters<typeof on>): Attack => ({ ...on(...attack), names: 'nothing' });

const list = (operation: string, path: string): Attack[] => [
  blind(operation, 'GET', () => path),
  blind(operation, 'GET', ({ cursors }) => `${path}?limit=200&after=${cursors[path] ?? 'bm9uZQ'}`),
];

const credential = { id: 'AAAA', rawId: 'AAAA', type: 'public-key', clientExtensionResults: {} };
const CREATED_ANSWER = { ...credential, response: { clientDataJSON: 'AA', attestationObject: 'AA' } };
const USED_ANSWER = {
  ...credential,
  response: { clientDataJSON: 'AA', authenticatorData: 'AA', signature: 'AA' },
};

/** What the victim asked under `KEPT_KEY`, word for word: its answer is kept. */
export const KEPT_ORDER = {
  model: 'isolation',
  max_tokens: 20,
  messages: [{ role: 'user', content: 'Hello?' }],
};
/** The key of the victim's kept answer. */
export const KEPT_KEY = 'isolation-kept';

/** A request, or several, for every operation that asks who calls. Those that read come before those that remove. */
export const ATTACKS: readonly Attack[] = [
  blind('users.getSelf', 'GET', () => 'users/me'),
  blind('users.deletion.get', 'GET', () => 'users/me/deletion'),
  blind('users.restoreSelf', 'POST', () => 'users/me/restore'),
  blind(
    'oauth.requests.find',
    'POST',
    () => 'oauth/requests/find',
    () => ({ userCode: 'BCDF-GHJK' }),
  ),
  blind(
    'oauth.requests.decide',
    'POST',
    () => 'oauth/requests/decide',
    () => ({ userCode: 'BCDF-GHJK', allow: true }),
  ),
  blind('users.recoveryCodes.count', 'GET', () => 'users/me/recovery-codes'),
  blind('users.recoveryCodes.create', 'POST', () => 'users/me/recovery-codes'),
  // Refused: the attacker goes on.
  blind('users.deleteSelf', 'DELETE', () => 'users/me?givesUpBalance=perhaps'),
  blind('users.sessions.get', 'GET', () => 'users/sessions/current'),
  blind('users.sessions.keep', 'POST', () => 'users/sessions/cookie'),
  ...list('users.tokens.list', 'users/me/tokens'),
  ...list('users.apiKeys.list', 'users/me/api-keys'),
  ...list('users.identities.list', 'users/me/identities'),
  ...list('users.passkeys.list', 'users/me/passkeys'),
  blind('users.passkeys.begin', 'POST', () => 'users/me/passkeys/options'),
  blind(
    'users.passkeys.create',
    'POST',
    () => 'users/me/passkeys',
    () => ({ challengeId: UNKNOWN_ID, name: 'Phone', answer: CREATED_ANSWER }),
  ),
  on(
    'users.passkeys.rename',
    'PATCH',
    ({ tokenId }) => `users/me/passkeys/${tokenId}`,
    () => ({ name: 'Mine' }),
  ),
  blind('users.proof.begin', 'POST', () => 'users/me/proof/passkey'),
  blind('users.proof.sendCode', 'POST', () => 'users/me/proof/code'),
  blind(
    'users.proof.create',
    'POST',
    () => 'users/me/proof',
    () => ({ recoveryCode: 'BCDF-GHJK-LMNP-QRST-VWXZ' }),
  ),
  blind(
    'users.sessions.complete',
    'POST',
    () => 'users/sessions/complete',
    () => ({ challengeId: UNKNOWN_ID, answer: USED_ANSWER }),
  ),
  blind('users.secondFactor.get', 'GET', () => 'users/me/second-factor'),
  blind(
    'users.secondFactor.set',
    'PUT',
    () => 'users/me/second-factor',
    () => ({ isRequired: true }),
  ),
  ...list('tenants.list', 'tenants'),
  ...list('invitations.list', 'invitations'),
  ...list('members.list', 'members'),
  ...list('networks.list', 'networks'),
  ...list('devices.list', 'devices'),
  ...list('ledger.entries.list', 'ledger/entries'),
  ...list('marketplace.transactions.list', 'marketplace/transactions'),
  ...list('marketplace.providers.list', 'marketplace/providers'),
  blind('marketplace.transactions.list', 'GET', () => 'marketplace/transactions?role=provider'),
  blind('ledger.balance.get', 'GET', () => 'ledger/balance'),
  on('members.get', 'GET', ({ userId }) => `members/${userId}`),
  on('networks.get', 'GET', ({ networkId }) => `networks/${networkId}`),
  on('networks.topology.list', 'GET', ({ networkId }) => `networks/${networkId}/topology`),
  on('networks.topology.follow', 'GET', ({ networkId }) => `networks/${networkId}/topology/live`),
  on('networks.health.get', 'GET', ({ networkId }) => `networks/${networkId}/health`),
  on('devices.get', 'GET', ({ deviceId }) => `devices/${deviceId}`),
  on('devices.list', 'GET', ({ networkId }) => `devices?networkId=${networkId}`),
  on('devices.list', 'GET', ({ networkId }) => `devices?network_id=${networkId}&status=offline`),
  blind('devices.list', 'GET', () => 'devices?assigned_id=Secret-id'),
  on('devices.refusals.list', 'GET', ({ deviceId }) => `devices/${deviceId}/refusals`),
  on('devices.readings.list', 'GET', ({ deviceId }) => `devices/${deviceId}/readings`),
  on(
    'devices.readings.list',
    'GET',
    ({ deviceId }) => `devices/${deviceId}/readings?name=temperature&step=60`,
  ),
  on('devices.readings.follow', 'GET', ({ deviceId }) => `devices/${deviceId}/readings/live`),
  on('devices.state.get', 'GET', ({ deviceId }) => `devices/${deviceId}/state`),
  on(
    'devices.state.get',
    'GET',
    ({ own, networkId }) => `devices/${own.deviceId}/state?networkId=${networkId}`,
  ),
  on(
    'devices.state.change',
    'PATCH',
    ({ deviceId }) => `devices/${deviceId}/state`,
    () => ({ desired: { led: true } }),
  ),
  on(
    'devices.state.change',
    'PATCH',
    ({ own }) => `devices/${own.deviceId}/state`,
    ({ networkId }) => ({ desired: { led: true }, networkId }),
  ),
  on('networks.homeAssistant.get', 'GET', ({ networkId }) => `networks/${networkId}/home-assistant`),
  on(
    'networks.homeAssistant.set',
    'PUT',
    ({ networkId }) => `networks/${networkId}/home-assistant`,
    () => ({ announces: true }),
  ),
  blind('readings.retention.get', 'GET', () => 'readings/retention'),
  on(
    'devices.commands.send',
    'POST',
    ({ deviceId }) => `devices/${deviceId}/commands`,
    () => ({ name: 'led.set', waitSeconds: 0 }),
  ),
  on(
    'devices.commands.send',
    'POST',
    ({ own }) => `devices/${own.deviceId}/commands`,
    ({ networkId }) => ({ name: 'led.set', networkId, waitSeconds: 0 }),
  ),
  blind(
    'readings.retention.set',
    'PUT',
    () => 'readings/retention',
    () => ({ days: 7 }),
  ),
  on('devices.networks.list', 'GET', ({ deviceId }) => `devices/${deviceId}/networks`),
  on(
    'marketplace.transactions.get',
    'GET',
    ({ transactionId }) => `marketplace/transactions/${transactionId}`,
  ),
  on('marketplace.providers.get', 'GET', ({ deviceId }) => `marketplace/providers/${deviceId}`),
  on('marketplace.providers.why', 'GET', ({ deviceId }) => `marketplace/providers/${deviceId}/why`),
  on('marketplace.requests.why', 'GET', ({ transactionId }) => `marketplace/requests/${transactionId}/why`),
  blind(
    'networks.create',
    'POST',
    () => 'networks',
    () => ({ name: 'Secret cellar'.slice(7) }),
  ),
  on(
    'devices.create',
    'POST',
    () => 'devices',
    ({ networkId }) => ({
      name: 'Spy',
      networkId,
      worldType: 'jotunheim',
    }),
  ),
  on(
    'devices.claim',
    'POST',
    () => 'devices/claim',
    ({ networkId }) => ({ name: 'Spy', networkId, code: 'BCD-FGH-JKL' }),
  ),
  on(
    'members.add',
    'POST',
    () => 'members',
    ({ networkId }) => ({
      userId: UNKNOWN_ID,
      role: 'member',
      networkIds: [networkId],
    }),
  ),
  on(
    'invitations.create',
    'POST',
    () => 'invitations',
    ({ networkId }) => ({ role: 'member', networkIds: [networkId] }),
  ),
  on('invitations.withdraw', 'DELETE', ({ invitationId }) => `invitations/${invitationId}`),
  on(
    'invitations.redeem',
    'POST',
    () => 'invitations/redeem',
    ({ invitationId }) => ({ token: invitationId }),
  ),
  blind(
    'tenants.create',
    'POST',
    () => 'tenants',
    () => ({ name: 'Mallory' }),
  ),
  on(
    'tenants.rename',
    'PUT',
    ({ tenantId }) => `tenants/${tenantId}`,
    () => ({ name: 'Mallory' }),
  ),
  on(
    'tenants.handOver',
    'POST',
    ({ tenantId }) => `tenants/${tenantId}/owner`,
    ({ userId }) => ({ userId }),
  ),
  on(
    'members.update',
    'PUT',
    ({ userId }) => `members/${userId}`,
    () => ({ role: 'owner' }),
  ),
  on(
    'networks.update',
    'PUT',
    ({ networkId }) => `networks/${networkId}`,
    () => ({ name: 'Taken' }),
  ),
  on(
    'devices.update',
    'PUT',
    ({ deviceId }) => `devices/${deviceId}`,
    () => ({ name: 'Taken', assignedId: 'Secret-id' }),
  ),
  on('devices.tokens.rotate', 'POST', ({ deviceId }) => `devices/${deviceId}/token`),
  on('devices.networks.add', 'PUT', ({ own, networkId }) => `devices/${own.deviceId}/networks/${networkId}`),
  on('devices.networks.add', 'PUT', ({ own, deviceId }) => `devices/${deviceId}/networks/${own.networkId}`),
  on(
    'devices.networks.remove',
    'DELETE',
    ({ networkId, deviceId }) => `devices/${deviceId}/networks/${networkId}`,
  ),
  blind(
    'users.tokens.create',
    'POST',
    () => 'users/me/tokens',
    () => ({ name: 'Mallory' }),
  ),
  blind(
    'users.apiKeys.create',
    'POST',
    () => 'users/me/api-keys',
    () => ({ name: 'Mallory' }),
  ),
  on('users.apiKeys.revoke', 'DELETE', ({ tokenId }) => `users/me/api-keys/${tokenId}`),
  blind(
    'users.renameSelf',
    'PUT',
    () => 'users/me',
    () => ({ name: 'Mallory' }),
  ),
  blind(
    'users.email.change',
    'POST',
    () => 'users/me/email',
    () => ({ email: 'mallory@example.org' }),
  ),
  blind(
    'users.email.confirm',
    'POST',
    () => 'users/me/email/confirm',
    () => ({ changeId: UNKNOWN_ID, newCode: '12345678' }),
  ),
  blind('users.logout', 'POST', () => 'users/logout'),
  on('users.tokens.revoke', 'DELETE', ({ tokenId }) => `users/me/tokens/${tokenId}`),
  on('users.passkeys.remove', 'DELETE', ({ tokenId }) => `users/me/passkeys/${tokenId}`),
  on('users.identities.remove', 'DELETE', ({ tokenId }) => `users/me/identities/${tokenId}`),
  on('members.remove', 'DELETE', ({ userId }) => `members/${userId}`),
  on('devices.remove', 'DELETE', ({ deviceId }) => `devices/${deviceId}`),
  on('networks.remove', 'DELETE', ({ networkId }) => `networks/${networkId}`),
  blind(
    'users.create',
    'POST',
    () => 'users',
    () => ({ name: 'Mallory' }),
  ),
  blind('users.list', 'GET', () => 'users'),
  blind('admin.stats.get', 'GET', () => 'admin/stats'),
  blind('admin.logs.list', 'GET', () => 'admin/logs'),
  blind('admin.logs.follow', 'GET', () => 'admin/logs/live'),
  ...list('audit.records.list', 'audit'),
  ...list('audit.heads.list', 'audit/heads'),
  blind('audit.heads.getLast', 'GET', () => 'audit/heads/last'),
  blind('audit.proofs.get', 'GET', () => 'audit/proofs/0'),
  blind('audit.consistency.get', 'GET', () => 'audit/consistency?from=1&to=1'),
  blind(
    'audit.countersignatures.create',
    'POST',
    () => 'audit/heads/1/countersignatures',
    () => ({ publicKey: '00'.repeat(32), signature: '00'.repeat(64) }),
  ),
  blind('audit.platformRecords.list', 'GET', () => 'admin/audit'),
  on(
    'audit.inspections.create',
    'POST',
    () => 'admin/audit/inspections',
    ({ tenantId }) => ({ tenantId, reason: 'Only a look at others' }),
  ),
  blind('admin.suspensions.list', 'GET', () => 'admin/suspensions'),
  on(
    'admin.suspensions.create',
    'PUT',
    ({ tenantId }) => `admin/suspensions/${tenantId}`,
    () => ({ reason: 'Mallory' }),
  ),
  on('admin.suspensions.remove', 'DELETE', ({ tenantId }) => `admin/suspensions/${tenantId}`),
  blind('spending.get', 'GET', () => 'spending'),
  blind(
    'spending.limits.set',
    'PUT',
    () => 'spending/limits',
    () => ({ day: null, month: null }),
  ),
  on(
    'admin.spending.set',
    'PUT',
    ({ tenantId }) => `admin/spending/${tenantId}`,
    () => ({ day: { value: '0', currency: 'EUR' }, month: null }),
  ),
  ...list('devices.bootstrapKeys.list', 'bootstrap-keys'),
  on('devices.bootstrapKeys.revoke', 'DELETE', ({ invitationId }) => `bootstrap-keys/${invitationId}`),
  on(
    'devices.bootstrapKeys.create',
    'POST',
    () => 'bootstrap-keys',
    ({ networkId }) => ({ name: 'Fleet', networkId, devicesMax: 1, expiresAt: '2026-12-31T00:00:00Z' }),
  ),
  blind('admin.abuse.list', 'GET', () => 'admin/abuse'),
  on('admin.abuse.lift', 'DELETE', ({ deviceId }) => `admin/abuse/${deviceId}`),
  { operation: 'server.metrics', names: 'nothing', request: () => ({ method: 'GET', path: '/metrics' }) },
  blind('openai.models.list', 'GET', () => '/v1/models'),
  on('openai.models.get', 'GET', ({ deviceId }) => `/v1/models/${deviceId}`),
  ...[false, true].map((stream) =>
    blind(
      'openai.chatCompletions.create',
      'POST',
      () => '/v1/chat/completions',
      () => ({ ...KEPT_ORDER, stream }),
      { 'idempotency-key': KEPT_KEY },
    ),
  ),
  ...[false, true].map((stream) =>
    blind(
      'openai.completions.create',
      'POST',
      () => '/v1/completions',
      () => ({ model: KEPT_ORDER.model, prompt: 'Hello?', max_tokens: 20, stream }),
      { 'idempotency-key': KEPT_KEY },
    ),
  ),
  on('openai.responses.get', 'GET', ({ deviceId }) => `/v1/responses/resp_${deviceId}`),
  on('openai.responses.cancel', 'POST', ({ deviceId }) => `/v1/responses/resp_${deviceId}/cancel`),
  on('openai.responses.remove', 'DELETE', ({ deviceId }) => `/v1/responses/resp_${deviceId}`),
  blind(
    'openai.embeddings.create',
    'POST',
    () => '/v1/embeddings',
    () => ({ model: KEPT_ORDER.model, input: 'Hello?' }),
    { 'idempotency-key': KEPT_KEY },
  ),
  ...[false, true].map((stream) =>
    blind(
      'openai.responses.create',
      'POST',
      () => '/v1/responses',
      () => ({ model: KEPT_ORDER.model, input: 'Hello?', max_output_tokens: 20, stream }),
      { 'idempotency-key': KEPT_KEY },
    ),
  ),
  ...[false, true].map((stream) =>
    blind(
      'anthropic.messages.create',
      'POST',
      () => '/v1/messages',
      () => ({ ...KEPT_ORDER, max_tokens: 16, stream }),
      { 'idempotency-key': KEPT_KEY },
    ),
  ),
  blind(
    'anthropic.messages.countTokens',
    'POST',
    () => '/v1/messages/count_tokens',
    () => KEPT_ORDER,
  ),
  blind(
    'marketplace.requests.create',
    'POST',
    () => 'marketplace/requests',
    () => ({ prompt: 'Hello?' }),
  ),
  on('marketplace.requests.get', 'GET', ({ deviceId }) => `marketplace/requests/${deviceId}`),
  blind('ledger.trialBalance.get', 'GET', () => 'ledger/trial-balance'),
  on(
    'ledger.topUps.create',
    'POST',
    () => 'ledger/top-ups',
    ({ userId }) => ({ userId, amountCents: 1 }),
    { 'idempotency-key': 'isolation' },
  ),
  on('payments.standing.get', 'GET', ({ userId }) => `admin/payment-standing/${userId}`),
  on(
    'payments.standing.confirm',
    'PUT',
    ({ userId }) => `admin/payment-standing/${userId}`,
    () => ({ canPay: false, canBePaid: false }),
  ),
];

/** What a guest may not do to what it sees. */
export const VISIBLE_ATTACKS: readonly Attack[] = ATTACKS.filter(({ operation }) =>
  [
    'devices.create',
    'devices.update',
    'devices.tokens.rotate',
    'devices.remove',
    'devices.networks.remove',
    'networks.update',
    'networks.remove',
    'members.add',
  ].includes(operation),
);
