import type { ProviderId, ProviderService } from '../../../domains/providers/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idCursor, pageQuery, pageSchema } from '../paging.ts';
import { providerSchema, providerToJson } from './schemas.ts';

const cursor = idCursor<ProviderId>();

/** Who serves now, a page at a time. */
export const listProviders = ({ providers }: { providers: ProviderService }) =>
  defineRoute({
    operation: 'marketplace.providers.list',
    method: 'GET',
    path: '/api/v1/marketplace/providers',
    access: 'market.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Who serves now, what, and for how much.',
    query: pageQuery(cursor),
    response: pageSchema(providerSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await providers.listProviders(actor, query.after ?? null, query.limit);
      return { items: page.items.map(providerToJson), next: cursor.next(page.next) };
    },
  });
