import { makeRelease, publisherKey, signedBody } from '../../support/releases.ts';
import { type RestCase, UNKNOWN_ID, unknownQuery } from './rest-case.ts';

const publicKey = Buffer.from(publisherKey).toString('base64url');
const unknownKey = { status: 404, code: 'release_key_not_found' } as const;
const unknownRelease = { status: 404, code: 'release_not_found' } as const;
const unknownRollout = { status: 404, code: 'rollout_not_found' } as const;
const release = `/api/v1/releases/${UNKNOWN_ID}`;
const rollout = `/api/v1/rollouts/${UNKNOWN_ID}`;

const both = (path: string, answer: Pick<RestCase, 'status' | 'code'>): RestCase => ({
  valid: () => ({ path }),
  refused: () => ({ path }),
  ...answer,
});

/** Releases and rollouts. */
export const RELEASE_CASES: Readonly<Record<string, RestCase>> = {
  'releases.keys.list': {
    valid: () => ({ path: '/api/v1/release-keys' }),
    refused: () => ({ path: '/api/v1/release-keys?after=first' }),
    ...unknownQuery,
  },
  'releases.keys.create': {
    valid: () => ({ path: '/api/v1/release-keys', body: { name: 'Mine', publicKey } }),
    refused: ({ bob }) => ({
      path: '/api/v1/release-keys',
      body: { name: 'Mine', publicKey, networkId: bob.network.id },
    }),
    status: 404,
    code: 'network_not_found',
  },
  'releases.keys.remove': both(`/api/v1/release-keys/${UNKNOWN_ID}`, unknownKey),
  'releases.list': {
    valid: () => ({ path: '/api/v1/releases' }),
    refused: () => ({ path: '/api/v1/releases?after=first' }),
    ...unknownQuery,
  },
  'releases.create': {
    valid: () => ({ path: '/api/v1/releases', body: signedBody(makeRelease('x')) }),
    refused: () => ({ path: '/api/v1/releases', body: signedBody(makeRelease('x')) }),
    status: 403,
    code: 'release_signature_wrong',
  },
  'releases.get': both(release, unknownRelease),
  'releases.remove': both(release, unknownRelease),
  'releases.parts.put': both(`${release}/parts/0`, unknownRelease),
  'releases.parts.get': both(`${release}/parts/0`, unknownRelease),
  'rollouts.list': {
    valid: () => ({ path: '/api/v1/rollouts' }),
    refused: () => ({ path: '/api/v1/rollouts?after=first' }),
    ...unknownQuery,
  },
  'rollouts.create': {
    valid: () => ({ path: '/api/v1/rollouts', body: { releaseId: UNKNOWN_ID, filter: {} } }),
    refused: () => ({ path: '/api/v1/rollouts', body: { releaseId: UNKNOWN_ID, filter: {} } }),
    ...unknownRelease,
  },
  'rollouts.get': both(rollout, unknownRollout),
  'rollouts.devices.list': both(`${rollout}/devices`, unknownRollout),
  'devices.rollouts.list': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/rollouts` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/rollouts` }),
    status: 404,
    code: 'device_not_found',
  },
  'rollouts.follow': both(`${rollout}/live`, unknownRollout),
  'rollouts.pause': both(`${rollout}/pause`, unknownRollout),
  'rollouts.resume': both(`${rollout}/resume`, unknownRollout),
  'rollouts.cancel': both(`${rollout}/cancel`, unknownRollout),
};
