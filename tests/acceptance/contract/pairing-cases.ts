import type { World } from '../../support/world.ts';
import { type RestCase, UNKNOWN_ID, unknownQuery } from './rest-case.ts';

const unknown = { status: 404, code: 'connection_not_found' } as const;
const path = `/api/v1/connections/${UNKNOWN_ID}`;
const ofNetwork = ({ network }: World['alice']) => `/api/v1/networks/${network.id}/connection-rule`;
const ofDevice = ({ device }: World['alice']) => `/api/v1/devices/${device.deviceId}/connection-rule`;

/** Connections between devices. */
export const CONNECTION_REST_CASES: Readonly<Record<string, RestCase>> = {
  'connections.list': {
    valid: () => ({ path: '/api/v1/connections' }),
    refused: () => ({ path: '/api/v1/connections?status=married' }),
    ...unknownQuery,
  },
  'connections.create': {
    valid: ({ alice }) => ({
      path: '/api/v1/connections',
      body: { networkId: alice.network.id, sourceId: alice.device.deviceId, targetId: UNKNOWN_ID },
    }),
    refused: ({ alice, bob }) => ({
      path: '/api/v1/connections',
      body: {
        networkId: alice.network.id,
        sourceId: alice.device.deviceId,
        targetId: bob.device.deviceId,
      },
    }),
    status: 404,
    code: 'device_not_found',
  },
  'connections.get': { valid: () => ({ path }), refused: () => ({ path }), ...unknown },
  'connections.decide': {
    valid: () => ({ path: `${path}/decision`, body: { allow: true } }),
    refused: () => ({ path: `${path}/decision`, body: { allow: false } }),
    ...unknown,
  },
  'connections.close': { valid: () => ({ path }), refused: () => ({ path }), ...unknown },
  'routes.list': {
    valid: ({ alice }) => ({ path: `/api/v1/routes?from=${alice.device.deviceId}` }),
    refused: ({ bob }) => ({ path: `/api/v1/routes?from=${bob.device.deviceId}` }),
    status: 404,
    code: 'device_not_found',
  },
  'routes.follow': {
    valid: ({ alice }) => ({ path: `/api/v1/routes/live?networkId=${alice.network.id}` }),
    refused: ({ bob }) => ({ path: `/api/v1/routes/live?networkId=${bob.network.id}` }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.connectionRule.get': {
    valid: ({ alice }) => ({ path: ofNetwork(alice) }),
    refused: ({ bob }) => ({ path: ofNetwork(bob) }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.connectionRule.set': {
    valid: ({ alice }) => ({ path: ofNetwork(alice), body: { rule: 'open' } }),
    refused: ({ bob }) => ({ path: ofNetwork(bob), body: { rule: 'ask' } }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.connectionRule.get': {
    valid: ({ alice }) => ({ path: ofDevice(alice) }),
    refused: ({ bob }) => ({ path: ofDevice(bob) }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.connectionRule.set': {
    valid: ({ alice }) => ({ path: ofDevice(alice), body: { isAsked: false } }),
    refused: ({ bob }) => ({ path: ofDevice(bob), body: { isAsked: true } }),
    status: 404,
    code: 'device_not_found',
  },
};
