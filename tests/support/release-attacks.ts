import { type Attack, blind, list, on } from './attack.ts';
import { publisherKey } from './releases.ts';

const publicKey = Buffer.from(publisherKey).toString('base64url');

/** Requests for releases and rollouts of others. */
export const RELEASE_ATTACKS: readonly Attack[] = [
  blind('releases.keys.list', 'GET', () => 'release-keys'),
  on(
    'releases.keys.create',
    'POST',
    () => 'release-keys',
    ({ networkId }) => ({ name: 'Mine', publicKey, networkId }),
  ),
  ...list('releases.list', 'releases'),
  blind(
    'releases.create',
    'POST',
    () => 'releases',
    () => ({ manifest: 'A'.repeat(128), signature: `${'A'.repeat(85)}A` }),
  ),
  on('releases.get', 'GET', ({ releaseId }) => `releases/${releaseId}`),
  on('releases.parts.get', 'GET', ({ releaseId }) => `releases/${releaseId}/parts/0`),
  on('releases.parts.put', 'PUT', ({ releaseId }) => `releases/${releaseId}/parts/0`),
  ...list('rollouts.list', 'rollouts'),
  on(
    'rollouts.create',
    'POST',
    () => 'rollouts',
    ({ releaseId }) => ({ releaseId, filter: {} }),
  ),
  on('rollouts.get', 'GET', ({ rolloutId }) => `rollouts/${rolloutId}`),
  on('rollouts.devices.list', 'GET', ({ rolloutId }) => `rollouts/${rolloutId}/devices`),
  on('rollouts.follow', 'GET', ({ rolloutId }) => `rollouts/${rolloutId}/live`),
  on('rollouts.pause', 'POST', ({ rolloutId }) => `rollouts/${rolloutId}/pause`),
  on('rollouts.resume', 'POST', ({ rolloutId }) => `rollouts/${rolloutId}/resume`),
  on('rollouts.cancel', 'POST', ({ rolloutId }) => `rollouts/${rolloutId}/cancel`),
  on('releases.remove', 'DELETE', ({ releaseId }) => `releases/${releaseId}`),
  on('releases.keys.remove', 'DELETE', ({ releaseKeyId }) => `release-keys/${releaseKeyId}`),
];
