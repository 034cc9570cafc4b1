import { type RestCase, UNKNOWN_ID, unknownQuery } from './rest-case.ts';

const unknownAction = { status: 404, code: 'action_not_found' } as const;

/** Actions. */
export const ACTION_CASES: Readonly<Record<string, RestCase>> = {
  'devices.actions.ask': {
    valid: ({ alice }) => ({
      path: `/api/v1/devices/${alice.device.deviceId}/actions`,
      body: { name: 'led.blink' },
    }),
    refused: ({ bob }) => ({
      path: `/api/v1/devices/${bob.device.deviceId}/actions`,
      body: { name: 'led.blink' },
    }),
    status: 404,
    code: 'device_not_found',
  },
  'actions.list': {
    valid: () => ({ path: '/api/v1/actions' }),
    refused: () => ({ path: '/api/v1/actions?after=first' }),
    ...unknownQuery,
  },
  'actions.get': {
    valid: () => ({ path: `/api/v1/actions/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/actions/${UNKNOWN_ID}` }),
    ...unknownAction,
  },
  'actions.follow': {
    valid: () => ({ path: `/api/v1/actions/${UNKNOWN_ID}/events` }),
    refused: () => ({ path: `/api/v1/actions/${UNKNOWN_ID}/events` }),
    ...unknownAction,
  },
  'actions.cancel': {
    valid: () => ({ path: `/api/v1/actions/${UNKNOWN_ID}/cancel` }),
    refused: () => ({ path: `/api/v1/actions/${UNKNOWN_ID}/cancel` }),
    ...unknownAction,
  },
  'networks.actions.ask': {
    valid: ({ alice }) => ({
      path: `/api/v1/networks/${alice.network.id}/actions`,
      body: { name: 'led.blink', deviceIds: [alice.device.deviceId] },
    }),
    refused: ({ bob, alice }) => ({
      path: `/api/v1/networks/${bob.network.id}/actions`,
      body: { name: 'led.blink', deviceIds: [alice.device.deviceId] },
    }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.actions.get': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}/actions/${UNKNOWN_ID}` }),
    refused: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}/actions/${UNKNOWN_ID}` }),
    ...unknownAction,
  },
  'networks.actions.cancel': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}/actions/${UNKNOWN_ID}/cancel` }),
    refused: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}/actions/${UNKNOWN_ID}/cancel` }),
    ...unknownAction,
  },
};
