import { type RestCase, UNKNOWN_ID, unknownQuery } from './rest-case.ts';

const unknownLock = { status: 404, code: 'lock_not_found' } as const;

/** Locks. */
export const LOCK_CASES: Readonly<Record<string, RestCase>> = {
  'locks.acquire': {
    valid: () => ({
      path: '/api/v1/locks',
      body: { name: 'Door', leaseSeconds: 1, delaySeconds: 0, mode: 'read' },
    }),
    refused: ({ bob }) => ({ path: '/api/v1/locks', body: { name: 'Door', networkId: bob.network.id } }),
    status: 404,
    code: 'network_not_found',
  },
  'locks.renew': {
    valid: () => ({ path: `/api/v1/locks/claims/${UNKNOWN_ID}/renew`, body: {} }),
    refused: () => ({ path: `/api/v1/locks/claims/${UNKNOWN_ID}/renew`, body: {} }),
    ...unknownLock,
  },
  'locks.release': {
    valid: () => ({ path: `/api/v1/locks/claims/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/locks/claims/${UNKNOWN_ID}` }),
    ...unknownLock,
  },
  'locks.check': {
    valid: () => ({ path: '/api/v1/locks/check', body: { name: 'Unknown', token: 1 } }),
    refused: () => ({ path: '/api/v1/locks/check', body: { name: 'Unknown', token: 1 } }),
    ...unknownLock,
  },
  'locks.list': {
    valid: () => ({ path: '/api/v1/locks' }),
    refused: () => ({ path: '/api/v1/locks?after=first' }),
    ...unknownQuery,
  },
  'locks.get': {
    valid: () => ({ path: `/api/v1/locks/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/locks/${UNKNOWN_ID}` }),
    ...unknownLock,
  },
};
