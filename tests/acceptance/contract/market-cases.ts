import { type RestCase, UNKNOWN_ID, unknownQuery } from './rest-case.ts';

const terms = { models: [{ name: 'm', prices: '25' }], slots: 1 };
/** An operation on a provider, or something else, that nobody has. */
const onNobody = (path: string, body?: object, code = 'provider_not_found'): RestCase => ({
  valid: () => ({ path: path.replace(':id', UNKNOWN_ID), body }),
  refused: () => ({ path: path.replace(':id', UNKNOWN_ID), body }),
  status: 404,
  code,
});

const onDispute = (path: string, body?: object) => onNobody(path, body, 'dispute_not_found');

/** Of the market, its money and its payments. */
export const MARKET_CASES: Readonly<Record<string, RestCase>> = {
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
  'ledger.allowances.grant': {
    valid: ({ alice }) => ({
      path: '/api/v1/ledger/allowances',
      body: { userId: alice.userId, tokens: 1_000, endsAt: '2100-01-01T00:00:00.000Z' },
      headers: { 'idempotency-key': 'contract' },
    }),
    refused: ({ alice }) => ({
      path: '/api/v1/ledger/allowances',
      body: { userId: alice.userId, tokens: 1_000, endsAt: '2100-01-01T00:00:00.000Z' },
      headers: { 'idempotency-key': 'contract' },
    }),
    status: 400,
    code: 'amount_out_of_range',
  },
  'ledger.allowances.list': {
    valid: () => ({ path: '/api/v1/ledger/allowances' }),
    refused: () => ({ path: '/api/v1/ledger/allowances?state=ended' }),
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
  'marketplace.providers.register': {
    valid: ({ alice }) => ({
      path: '/api/v1/marketplace/providers/register',
      body: { ...terms, deviceId: alice.device.deviceId },
    }),
    refused: ({ alice }) => ({
      path: '/api/v1/marketplace/providers/register',
      body: {
        ...terms,
        deviceId: alice.device.deviceId,
        hours: { timeZone: 'Europe/Berlin', weekly: [{ days: ['mon'], from: '08:00', to: '08:00' }] },
      },
    }),
    status: 400,
    code: 'invalid_input',
  },
  'marketplace.providers.update': onNobody('/api/v1/marketplace/providers/:id', terms),
  'marketplace.providers.unregister': onNobody('/api/v1/marketplace/providers/:id'),
  'marketplace.providers.pause': onNobody('/api/v1/marketplace/providers/:id/pause'),
  'marketplace.providers.resume': onNobody('/api/v1/marketplace/providers/:id/resume'),
  'marketplace.providers.test': onNobody('/api/v1/marketplace/providers/:id/test', {}),
  'marketplace.tokenizers.bring': onNobody('/api/v1/marketplace/providers/:id/tokenizer?model=m'),
  'marketplace.tokenizers.list': {
    valid: () => ({ path: '/api/v1/marketplace/tokenizers' }),
    refused: () => ({ path: '/api/v1/marketplace/tokenizers?model=m' }),
    ...unknownQuery,
  },
  'admin.tokenizers.list': {
    valid: () => ({ path: '/api/v1/admin/tokenizers' }),
    refused: () => ({ path: '/api/v1/admin/tokenizers?limit=0' }),
    ...unknownQuery,
  },
  'admin.tokenizers.decide': onNobody(
    '/api/v1/admin/tokenizers/decision',
    { model: 'm', hash: '0'.repeat(64) },
    'tokenizer_not_found',
  ),
  'admin.providers.list': {
    valid: () => ({ path: '/api/v1/admin/provider-registrations' }),
    refused: () => ({ path: '/api/v1/admin/provider-registrations?state=pending' }),
    ...unknownQuery,
  },
  'admin.providers.decide': onNobody('/api/v1/admin/provider-registrations/:id/decision', {
    outcome: 'refused',
    reason: 'No',
  }),
  'marketplace.providers.why': {
    valid: () => ({ path: `/api/v1/marketplace/providers/${UNKNOWN_ID}/why` }),
    refused: () => ({ path: `/api/v1/marketplace/providers/${UNKNOWN_ID}/why` }),
    status: 404,
    code: 'provider_not_found',
  },
  'marketplace.requests.why': {
    valid: () => ({ path: `/api/v1/marketplace/requests/${UNKNOWN_ID}/why` }),
    refused: () => ({ path: `/api/v1/marketplace/requests/${UNKNOWN_ID}/why` }),
    status: 404,
    code: 'transaction_not_found',
  },
  'marketplace.transactions.list': {
    valid: () => ({ path: '/api/v1/marketplace/transactions' }),
    refused: () => ({ path: '/api/v1/marketplace/transactions?role=spectator' }),
    ...unknownQuery,
  },
  'marketplace.analytics.requester': {
    valid: () => ({ path: '/api/v1/marketplace/analytics/requester' }),
    refused: () => ({ path: '/api/v1/marketplace/analytics/requester?step=year' }),
    ...unknownQuery,
  },
  'marketplace.analytics.live': {
    valid: () => ({ path: '/api/v1/marketplace/analytics/live' }),
    refused: () => ({ path: '/api/v1/marketplace/analytics/live?every=1' }),
    ...unknownQuery,
  },
  'marketplace.analytics.provider': {
    valid: () => ({ path: '/api/v1/marketplace/analytics/provider' }),
    refused: () => ({
      path: '/api/v1/marketplace/analytics/provider?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z',
    }),
    ...unknownQuery,
  },
  'marketplace.transactions.get': {
    valid: () => ({ path: `/api/v1/marketplace/transactions/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/marketplace/transactions/${UNKNOWN_ID}` }),
    status: 404,
    code: 'transaction_not_found',
  },
  'marketplace.ratings.set': onNobody(
    '/api/v1/marketplace/transactions/:id/rating',
    { stars: 5 },
    'transaction_not_found',
  ),
  'marketplace.ratings.get': onNobody(
    '/api/v1/marketplace/transactions/:id/rating',
    undefined,
    'rating_not_found',
  ),
  'marketplace.ratings.summarize': onNobody('/api/v1/marketplace/providers/:id/ratings'),
  'marketplace.disputes.open': onNobody(
    '/api/v1/marketplace/transactions/:id/disputes',
    { reason: 'other', text: 'No' },
    'transaction_not_found',
  ),
  'marketplace.disputes.list': {
    valid: () => ({ path: '/api/v1/marketplace/disputes' }),
    refused: () => ({ path: '/api/v1/marketplace/disputes?role=judge' }),
    ...unknownQuery,
  },
  'marketplace.disputes.get': onDispute('/api/v1/marketplace/disputes/:id'),
  'marketplace.disputes.say': onDispute('/api/v1/marketplace/disputes/:id/statements', { text: 'No' }),
  'marketplace.disputes.agree': onDispute('/api/v1/marketplace/disputes/:id/agree'),
  'marketplace.disputes.withdraw': onDispute('/api/v1/marketplace/disputes/:id/withdraw'),
  'admin.disputes.list': {
    valid: () => ({ path: '/api/v1/admin/disputes' }),
    refused: () => ({ path: '/api/v1/admin/disputes?state=lost' }),
    ...unknownQuery,
  },
  'admin.disputes.decide': onDispute('/api/v1/admin/disputes/:id/decision', {
    outcome: 'refused',
    reason: 'No',
  }),
  'marketplace.requests.create': {
    valid: () => ({ path: '/api/v1/marketplace/requests', body: { prompt: 'Hello' } }),
    refused: () => ({ path: '/api/v1/marketplace/requests', body: { model: 'm' } }),
    status: 400,
    code: 'invalid_input',
  },
  'marketplace.requests.get': {
    valid: () => ({ path: `/api/v1/marketplace/requests/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/marketplace/requests/${UNKNOWN_ID}` }),
    status: 404,
    code: 'response_not_found',
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
  'marketplace.settings.get': {
    valid: () => ({ path: '/api/v1/marketplace/settings' }),
    refused: () => ({ path: '/api/v1/marketplace/settings?of=bob' }),
    ...unknownQuery,
  },
  'marketplace.settings.set': {
    valid: () => ({
      path: '/api/v1/marketplace/settings',
      body: { models: ['m'], providers: { ignore: ['x'], sort: 'price' }, limits: { maximumCostCents: '5' } },
    }),
    refused: () => ({
      path: '/api/v1/marketplace/settings',
      body: { limits: { maximumCostCents: '-1' } },
    }),
    status: 400,
    code: 'invalid_input',
  },
  'spending.get': {
    valid: () => ({ path: '/api/v1/spending' }),
    refused: () => ({ path: '/api/v1/spending?month=1' }),
    ...unknownQuery,
  },
  'spending.limits.set': {
    valid: () => ({ path: '/api/v1/spending/limits', body: { day: null, month: null } }),
    refused: () => ({
      path: '/api/v1/spending/limits',
      body: { day: { value: '-1', currency: 'EUR' }, month: null },
    }),
    status: 400,
    code: 'amount_out_of_range',
  },
  'admin.spending.set': {
    valid: () => ({ path: `/api/v1/admin/spending/${UNKNOWN_ID}`, body: { day: null, month: null } }),
    refused: () => ({ path: `/api/v1/admin/spending/${UNKNOWN_ID}`, body: { day: null, month: null } }),
    status: 404,
    code: 'tenant_not_found',
  },
};
