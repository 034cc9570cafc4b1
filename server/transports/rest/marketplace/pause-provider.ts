import type { RegistrationService } from '../../../domains/registrations/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { providerParams, registrationSchema, registrationToJson } from './registration-schemas.ts';

interface Services {
  readonly registrations: RegistrationService;
}

const pausing = {
  method: 'POST',
  access: 'market.sell',
  cost: COSTS.write,
  audit: 'change',
  params: providerParams,
  response: registrationSchema,
  status: 200,
  errors: ['provider_not_found'],
} as const;

/** Stops selling for a while. */
export const pauseProvider = ({ registrations }: Services) =>
  defineRoute({
    ...pausing,
    operation: 'marketplace.providers.pause',
    path: '/api/v1/marketplace/providers/:providerId/pause',
    summary: 'Pauses a provider of yours: it gets no new requests, and finishes those it has.',
    handle: async ({ actor, params }) =>
      registrationToJson(await registrations.setActive(actor, params.providerId, false)),
  });

/** Sells again. */
export const resumeProvider = ({ registrations }: Services) =>
  defineRoute({
    ...pausing,
    operation: 'marketplace.providers.resume',
    path: '/api/v1/marketplace/providers/:providerId/resume',
    summary: 'Lets a provider of yours that you paused sell again.',
    handle: async ({ actor, params }) =>
      registrationToJson(await registrations.setActive(actor, params.providerId, true)),
  });
