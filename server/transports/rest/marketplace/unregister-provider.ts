import { z } from 'zod';
import type { RegistrationService } from '../../../domains/registrations/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { providerParams } from './registration-schemas.ts';

/** Takes a provider off the market. */
export const unregisterProvider = ({ registrations }: { registrations: RegistrationService }) =>
  defineRoute({
    operation: 'marketplace.providers.unregister',
    method: 'DELETE',
    path: '/api/v1/marketplace/providers/:providerId',
    access: 'market.sell',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Takes a provider of yours off the market until it is registered again. What runs is finished, what it earned stays.',
    params: providerParams,
    response: z.object({ unregistered: z.literal(true) }),
    status: 200,
    errors: ['provider_not_found'],
    async handle({ actor, params }) {
      await registrations.unregister(actor, params.providerId);
      return { unregistered: true as const };
    },
  });
