import type { NetworkService } from '../../../domains/networks/index.ts';
import type { NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { networkSchema, networkToJson } from './schemas.ts';

const cursor = timeCursor<NetworkId>();

/** The networks that the caller may see, a page at a time. */
export const listNetworks = ({ networks }: { networks: NetworkService }) =>
  defineRoute({
    operation: 'networks.list',
    method: 'GET',
    path: '/api/v1/networks',
    access: 'networks.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Your networks.',
    query: pageQuery(cursor),
    response: pageSchema(networkSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await networks.listNetworks(actor, query.after ?? null, query.limit);
      return { items: page.items.map(networkToJson), next: cursor.next(page.next) };
    },
  });
