import { z } from 'zod';
import type { PairingService } from '../../../domains/pairings/index.ts';
import { DEVICE_PATH_RULES, type PathService } from '../../../domains/paths/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { connectionParamsSchema } from '../connections/schemas.ts';
import { defineRoute } from '../define-route.ts';
import { deviceParamsSchema } from '../devices/schemas.ts';
import { networkParamsSchema } from '../networks/schemas.ts';

const isDirect = z
  .boolean()
  .describe('True: devices of the network may have direct paths; false: the relay.');
const networkRuleSchema = z.object({ isDirect }).meta({ id: 'NetworkPathRule' });
const deviceRule = z
  .enum(DEVICE_PATH_RULES)
  .describe(
    'It may have direct paths; never; as the owner of the network says for its own devices, which is no for a guest.',
  );
const deviceRuleSchema = z.object({ rule: deviceRule }).meta({ id: 'DevicePathRule' });
const isRelayed = z.boolean().describe('True: what the two send each other goes through the server.');
const connectionRuleSchema = z.object({ isRelayed }).meta({ id: 'ConnectionPathRule' });

type Services = { readonly paths: PathService; readonly pairings: PairingService };
const reading = { method: 'GET', cost: COSTS.read, audit: 'none', status: 200 } as const;
const setting = { method: 'PUT', cost: COSTS.write, audit: 'change', status: 200 } as const;

const ofNetwork = {
  path: '/api/v1/networks/:networkId/path-rule',
  params: networkParamsSchema,
  response: networkRuleSchema,
  errors: ['network_not_found'],
} as const;

/** Whether devices of a network may have direct paths. */
export const getNetworkPathRule = ({ paths }: Services) =>
  defineRoute({
    ...reading,
    ...ofNetwork,
    operation: 'networks.pathRule.get',
    access: 'networks.read',
    summary: 'Whether devices of a network may have direct paths to each other.',
    handle: async ({ actor, params }) => ({
      isDirect: await paths.isNetworkPermitted(actor, asId<NetworkId>(params.networkId)),
    }),
  });

/** Sets that. */
export const setNetworkPathRule = ({ paths }: Services) =>
  defineRoute({
    ...setting,
    ...ofNetwork,
    operation: 'networks.pathRule.set',
    access: 'networks.manage',
    summary:
      'Says whether devices of a network may have direct paths to each other; without that those that there are end at once.',
    body: z.strictObject({ isDirect }),
    async handle({ actor, params, body }) {
      await paths.setNetworkPermitted(actor, asId<NetworkId>(params.networkId), body.isDirect);
      return { isDirect: body.isDirect };
    },
  });

const ofDevice = {
  path: '/api/v1/devices/:deviceId/path-rule',
  params: deviceParamsSchema,
  response: deviceRuleSchema,
  errors: ['device_not_found', 'device_of_other_tenant'],
} as const;

/** What a device's owner says. */
export const getDevicePathRule = ({ paths }: Services) =>
  defineRoute({
    ...reading,
    ...ofDevice,
    operation: 'devices.pathRule.get',
    access: 'devices.read',
    summary: 'Whether a device of yours may have direct paths to others.',
    handle: async ({ actor, params }) => ({
      rule: await paths.getDeviceRule(actor, asId<DeviceId>(params.deviceId)),
    }),
  });

/** Sets that. */
export const setDevicePathRule = ({ paths }: Services) =>
  defineRoute({
    ...setting,
    ...ofDevice,
    operation: 'devices.pathRule.set',
    access: 'devices.manage',
    summary:
      'Says whether a device of yours may have direct paths to others; what is not permitted ends at once.',
    body: z.strictObject({ rule: deviceRule }),
    async handle({ actor, params, body }) {
      await paths.setDeviceRule(actor, asId<DeviceId>(params.deviceId), body.rule);
      return { rule: body.rule };
    },
  });

const ofConnection = {
  path: '/api/v1/connections/:connectionId/path-rule',
  params: connectionParamsSchema,
  response: connectionRuleSchema,
  errors: ['connection_not_found'],
} as const;

/** Whether the two of a connection are kept on the relay. */
export const getConnectionPathRule = ({ paths, pairings }: Services) =>
  defineRoute({
    ...reading,
    ...ofConnection,
    operation: 'connections.pathRule.get',
    access: 'devices.read',
    summary: 'Whether two connected devices are kept on the relay.',
    handle: async ({ actor, params }) => ({
      isRelayed: await paths.isRelayed(await pairings.get(actor, params.connectionId)),
    }),
  });

/** Sets that. */
export const setConnectionPathRule = ({ paths, pairings }: Services) =>
  defineRoute({
    ...setting,
    ...ofConnection,
    operation: 'connections.pathRule.set',
    access: 'devices.manage',
    summary:
      'Keeps two connected devices on the relay, whatever their owners permit; a direct path ends at once.',
    body: z.strictObject({ isRelayed }),
    async handle({ actor, params, body }) {
      const pairing = await pairings.get(actor, params.connectionId);
      await paths.setRelayed(actor, pairing, body.isRelayed);
      return { isRelayed: body.isRelayed };
    },
  });
