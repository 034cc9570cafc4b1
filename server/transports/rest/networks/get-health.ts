import type { TopologyService } from '../../../domains/topology/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { networkParamsSchema } from './schemas.ts';
import { networkHealthSchema } from './topology-schemas.ts';

/** How a network is. */
export const getNetworkHealth = ({ topology }: { topology: TopologyService }) =>
  defineRoute({
    operation: 'networks.health.get',
    method: 'GET',
    path: '/api/v1/networks/:networkId/health',
    access: 'devices.read',
    cost: COSTS.connection,
    audit: 'none',
    summary: 'How a network is: its devices by health, and what they can do.',
    params: networkParamsSchema,
    response: networkHealthSchema,
    status: 200,
    errors: ['network_not_found'],
    handle: async ({ actor, params }) => {
      const { status, counts, capabilities } = await topology.getHealth(
        actor,
        asId<NetworkId>(params.networkId),
      );
      const { sensors, actuators, commands } = capabilities;
      return {
        status,
        counts: { ...counts },
        capabilities: { sensors: [...sensors], actuators: [...actuators], commands: [...commands] },
      };
    },
  });
