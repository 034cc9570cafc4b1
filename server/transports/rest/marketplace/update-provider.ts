import type { RegistrationService } from '../../../domains/registrations/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import {
  providerParams,
  registrationSchema,
  registrationToJson,
  toTerms,
  updateBody,
} from './registration-schemas.ts';

/** Changes what a provider sells. */
export const updateProvider = ({ registrations }: { registrations: RegistrationService }) =>
  defineRoute({
    operation: 'marketplace.providers.update',
    method: 'PUT',
    path: '/api/v1/marketplace/providers/:providerId',
    access: 'market.sell',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Changes the whole registration of a provider of yours, by its id or that of its device. What runs goes on at its price.',
    params: providerParams,
    body: updateBody,
    response: registrationSchema,
    status: 200,
    errors: ['invalid_input', 'provider_not_found'],
    handle: async ({ actor, params, body: { isActive, ...terms } }) =>
      registrationToJson(await registrations.update(actor, params.providerId, toTerms(terms), isActive)),
  });
