import { z } from 'zod';
import type { NetworkService } from '../../../domains/networks/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { networkParamsSchema } from './schemas.ts';

/** Deletes a network. */
export const removeNetwork = ({ networks }: { networks: NetworkService }) =>
  defineRoute({
    operation: 'networks.remove',
    method: 'DELETE',
    path: '/api/v1/networks/:networkId',
    access: 'networks.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Deletes a network with the frames that are stored in it. Its devices stay, without it.',
    params: networkParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['network_not_found'],
    handle: async ({ actor, params }) => {
      await networks.removeNetwork(actor, asId<NetworkId>(params.networkId));
      return { removed: true as const };
    },
  });
