import { type Attack, list, on, UNKNOWN_ID } from './attack.ts';

/** Requests for actions of others. */
export const ACTION_ATTACKS: readonly Attack[] = [
  ...list('actions.list', 'actions'),
  on('actions.list', 'GET', ({ deviceId }) => `actions?deviceId=${deviceId}`),
  on('actions.list', 'GET', ({ networkId }) => `actions?networkId=${networkId}`),
  on('actions.get', 'GET', ({ actionId }) => `actions/${actionId}`),
  on('actions.follow', 'GET', ({ actionId }) => `actions/${actionId}/events`),
  on('actions.follow', 'GET', ({ actionId }) => `actions/${actionId}/events`, undefined, {
    'last-event-id': '1',
  }),
  on('actions.cancel', 'POST', ({ actionId }) => `actions/${actionId}/cancel`),
  on(
    'devices.actions.ask',
    'POST',
    ({ deviceId }) => `devices/${deviceId}/actions`,
    () => ({ name: 'led.blink' }),
  ),
  on(
    'devices.actions.ask',
    'POST',
    ({ own }) => `devices/${own.deviceId}/actions`,
    ({ networkId }) => ({ id: UNKNOWN_ID, name: 'led.blink', networkId }),
  ),
  on(
    'networks.actions.ask',
    'POST',
    ({ networkId }) => `networks/${networkId}/actions`,
    ({ own }) => ({ name: 'led.blink', deviceIds: [own.deviceId] }),
  ),
  on('networks.actions.get', 'GET', ({ networkId, jointId }) => `networks/${networkId}/actions/${jointId}`),
  on('networks.actions.get', 'GET', ({ own, jointId }) => `networks/${own.networkId}/actions/${jointId}`),
  on(
    'networks.actions.cancel',
    'POST',
    ({ networkId, jointId }) => `networks/${networkId}/actions/${jointId}/cancel`,
  ),
  on(
    'networks.actions.cancel',
    'POST',
    ({ own, jointId }) => `networks/${own.networkId}/actions/${jointId}/cancel`,
  ),
];
