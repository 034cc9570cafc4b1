/** Something of a victim's that an attacker names. */
export interface Target {
  readonly tenantId: string;
  readonly networkId: string;
  readonly deviceId: string;
  readonly userId: string;
  /** A token of the user. */
  readonly tokenId: string;
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
  ...list('users.tokens.list', 'users/me/tokens'),
  ...list('tenants.list', 'tenants'),
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
  on('devices.get', 'GET', ({ deviceId }) => `devices/${deviceId}`),
  on('devices.list', 'GET', ({ networkId }) => `devices?networkId=${networkId}`),
  on('devices.networks.list', 'GET', ({ deviceId }) => `devices/${deviceId}/networks`),
  on(
    'marketplace.transactions.get',
    'GET',
    ({ transactionId }) => `marketplace/transactions/${transactionId}`,
  ),
  on('marketplace.providers.get', 'GET', ({ deviceId }) => `marketplace/providers/${deviceId}`),
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
    () => ({ name: 'Taken' }),
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
  on('users.tokens.revoke', 'DELETE', ({ tokenId }) => `users/me/tokens/${tokenId}`),
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
