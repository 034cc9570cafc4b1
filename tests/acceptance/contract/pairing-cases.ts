import type { World } from '../../support/world.ts';
import { type RestCase, UNKNOWN_ID, unknownQuery } from './rest-case.ts';

const unknown = { status: 404, code: 'connection_not_found' } as const;
const path = `/api/v1/connections/${UNKNOWN_ID}`;
const ofNetwork = ({ network }: World['alice']) => `/api/v1/networks/${network.id}/connection-rule`;
const ofDevice = ({ device }: World['alice']) => `/api/v1/devices/${device.deviceId}/connection-rule`;

const unknownGroup = { status: 404, code: 'group_not_found' } as const;
const groupsOf = ({ network }: World['alice']) => `/api/v1/networks/${network.id}/groups`;
const groupOf = (household: World['alice']) => `${groupsOf(household)}/${UNKNOWN_ID}`;

/** Connections between devices, and groups. */
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
  'networks.topicRights.list': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}/topic-rights` }),
    refused: ({ bob }) => ({ path: `/api/v1/networks/${bob.network.id}/topic-rights` }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.topicRights.set': {
    valid: ({ alice }) => ({
      path: `/api/v1/networks/${alice.network.id}/topic-rights/guests`,
      body: { publish: ['home/+'], subscribe: null },
    }),
    refused: ({ bob }) => ({
      path: `/api/v1/networks/${bob.network.id}/topic-rights/guests`,
      body: { publish: [], subscribe: [] },
    }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.topicRights.remove': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}/topic-rights/guests` }),
    refused: ({ bob }) => ({ path: `/api/v1/networks/${bob.network.id}/topic-rights/guests` }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.pathRule.get': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}/path-rule` }),
    refused: ({ bob }) => ({ path: `/api/v1/networks/${bob.network.id}/path-rule` }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.pathRule.set': {
    valid: ({ alice }) => ({
      path: `/api/v1/networks/${alice.network.id}/path-rule`,
      body: { isDirect: false },
    }),
    refused: ({ bob }) => ({
      path: `/api/v1/networks/${bob.network.id}/path-rule`,
      body: { isDirect: true },
    }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.pathRule.get': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/path-rule` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/path-rule` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.pathRule.set': {
    valid: ({ alice }) => ({
      path: `/api/v1/devices/${alice.device.deviceId}/path-rule`,
      body: { rule: 'network' },
    }),
    refused: ({ bob }) => ({
      path: `/api/v1/devices/${bob.device.deviceId}/path-rule`,
      body: { rule: 'direct' },
    }),
    status: 404,
    code: 'device_not_found',
  },
  'connections.pathRule.get': {
    valid: () => ({ path: `${path}/path-rule` }),
    refused: () => ({ path: `${path}/path-rule` }),
    ...unknown,
  },
  'connections.pathRule.set': {
    valid: () => ({ path: `${path}/path-rule`, body: { isRelayed: true } }),
    refused: () => ({ path: `${path}/path-rule`, body: { isRelayed: true } }),
    ...unknown,
  },
  'groups.list': {
    valid: ({ alice }) => ({ path: groupsOf(alice) }),
    refused: ({ bob }) => ({ path: groupsOf(bob) }),
    status: 404,
    code: 'network_not_found',
  },
  'groups.create': {
    valid: ({ alice }) => ({ path: groupsOf(alice), body: { name: 'Lamps' } }),
    refused: ({ bob }) => ({ path: groupsOf(bob), body: { name: 'Lamps' } }),
    status: 404,
    code: 'network_not_found',
  },
  'groups.rename': {
    valid: ({ alice }) => ({ path: groupOf(alice), body: { name: 'Lamps' } }),
    refused: ({ alice }) => ({ path: groupOf(alice), body: { name: 'Lamps' } }),
    ...unknownGroup,
  },
  'groups.remove': {
    valid: ({ alice }) => ({ path: groupOf(alice) }),
    refused: ({ alice }) => ({ path: groupOf(alice) }),
    ...unknownGroup,
  },
  'groups.members.list': {
    valid: ({ alice }) => ({ path: `${groupOf(alice)}/members` }),
    refused: ({ alice }) => ({ path: `${groupOf(alice)}/members` }),
    ...unknownGroup,
  },
  'groups.members.add': {
    valid: ({ alice }) => ({ path: `${groupOf(alice)}/members`, body: { deviceIds: [UNKNOWN_ID] } }),
    refused: ({ alice }) => ({ path: `${groupOf(alice)}/members`, body: { deviceIds: [UNKNOWN_ID] } }),
    ...unknownGroup,
  },
  'groups.members.remove': {
    valid: ({ alice }) => ({ path: `${groupOf(alice)}/members/${UNKNOWN_ID}` }),
    refused: ({ alice }) => ({ path: `${groupOf(alice)}/members/${UNKNOWN_ID}` }),
    ...unknownGroup,
  },
};
