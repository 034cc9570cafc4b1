import { z } from 'zod';
import type { ProviderService } from '../../../domains/providers/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { providerSchema, providerToJson } from './schemas.ts';

/** Who serves now. */
export const listProviders = ({ providers }: { providers: ProviderService }) =>
  defineRoute({
    operation: 'marketplace.providers.list',
    method: 'GET',
    path: '/api/v1/marketplace/providers',
    access: 'market.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Who serves now, what, and for how much.',
    response: z.object({ items: z.array(providerSchema) }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => ({ items: (await providers.listProviders(actor)).map(providerToJson) }),
  });
