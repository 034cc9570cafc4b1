import { type Attack, blind, list, on, type Target, UNKNOWN_ID } from './attack.ts';

/** A group, by its network and by the attacker's own. */
function ofGroup(
  operation: string,
  method: string,
  end: string,
  body?: (target: Target) => unknown,
): Attack[] {
  return [
    on(operation, method, ({ networkId, groupId }) => `networks/${networkId}/groups/${groupId}${end}`, body),
    on(operation, method, ({ own, groupId }) => `networks/${own.networkId}/groups/${groupId}${end}`, body),
  ];
}

/** Connections between devices, the ways to them, and groups. */
export const CONNECTION_ATTACKS: readonly Attack[] = [
  ...list('connections.list', 'connections'),
  on('connections.list', 'GET', ({ networkId }) => `connections?networkId=${networkId}`),
  blind('connections.list', 'GET', () => 'connections?status=allowed&limit=200'),
  on('connections.get', 'GET', ({ connectionId }) => `connections/${connectionId}`),
  on(
    'connections.create',
    'POST',
    () => 'connections',
    ({ networkId, deviceId, own }) => ({ networkId, sourceId: own.deviceId, targetId: deviceId }),
  ),
  on(
    'connections.create',
    'POST',
    () => 'connections',
    ({ deviceId, own }) => ({ networkId: own.networkId, sourceId: own.deviceId, targetId: deviceId }),
  ),
  on(
    'connections.create',
    'POST',
    () => 'connections',
    ({ networkId, deviceId }) => ({ networkId, sourceId: deviceId, targetId: UNKNOWN_ID }),
  ),
  on(
    'connections.decide',
    'POST',
    ({ connectionId }) => `connections/${connectionId}/decision`,
    () => ({ allow: true, reason: 'Stolen' }),
  ),
  on('connections.close', 'DELETE', ({ connectionId }) => `connections/${connectionId}`),
  on('networks.connectionRule.get', 'GET', ({ networkId }) => `networks/${networkId}/connection-rule`),
  on(
    'networks.connectionRule.set',
    'PUT',
    ({ networkId }) => `networks/${networkId}/connection-rule`,
    () => ({ rule: 'ask' }),
  ),
  on('devices.connectionRule.get', 'GET', ({ deviceId }) => `devices/${deviceId}/connection-rule`),
  on(
    'devices.connectionRule.set',
    'PUT',
    ({ deviceId }) => `devices/${deviceId}/connection-rule`,
    () => ({ isAsked: true }),
  ),
  on('networks.topicRights.list', 'GET', ({ networkId }) => `networks/${networkId}/topic-rights`),
  on(
    'networks.topicRights.set',
    'PUT',
    ({ networkId, deviceId }) => `networks/${networkId}/topic-rights/${deviceId}`,
    () => ({ publish: [], subscribe: [] }),
  ),
  on('networks.topicRights.remove', 'DELETE', ({ networkId }) => `networks/${networkId}/topic-rights/guests`),
  on('networks.pathRule.get', 'GET', ({ networkId }) => `networks/${networkId}/path-rule`),
  on(
    'networks.pathRule.set',
    'PUT',
    ({ networkId }) => `networks/${networkId}/path-rule`,
    () => ({ isDirect: true }),
  ),
  on('devices.pathRule.get', 'GET', ({ deviceId }) => `devices/${deviceId}/path-rule`),
  on(
    'devices.pathRule.set',
    'PUT',
    ({ deviceId }) => `devices/${deviceId}/path-rule`,
    () => ({ rule: 'direct' }),
  ),
  on('connections.pathRule.get', 'GET', ({ connectionId }) => `connections/${connectionId}/path-rule`),
  on(
    'connections.pathRule.set',
    'PUT',
    ({ connectionId }) => `connections/${connectionId}/path-rule`,
    () => ({ isRelayed: false }),
  ),
  blind('routes.list', 'GET', () => 'routes?limit=200'),
  on('routes.list', 'GET', ({ networkId }) => `routes?networkId=${networkId}`),
  on('routes.list', 'GET', ({ deviceId }) => `routes?deviceId=${deviceId}`),
  on('routes.list', 'GET', ({ deviceId }) => `routes?from=${deviceId}`),
  on('routes.follow', 'GET', ({ networkId }) => `routes/live?networkId=${networkId}`),
  on('groups.list', 'GET', ({ networkId }) => `networks/${networkId}/groups`),
  on(
    'groups.create',
    'POST',
    ({ networkId }) => `networks/${networkId}/groups`,
    () => ({ name: 'Spies' }),
  ),
  ...ofGroup('groups.rename', 'PUT', '', () => ({ name: 'Spies' })),
  ...ofGroup('groups.members.list', 'GET', '/members'),
  ...ofGroup('groups.members.add', 'POST', '/members', ({ own }) => ({ deviceIds: [own.deviceId] })),
  on(
    'groups.members.remove',
    'DELETE',
    ({ networkId, groupId, deviceId }) => `networks/${networkId}/groups/${groupId}/members/${deviceId}`,
  ),
  ...ofGroup('groups.remove', 'DELETE', ''),
];
