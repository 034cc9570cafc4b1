import type { World } from '../../support/world.ts';

/** A request to the server of a `World`. */
export interface RestRequest {
  /** Where it isn't the operation's own. */
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What every REST route must show, beside working. */
export interface RestCase {
  /** A request that is fine but for who asks: what callers without the right see is derived from the route's access. */
  readonly valid: (world: World) => RestRequest;
  /** A request of a caller with the right that is refused. */
  readonly refused: (world: World) => RestRequest;
  readonly status: number;
  readonly code: string;
}

const UNKNOWN_ID = '00000000-0000-4000-8000-00000000dead';
const unknownQuery = { status: 400, code: 'invalid_input' } as const;
const wrongMethod = { status: 405, code: 'method_not_allowed' } as const;

/** By operation. A route that is missing here fails the architecture test. */
export const REST_CASES: Readonly<Record<string, RestCase>> = {
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
  'tenants.list': {
    valid: () => ({ path: '/api/v1/tenants' }),
    refused: () => ({ path: '/api/v1/tenants?limit=0' }),
    ...unknownQuery,
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
  'networks.create': {
    valid: () => ({ path: '/api/v1/networks', body: { name: 'Garden' } }),
    refused: ({ alice }) => ({ path: '/api/v1/networks', body: { name: alice.network.name } }),
    status: 409,
    code: 'network_name_taken',
  },
  'networks.list': {
    valid: () => ({ path: '/api/v1/networks' }),
    refused: () => ({ path: '/api/v1/networks?after=first' }),
    ...unknownQuery,
  },
  'networks.get': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}` }),
    refused: ({ bob }) => ({ path: `/api/v1/networks/${bob.network.id}` }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.update': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}`, body: { name: 'Shed' } }),
    refused: ({ bob }) => ({ path: `/api/v1/networks/${bob.network.id}`, body: { name: 'Shed' } }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.remove': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}` }),
    refused: ({ bob }) => ({ path: `/api/v1/networks/${bob.network.id}` }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.create': {
    valid: ({ alice }) => ({
      path: '/api/v1/devices',
      body: { name: 'Lamp', networkId: alice.network.id, worldType: 'jotunheim' },
    }),
    refused: ({ bob }) => ({
      path: '/api/v1/devices',
      body: { name: 'Spy', networkId: bob.network.id, worldType: 'jotunheim' },
    }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.list': {
    valid: () => ({ path: '/api/v1/devices' }),
    refused: ({ bob }) => ({ path: `/api/v1/devices?networkId=${bob.network.id}` }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.get': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.update': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}`, body: { name: 'Lamp' } }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}`, body: { name: 'Lamp' } }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.tokens.rotate': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/token` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/token` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.networks.list': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/networks` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/networks` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.networks.add': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/networks/${alice.network.id}` }),
    refused: ({ alice, bob }) => ({
      path: `/api/v1/devices/${alice.device.deviceId}/networks/${bob.network.id}`,
    }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.networks.remove': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/networks/${alice.network.id}` }),
    refused: ({ alice, bob }) => ({
      path: `/api/v1/devices/${alice.device.deviceId}/networks/${bob.network.id}`,
    }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.remove': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}` }),
    status: 404,
    code: 'device_not_found',
  },
  'ledger.topUps.create': {
    valid: ({ alice }) => ({
      path: '/api/v1/ledger/top-ups',
      body: { userId: alice.userId, amountCents: 100 },
      headers: { 'idempotency-key': 'contract' },
    }),
    refused: ({ alice }) => ({
      path: '/api/v1/ledger/top-ups',
      body: { userId: alice.userId, amountCents: 100 },
    }),
    status: 400,
    code: 'idempotency_key_required',
  },
  'ledger.balance.get': {
    valid: () => ({ path: '/api/v1/ledger/balance' }),
    refused: () => ({ path: '/api/v1/ledger/balance?currency=usd' }),
    ...unknownQuery,
  },
  'ledger.entries.list': {
    valid: () => ({ path: '/api/v1/ledger/entries' }),
    refused: () => ({ path: '/api/v1/ledger/entries?limit=100000' }),
    ...unknownQuery,
  },
  'ledger.trialBalance.get': {
    valid: () => ({ path: '/api/v1/ledger/trial-balance' }),
    refused: () => ({ path: '/api/v1/ledger/trial-balance?deep=1' }),
    ...unknownQuery,
  },
  'marketplace.providers.list': {
    valid: () => ({ path: '/api/v1/marketplace/providers' }),
    refused: () => ({ path: '/api/v1/marketplace/providers?limit=-1' }),
    ...unknownQuery,
  },
  'marketplace.providers.get': {
    valid: () => ({ path: `/api/v1/marketplace/providers/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/marketplace/providers/${UNKNOWN_ID}` }),
    status: 404,
    code: 'provider_not_found',
  },
  'marketplace.transactions.list': {
    valid: () => ({ path: '/api/v1/marketplace/transactions' }),
    refused: () => ({ path: '/api/v1/marketplace/transactions?role=spectator' }),
    ...unknownQuery,
  },
  'marketplace.transactions.get': {
    valid: () => ({ path: `/api/v1/marketplace/transactions/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/marketplace/transactions/${UNKNOWN_ID}` }),
    status: 404,
    code: 'transaction_not_found',
  },
  'payments.standing.get': {
    valid: ({ alice }) => ({ path: `/api/v1/admin/payment-standing/${alice.userId}` }),
    refused: () => ({ path: `/api/v1/admin/payment-standing/${UNKNOWN_ID}` }),
    status: 404,
    code: 'user_not_found',
  },
  'payments.standing.confirm': {
    valid: ({ alice }) => ({
      path: `/api/v1/admin/payment-standing/${alice.userId}`,
      body: { canPay: true, canBePaid: true },
    }),
    refused: () => ({
      path: `/api/v1/admin/payment-standing/${UNKNOWN_ID}`,
      body: { canPay: true, canBePaid: true },
    }),
    status: 404,
    code: 'user_not_found',
  },
  'server.live': {
    valid: () => ({ path: '/healthz' }),
    refused: () => ({ path: '/healthz?verbose=1' }),
    ...unknownQuery,
  },
  'server.ready': {
    valid: () => ({ path: '/readyz' }),
    refused: () => ({ path: '/readyz?verbose=1' }),
    ...unknownQuery,
  },
  'server.metrics': {
    valid: () => ({ path: '/metrics' }),
    refused: () => ({ method: 'POST', path: '/metrics' }),
    ...wrongMethod,
  },
  'documentation.openapi': {
    valid: () => ({ path: '/openapi.json' }),
    refused: () => ({ method: 'PUT', path: '/openapi.json' }),
    ...wrongMethod,
  },
  'documentation.page': {
    valid: () => ({ path: '/docs' }),
    refused: () => ({ method: 'DELETE', path: '/docs' }),
    ...wrongMethod,
  },
  'documentation.asset': {
    valid: () => ({ path: '/docs/start.js' }),
    refused: () => ({ path: '/docs/nothing.js' }),
    status: 404,
    code: 'not_found',
  },
};
