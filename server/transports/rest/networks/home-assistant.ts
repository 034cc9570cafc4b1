import { z } from 'zod';
import type { DiscoveryService } from '../../../domains/discovery/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { networkParamsSchema } from './schemas.ts';

const settingSchema = z
  .object({ announces: z.boolean().describe('True: the devices of the network are announced.') })
  .meta({ id: 'HomeAssistantSetting' });

/** Whether a network announces its devices to a Home Assistant. */
export const getHomeAssistant = ({ discovery }: { discovery: DiscoveryService }) =>
  defineRoute({
    operation: 'networks.homeAssistant.get',
    method: 'GET',
    path: '/api/v1/networks/:networkId/home-assistant',
    access: 'networks.read',
    cost: COSTS.read,
    audit: 'none',
    summary:
      'Whether the devices of a network are announced to a Home Assistant that uses the server as its broker.',
    params: networkParamsSchema,
    response: settingSchema,
    status: 200,
    errors: ['network_not_found'],
    handle: async ({ actor, params }) => ({
      announces: await discovery.isOn(actor, asId<NetworkId>(params.networkId)),
    }),
  });

/** Switches that. */
export const setHomeAssistant = ({ discovery }: { discovery: DiscoveryService }) =>
  defineRoute({
    operation: 'networks.homeAssistant.set',
    method: 'PUT',
    path: '/api/v1/networks/:networkId/home-assistant',
    access: 'networks.manage',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Announces the devices of a network to a Home Assistant, with their last values, in the topics of the network; or takes that back.',
    params: networkParamsSchema,
    body: z.strictObject({ announces: z.boolean() }),
    response: settingSchema,
    status: 200,
    errors: ['network_not_found'],
    async handle({ actor, params, body }) {
      await discovery.setOn(actor, asId<NetworkId>(params.networkId), body.announces);
      return { announces: body.announces };
    },
  });
