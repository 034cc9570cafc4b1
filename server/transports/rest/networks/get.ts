import type { NetworkService } from '../../../domains/networks/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { networkParamsSchema, networkSchema, networkToJson } from './schemas.ts';

/** One network that the caller may see. */
export const getNetwork = ({ networks }: { networks: NetworkService }) =>
  defineRoute({
    operation: 'networks.get',
    method: 'GET',
    path: '/api/v1/networks/:networkId',
    access: 'networks.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'One of your networks.',
    params: networkParamsSchema,
    response: networkSchema,
    status: 200,
    errors: ['network_not_found'],
    handle: async ({ actor, params }) =>
      networkToJson(await networks.getNetwork(actor, asId<NetworkId>(params.networkId))),
  });
