import { z } from 'zod';
import type { ProviderService } from '../../../domains/providers/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { providerSchema, providerToJson } from './schemas.ts';

/** A provider that serves now. */
export const getProvider = ({ providers }: { providers: ProviderService }) =>
  defineRoute({
    operation: 'marketplace.providers.get',
    method: 'GET',
    path: '/api/v1/marketplace/providers/:providerId',
    access: 'market.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'A provider that serves now.',
    params: z.strictObject({ providerId: idSchema }),
    response: providerSchema,
    status: 200,
    errors: ['provider_not_found'],
    handle: async ({ actor, params }) =>
      providerToJson(await providers.getProvider(actor, params.providerId)),
  });
