import { z } from 'zod';
import type { RegistrationService } from '../../../domains/registrations/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { providerParams, registrationSchema, registrationToJson } from './registration-schemas.ts';

/** Tests a provider by a real request. */
export const testProvider = ({ registrations }: { registrations: RegistrationService }) =>
  defineRoute({
    operation: 'marketplace.providers.test',
    method: 'POST',
    path: '/api/v1/marketplace/providers/:providerId/test',
    access: 'market.sell',
    cost: COSTS.completion,
    audit: 'change',
    summary:
      'Sends a small request to a provider of yours and measures it: `lastTest` of the answer. Nobody pays it, and the market learns nothing from it.',
    params: providerParams,
    body: z.strictObject({ model: z.string().min(1).max(128).optional().describe('Else its first one.') }),
    response: registrationSchema,
    status: 200,
    errors: ['provider_not_found', 'provider_not_serving', 'provider_busy', 'rate_limited'],
    handle: async ({ actor, params, body }) =>
      registrationToJson(await registrations.test(actor, params.providerId, body.model ?? null)),
  });
