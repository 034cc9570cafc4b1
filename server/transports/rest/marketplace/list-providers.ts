import { z } from 'zod';
import type { ProviderId, ProviderService } from '../../../domains/providers/index.ts';
import type { RegistrationService } from '../../../domains/registrations/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idCursor, pageQuery, pageSchema } from '../paging.ts';
import { ownProviderToJson, providerToJson, registeredProviderSchema } from './own-provider.ts';

const cursor = idCursor<ProviderId>();

/** Who serves now, a page at a time; or one's own, whether they serve or not. */
export const listProviders = (services: { providers: ProviderService; registrations: RegistrationService }) =>
  defineRoute({
    operation: 'marketplace.providers.list',
    method: 'GET',
    path: '/api/v1/marketplace/providers',
    access: 'market.read',
    cost: COSTS.write,
    audit: 'none',
    summary:
      'Who serves now, what, and for how much. With `mine=true` the registered providers of your tenant, which takes `market.sell`.',
    query: pageQuery(cursor).extend({ mine: z.enum(['true', 'false']).default('false') }),
    response: pageSchema(registeredProviderSchema),
    status: 200,
    errors: [],
    async handle({ actor, query: { mine, after, limit } }) {
      if (mine === 'false') {
        const page = await services.providers.listProviders(actor, after ?? null, limit);
        return { items: page.items.map(providerToJson), next: cursor.next(page.next) };
      }
      const page = await services.registrations.list(actor, after ?? null, limit);
      const items = page.items.map((registration) =>
        ownProviderToJson(actor, registration, services.providers),
      );
      return { items: await Promise.all(items), next: cursor.next(page.next) };
    },
  });
