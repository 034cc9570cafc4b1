import { z } from 'zod';
import type { NetworkService } from '../../../domains/networks/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { networkParamsSchema, networkSchema, networkToJson } from './schemas.ts';

/** Renames a network. */
export const updateNetwork = ({ networks }: { networks: NetworkService }) =>
  defineRoute({
    operation: 'networks.update',
    method: 'PUT',
    path: '/api/v1/networks/:networkId',
    access: 'networks.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Gives a network another name.',
    params: networkParamsSchema,
    body: z.strictObject({ name: nameSchema }),
    response: networkSchema,
    status: 200,
    errors: ['network_not_found', 'network_name_taken'],
    handle: async ({ actor, params, body }) =>
      networkToJson(await networks.renameNetwork(actor, asId<NetworkId>(params.networkId), body.name)),
  });
