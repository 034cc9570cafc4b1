import { ACCOUNT_CASES } from './account-cases.ts';
import { ACTION_CASES } from './action-cases.ts';
import { AUDIT_CASES } from './audit-cases.ts';
import { LOCK_CASES } from './lock-cases.ts';
import { MARKET_CASES } from './market-cases.ts';
import { CONNECTION_REST_CASES } from './pairing-cases.ts';
import { RELEASE_CASES } from './release-cases.ts';
import { type RestCase, UNKNOWN_ID, unknownQuery, wrongMethod } from './rest-case.ts';

/** By operation. A route that is missing here fails the architecture test. */
export const REST_CASES: Readonly<Record<string, RestCase>> = {
  ...ACCOUNT_CASES,
  ...AUDIT_CASES,
  ...MARKET_CASES,
  ...CONNECTION_REST_CASES,
  ...LOCK_CASES,
  ...ACTION_CASES,
  ...RELEASE_CASES,
  'networks.create': {
    valid: () => ({ path: '/api/v1/networks', body: { name: 'Garden' } }),
    refused: ({ alice }) => ({ path: '/api/v1/networks', body: { name: alice.network.name } }),
    status: 409,
    code: 'network_name_taken',
  },
  'networks.list': {
    valid: () => ({ path: '/api/v1/networks' }),
    refused: () => ({ path: '/api/v1/networks?after=first' }),
    ...unknownQuery,
  },
  'networks.get': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}` }),
    refused: ({ bob }) => ({ path: `/api/v1/networks/${bob.network.id}` }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.update': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}`, body: { name: 'Shed' } }),
    refused: ({ bob }) => ({ path: `/api/v1/networks/${bob.network.id}`, body: { name: 'Shed' } }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.remove': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}` }),
    refused: ({ bob }) => ({ path: `/api/v1/networks/${bob.network.id}` }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.create': {
    valid: ({ alice }) => ({
      path: '/api/v1/devices',
      body: { name: 'Lamp', networkId: alice.network.id, worldType: 'jotunheim' },
    }),
    refused: ({ bob }) => ({
      path: '/api/v1/devices',
      body: { name: 'Spy', networkId: bob.network.id, worldType: 'jotunheim' },
    }),
    status: 404,
    code: 'network_not_found',
  },
  'claims.create': {
    valid: () => ({ path: '/api/v1/device-claims', body: { worldType: 'jotunheim' } }),
    refused: () => ({ path: '/api/v1/device-claims', body: { worldType: 'hel' } }),
    status: 400,
    code: 'invalid_input',
  },
  'claims.collect': {
    valid: () => ({ path: `/api/v1/device-claims/${UNKNOWN_ID}/credentials`, body: { secret: 'x' } }),
    refused: () => ({ path: `/api/v1/device-claims/${UNKNOWN_ID}/credentials`, body: { secret: 'x' } }),
    status: 404,
    code: 'claim_not_found',
  },
  'devices.claim': {
    valid: ({ alice }) => ({
      path: '/api/v1/devices/claim',
      body: { code: 'BCD-FGH-JKL', name: 'Lamp', networkId: alice.network.id },
    }),
    refused: ({ alice }) => ({
      path: '/api/v1/devices/claim',
      body: { code: 'BCD-FGH-JKL', name: 'Lamp', networkId: alice.network.id },
    }),
    status: 403,
    code: 'claim_code_wrong',
  },
  'devices.list': {
    valid: () => ({ path: '/api/v1/devices' }),
    refused: ({ bob }) => ({ path: `/api/v1/devices?networkId=${bob.network.id}` }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.get': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.readings.list': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/readings?name=t&step=60` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/readings` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.readings.follow': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/readings/live` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/readings/live` }),
    status: 404,
    code: 'device_not_found',
  },
  'mqtt.clients.authenticate': {
    valid: ({ alice }) => ({
      path: '/api/v1/mqtt/authenticate',
      body: { username: alice.device.deviceId, password: alice.device.token },
    }),
    refused: ({ alice }) => ({
      path: '/api/v1/mqtt/authenticate',
      body: { username: alice.device.deviceId, password: alice.device.token },
    }),
    status: 401,
    code: 'unauthenticated',
  },
  'mqtt.clients.authorize': {
    valid: ({ alice }) => ({
      path: '/api/v1/mqtt/authorize',
      body: { username: alice.device.deviceId, action: 'publish', topic: 'x' },
    }),
    refused: ({ alice }) => ({
      path: '/api/v1/mqtt/authorize',
      body: { username: alice.device.deviceId, action: 'publish', topic: 'x' },
    }),
    status: 401,
    code: 'unauthenticated',
  },
  'devices.drops.list': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/drops` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/drops` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.refusals.list': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/refusals` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/refusals` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.state.get': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/state` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/state` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.state.change': {
    valid: ({ alice }) => ({
      path: `/api/v1/devices/${alice.device.deviceId}/state`,
      body: { desired: { led: true } },
    }),
    refused: ({ bob }) => ({
      path: `/api/v1/devices/${bob.device.deviceId}/state`,
      body: { desired: { led: true } },
    }),
    status: 404,
    code: 'device_not_found',
  },
  'networks.homeAssistant.get': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}/home-assistant` }),
    refused: ({ bob }) => ({ path: `/api/v1/networks/${bob.network.id}/home-assistant` }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.homeAssistant.set': {
    valid: ({ alice }) => ({
      path: `/api/v1/networks/${alice.network.id}/home-assistant`,
      body: { announces: false },
    }),
    refused: ({ bob }) => ({
      path: `/api/v1/networks/${bob.network.id}/home-assistant`,
      body: { announces: true },
    }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.commands.list': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/commands` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/commands` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.commands.send': {
    valid: ({ alice }) => ({
      path: `/api/v1/devices/${alice.device.deviceId}/commands`,
      body: { name: 'led.set', waitSeconds: 0 },
    }),
    refused: ({ bob }) => ({
      path: `/api/v1/devices/${bob.device.deviceId}/commands`,
      body: { name: 'led.set', waitSeconds: 0 },
    }),
    status: 404,
    code: 'device_not_found',
  },
  'readings.retention.get': {
    valid: () => ({ path: '/api/v1/readings/retention' }),
    refused: () => ({ path: '/api/v1/readings/retention?days=1' }),
    status: 400,
    code: 'invalid_input',
  },
  'readings.retention.set': {
    valid: () => ({ path: '/api/v1/readings/retention', body: { days: 7 } }),
    refused: () => ({ path: '/api/v1/readings/retention', body: { days: 0 } }),
    status: 400,
    code: 'invalid_input',
  },
  'devices.update': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}`, body: { name: 'Lamp' } }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}`, body: { name: 'Lamp' } }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.tokens.rotate': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/token` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/token` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.mqttLogin.get': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/mqtt-login` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/mqtt-login` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.mqttLogin.set': {
    valid: ({ alice }) => ({
      path: `/api/v1/devices/${alice.device.deviceId}/mqtt-login`,
      body: { name: 'lamp' },
    }),
    refused: ({ bob }) => ({
      path: `/api/v1/devices/${bob.device.deviceId}/mqtt-login`,
      body: { name: 'lamp' },
    }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.mqttLogin.remove': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/mqtt-login` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/mqtt-login` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.networks.list': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/networks` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}/networks` }),
    status: 404,
    code: 'device_not_found',
  },
  'devices.networks.add': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/networks/${alice.network.id}` }),
    refused: ({ alice, bob }) => ({
      path: `/api/v1/devices/${alice.device.deviceId}/networks/${bob.network.id}`,
    }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.networks.remove': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}/networks/${alice.network.id}` }),
    refused: ({ alice, bob }) => ({
      path: `/api/v1/devices/${alice.device.deviceId}/networks/${bob.network.id}`,
    }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.remove': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/${alice.device.deviceId}` }),
    refused: ({ bob }) => ({ path: `/api/v1/devices/${bob.device.deviceId}` }),
    status: 404,
    code: 'device_not_found',
  },
  'admin.stats.get': {
    valid: () => ({ path: '/api/v1/admin/stats' }),
    refused: () => ({ path: '/api/v1/admin/stats?verbose=1' }),
    ...unknownQuery,
  },
  'admin.configuration.get': {
    valid: () => ({ path: '/api/v1/admin/configuration' }),
    refused: () => ({ path: '/api/v1/admin/configuration?secrets=1' }),
    ...unknownQuery,
  },
  'admin.nodes.list': {
    valid: () => ({ path: '/api/v1/admin/nodes' }),
    refused: () => ({ path: '/api/v1/admin/nodes?limit=1' }),
    ...unknownQuery,
  },
  'admin.tenants.list': {
    valid: () => ({ path: '/api/v1/admin/tenants' }),
    refused: () => ({ path: '/api/v1/admin/tenants?name=1' }),
    ...unknownQuery,
  },
  'admin.logs.list': {
    valid: () => ({ path: '/api/v1/admin/logs' }),
    refused: () => ({ path: '/api/v1/admin/logs?level=debug' }),
    ...unknownQuery,
  },
  'admin.logs.follow': {
    valid: () => ({ path: '/api/v1/admin/logs/live' }),
    refused: () => ({ path: '/api/v1/admin/logs/live?limit=1' }),
    ...unknownQuery,
  },
  'admin.suspensions.list': {
    valid: () => ({ path: '/api/v1/admin/suspensions' }),
    refused: () => ({ path: '/api/v1/admin/suspensions?limit=1' }),
    ...unknownQuery,
  },
  'admin.suspensions.create': {
    valid: () => ({ path: `/api/v1/admin/suspensions/${UNKNOWN_ID}`, body: { reason: 'Abuse' } }),
    refused: () => ({ path: `/api/v1/admin/suspensions/${UNKNOWN_ID}`, body: { reason: 'Abuse' } }),
    status: 404,
    code: 'tenant_not_found',
  },
  'admin.suspensions.remove': {
    valid: () => ({ path: `/api/v1/admin/suspensions/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/admin/suspensions/${UNKNOWN_ID}` }),
    status: 404,
    code: 'tenant_not_found',
  },
  'networks.topology.list': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}/topology` }),
    refused: () => ({ path: `/api/v1/networks/${UNKNOWN_ID}/topology` }),
    status: 404,
    code: 'network_not_found',
  },
  'networks.topology.follow': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}/topology/live` }),
    refused: () => ({ path: `/api/v1/networks/${UNKNOWN_ID}/topology/live` }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.follow': {
    valid: ({ alice }) => ({ path: `/api/v1/devices/live?ids=${alice.device.deviceId}` }),
    refused: () => ({ path: '/api/v1/devices/live?ids=all' }),
    status: 400,
    code: 'invalid_input',
  },
  'networks.health.get': {
    valid: ({ alice }) => ({ path: `/api/v1/networks/${alice.network.id}/health` }),
    refused: () => ({ path: `/api/v1/networks/${UNKNOWN_ID}/health` }),
    status: 404,
    code: 'network_not_found',
  },
  'devices.bootstrapKeys.list': {
    valid: () => ({ path: '/api/v1/bootstrap-keys' }),
    refused: () => ({ path: '/api/v1/bootstrap-keys?kind=1' }),
    ...unknownQuery,
  },
  'devices.bootstrapKeys.create': {
    valid: ({ alice }) => ({
      path: '/api/v1/bootstrap-keys',
      body: {
        name: 'Fleet',
        networkId: alice.network.id,
        devicesMax: 1,
        expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
      },
    }),
    refused: ({ alice }) => ({
      path: '/api/v1/bootstrap-keys',
      body: { name: 'Fleet', networkId: alice.network.id, devicesMax: 0, expiresAt: 'soon' },
    }),
    status: 400,
    code: 'invalid_input',
  },
  'devices.bootstrapKeys.revoke': {
    valid: () => ({ path: `/api/v1/bootstrap-keys/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/bootstrap-keys/${UNKNOWN_ID}` }),
    status: 404,
    code: 'token_not_found',
  },
  'devices.provision': {
    valid: () => ({
      path: '/api/v1/device-provisioning',
      body: { key: 'ygb_wrong', deviceId: 'SN-1', secret: 'x'.repeat(32), worldType: 'jotunheim' },
    }),
    refused: () => ({
      path: '/api/v1/device-provisioning',
      body: { key: 'ygb_wrong', deviceId: 'SN-1', secret: 'x'.repeat(32), worldType: 'jotunheim' },
    }),
    status: 403,
    code: 'bootstrap_key_wrong',
  },
  'admin.abuse.list': {
    valid: () => ({ path: '/api/v1/admin/abuse' }),
    refused: () => ({ path: '/api/v1/admin/abuse?limit=1' }),
    ...unknownQuery,
  },
  'admin.abuse.lift': {
    valid: () => ({ path: `/api/v1/admin/abuse/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/admin/abuse/${UNKNOWN_ID}` }),
    status: 404,
    code: 'abuse_measure_not_found',
  },
  'server.live': {
    valid: () => ({ path: '/healthz' }),
    refused: () => ({ path: '/healthz?verbose=1' }),
    ...unknownQuery,
  },
  'server.ready': {
    valid: () => ({ path: '/readyz' }),
    refused: () => ({ path: '/readyz?verbose=1' }),
    ...unknownQuery,
  },
  'server.metrics': {
    valid: () => ({ path: '/metrics' }),
    refused: () => ({ method: 'POST', path: '/metrics' }),
    ...wrongMethod,
  },
  'server.describe': {
    valid: () => ({ path: '/api/v1/server' }),
    refused: () => ({ method: 'DELETE', path: '/api/v1/server' }),
    ...wrongMethod,
  },
  'page.open': {
    valid: () => ({ path: '/' }),
    refused: () => ({ path: '/' }),
    status: 404,
    code: 'not_found',
  },
  'page.asset': {
    valid: () => ({ path: '/assets/nothing.js' }),
    refused: () => ({ path: '/assets/..%2findex.html' }),
    status: 404,
    code: 'not_found',
  },
  'documentation.openapi': {
    valid: () => ({ path: '/openapi.json' }),
    refused: () => ({ method: 'PUT', path: '/openapi.json' }),
    ...wrongMethod,
  },
  'documentation.page': {
    valid: () => ({ path: '/docs' }),
    refused: () => ({ method: 'DELETE', path: '/docs' }),
    ...wrongMethod,
  },
  'documentation.asset': {
    valid: () => ({ path: '/docs/start.js' }),
    refused: () => ({ path: '/docs/nothing.js' }),
    status: 404,
    code: 'not_found',
  },
};
