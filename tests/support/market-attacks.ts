import { type Attack, blind, list, on } from './attack.ts';

const SOLD = { models: [{ name: 'm', prices: '1' }], slots: 1 };

/** On the market, its money and its payments. Those that read come before those that remove. */
export const MARKET_ATTACKS: readonly Attack[] = [
  ...list('ledger.entries.list', 'ledger/entries'),
  ...list('marketplace.transactions.list', 'marketplace/transactions'),
  ...list('marketplace.providers.list', 'marketplace/providers'),
  blind('marketplace.transactions.list', 'GET', () => 'marketplace/transactions?role=provider'),
  blind('marketplace.analytics.requester', 'GET', () => 'marketplace/analytics/requester'),
  blind('marketplace.analytics.provider', 'GET', () => 'marketplace/analytics/provider'),
  blind('ledger.balance.get', 'GET', () => 'ledger/balance'),
  on(
    'marketplace.transactions.get',
    'GET',
    ({ transactionId }) => `marketplace/transactions/${transactionId}`,
  ),
  on('marketplace.providers.get', 'GET', ({ deviceId }) => `marketplace/providers/${deviceId}`),
  on(
    'marketplace.providers.register',
    'POST',
    () => 'marketplace/providers/register',
    ({ deviceId }) => ({ deviceId, ...SOLD }),
  ),
  on(
    'marketplace.providers.update',
    'PUT',
    ({ deviceId }) => `marketplace/providers/${deviceId}`,
    () => SOLD,
  ),
  on('marketplace.providers.pause', 'POST', ({ deviceId }) => `marketplace/providers/${deviceId}/pause`),
  on('marketplace.providers.resume', 'POST', ({ deviceId }) => `marketplace/providers/${deviceId}/resume`),
  on(
    'marketplace.providers.test',
    'POST',
    ({ deviceId }) => `marketplace/providers/${deviceId}/test`,
    () => ({}),
  ),
  blind('marketplace.providers.list', 'GET', () => 'marketplace/providers?mine=true'),
  on('marketplace.providers.why', 'GET', ({ deviceId }) => `marketplace/providers/${deviceId}/why`),
  on('marketplace.requests.why', 'GET', ({ transactionId }) => `marketplace/requests/${transactionId}/why`),
  blind('marketplace.settings.get', 'GET', () => 'marketplace/settings'),
  blind(
    'marketplace.settings.set',
    'PUT',
    () => 'marketplace/settings',
    () => ({ models: ['mine'] }),
  ),
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
  blind('admin.providers.list', 'GET', () => 'admin/provider-registrations?state=approved'),
  on(
    'admin.providers.decide',
    'POST',
    ({ deviceId }) => `admin/provider-registrations/${deviceId}/decision`,
    () => ({ outcome: 'approved', reason: 'Mine' }),
  ),
  on('payments.standing.get', 'GET', ({ userId }) => `admin/payment-standing/${userId}`),
  on(
    'payments.standing.confirm',
    'PUT',
    ({ userId }) => `admin/payment-standing/${userId}`,
    () => ({ canPay: false, canBePaid: false }),
  ),
  on('marketplace.providers.unregister', 'DELETE', ({ deviceId }) => `marketplace/providers/${deviceId}`),
];
