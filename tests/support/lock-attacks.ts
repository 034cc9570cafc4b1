import { type Attack, list, on } from './attack.ts';

/** Requests for locks of others. */
export const LOCK_ATTACKS: readonly Attack[] = [
  ...list('locks.list', 'locks'),
  on('locks.list', 'GET', ({ networkId }) => `locks?networkId=${networkId}`),
  on('locks.list', 'GET', ({ deviceId }) => `locks?deviceId=${deviceId}&idle=true`),
  on('locks.get', 'GET', ({ lockId }) => `locks/${lockId}`),
  on(
    'locks.check',
    'POST',
    () => 'locks/check',
    ({ networkId }) => ({ name: 'Secret lock', networkId, token: 1 }),
  ),
  on(
    'locks.acquire',
    'POST',
    () => 'locks',
    ({ networkId }) => ({ name: 'Mine', networkId }),
  ),
  on(
    'locks.acquire',
    'POST',
    () => 'locks',
    ({ deviceId }) => ({ name: 'Mine', deviceId }),
  ),
  on(
    'locks.renew',
    'POST',
    ({ claimId }) => `locks/claims/${claimId}/renew`,
    () => ({}),
  ),
  on('locks.release', 'DELETE', ({ claimId }) => `locks/claims/${claimId}`),
];
