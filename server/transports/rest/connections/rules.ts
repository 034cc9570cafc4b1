import { z } from 'zod';
import { type PairingService, STANDING_RULES } from '../../../domains/pairings/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { deviceParamsSchema } from '../devices/schemas.ts';
import { networkParamsSchema } from '../networks/schemas.ts';

const networkRule = z
  .enum(STANDING_RULES)
  .describe('Which devices are connected without asking: all of the network; those of one owner; none.');
const networkRuleSchema = z.object({ rule: networkRule }).meta({ id: 'NetworkConnectionRule' });
const deviceRuleSchema = z
  .object({ isAsked: z.boolean().describe('True: it is asked whatever the rule of its networks says.') })
  .meta({ id: 'DeviceConnectionRule' });

type Services = { pairings: PairingService };

/** Which devices of a network are connected without asking. */
export const getNetworkConnectionRule = ({ pairings }: Services) =>
  defineRoute({
    operation: 'networks.connectionRule.get',
    method: 'GET',
    path: '/api/v1/networks/:networkId/connection-rule',
    access: 'networks.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Which devices of a network may send to each other without asking.',
    params: networkParamsSchema,
    response: networkRuleSchema,
    status: 200,
    errors: ['network_not_found'],
    handle: async ({ actor, params }) => ({
      rule: await pairings.getRule(actor, asId<NetworkId>(params.networkId)),
    }),
  });

/** Sets that. */
export const setNetworkConnectionRule = ({ pairings }: Services) =>
  defineRoute({
    operation: 'networks.connectionRule.set',
    method: 'PUT',
    path: '/api/v1/networks/:networkId/connection-rule',
    access: 'networks.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Says which devices of a network may send to each other without asking, from now on.',
    params: networkParamsSchema,
    body: z.strictObject({ rule: networkRule }),
    response: networkRuleSchema,
    status: 200,
    errors: ['network_not_found'],
    async handle({ actor, params, body }) {
      await pairings.setRule(actor, asId<NetworkId>(params.networkId), body.rule);
      return { rule: body.rule };
    },
  });

/** Whether a device is asked in any case. */
export const getDeviceConnectionRule = ({ pairings }: Services) =>
  defineRoute({
    operation: 'devices.connectionRule.get',
    method: 'GET',
    path: '/api/v1/devices/:deviceId/connection-rule',
    access: 'devices.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Whether others have to ask before they send to a device of yours.',
    params: deviceParamsSchema,
    response: deviceRuleSchema,
    status: 200,
    errors: ['device_not_found', 'device_of_other_tenant'],
    handle: async ({ actor, params }) => ({
      isAsked: await pairings.isAsking(actor, asId<DeviceId>(params.deviceId)),
    }),
  });

/** Sets that. */
export const setDeviceConnectionRule = ({ pairings }: Services) =>
  defineRoute({
    operation: 'devices.connectionRule.set',
    method: 'PUT',
    path: '/api/v1/devices/:deviceId/connection-rule',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Says whether others have to ask before they send to a device of yours.',
    params: deviceParamsSchema,
    body: z.strictObject({ isAsked: z.boolean() }),
    response: deviceRuleSchema,
    status: 200,
    errors: ['device_not_found', 'device_of_other_tenant'],
    async handle({ actor, params, body }) {
      await pairings.setAsking(actor, asId<DeviceId>(params.deviceId), body.isAsked);
      return { isAsked: body.isAsked };
    },
  });
