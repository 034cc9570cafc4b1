import { z } from 'zod';
import type { RegistrationService } from '../../../domains/registrations/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import {
  providerParams,
  registrationToDecideSchema,
  registrationToDecideToJson,
} from '../marketplace/registration-schemas.ts';
import { nameSchema } from '../schemas.ts';

/** An operator decides about a provider. */
export const decideRegistration = ({ registrations }: { registrations: RegistrationService }) =>
  defineRoute({
    operation: 'admin.providers.decide',
    method: 'POST',
    path: '/api/v1/admin/provider-registrations/:providerId/decision',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Approves or refuses the registration of a provider, also one that was decided about before. Its owner reads the reason.',
    params: providerParams,
    body: z.strictObject({ outcome: z.enum(['approved', 'refused']), reason: nameSchema }),
    response: registrationToDecideSchema,
    status: 200,
    errors: ['provider_not_found'],
    handle: async ({ actor, params, body }) =>
      registrationToDecideToJson(
        await registrations.decide(actor, params.providerId, body.outcome, body.reason),
      ),
  });
