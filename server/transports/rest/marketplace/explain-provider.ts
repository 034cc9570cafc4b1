import { z } from 'zod';
import type { RegistrationService } from '../../../domains/registrations/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { explainedProviderSchema } from './explained-schemas.ts';

/** Why a provider has the work that it has. */
export const explainProvider = ({ registrations }: { registrations: RegistrationService }) =>
  defineRoute({
    operation: 'marketplace.providers.why',
    method: 'GET',
    path: '/api/v1/marketplace/providers/:providerId/why',
    access: 'market.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Why a provider of yours gets no work, or little: by its id or that of its device.',
    params: z.strictObject({ providerId: idSchema }),
    response: explainedProviderSchema,
    status: 200,
    errors: ['provider_not_found'],
    handle: async ({ actor, params }) => {
      const { models, ...provider } = await registrations.explain(actor, params.providerId);
      return { ...provider, models: models.map((model) => ({ ...model, reasons: [...model.reasons] })) };
    },
  });
