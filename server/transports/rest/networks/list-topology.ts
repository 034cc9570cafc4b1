import type { TopologyService } from '../../../domains/topology/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { networkParamsSchema } from './schemas.ts';
import { topologyDeviceSchema, topologyDeviceToJson } from './topology-schemas.ts';

const cursor = timeCursor<DeviceId>();

/** How the devices of a network are connected. */
export const listTopology = ({ topology }: { topology: TopologyService }) =>
  defineRoute({
    operation: 'networks.topology.list',
    method: 'GET',
    path: '/api/v1/networks/:networkId/topology',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'The devices of a network, how each is connected, and how it is.',
    params: networkParamsSchema,
    query: pageQuery(cursor),
    response: pageSchema(topologyDeviceSchema),
    status: 200,
    errors: ['network_not_found'],
    handle: async ({ actor, params, query }) => {
      const networkId = asId<NetworkId>(params.networkId);
      const page = await topology.listDevices(actor, networkId, query.after ?? null, query.limit);
      return { items: page.items.map(topologyDeviceToJson), next: cursor.next(page.next) };
    },
  });
