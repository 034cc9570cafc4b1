import type { NetworkService } from '../../../domains/networks/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuerySchema, pageSchema } from '../paging.ts';
import { networkSchema, networkToJson } from './schemas.ts';

export const listNetworks = ({ networks }: { networks: NetworkService }) =>
  defineRoute({
    operation: 'networks.list',
    method: 'GET',
    path: '/api/v1/networks',
    access: 'networks.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Your networks.',
    query: pageQuerySchema,
    response: pageSchema(networkSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const after = query.after === undefined ? null : asId<NetworkId>(query.after);
      const page = await networks.listNetworks(actor, after, query.limit);
      return { items: page.items.map(networkToJson), next: page.next };
    },
  });
