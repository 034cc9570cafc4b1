import type { RegistrationService } from '../../../domains/registrations/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { registerBody, registrationSchema, registrationToJson, toTerms } from './registration-schemas.ts';

/** Registers a device as a provider. */
export const registerProvider = ({ registrations }: { registrations: RegistrationService }) =>
  defineRoute({
    operation: 'marketplace.providers.register',
    method: 'POST',
    path: '/api/v1/marketplace/providers/register',
    access: 'market.sell',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Registers a device of yours as a provider: what may be sold of it, when, to whom, for how much.',
    body: registerBody,
    response: registrationSchema,
    status: 201,
    errors: ['invalid_input', 'device_not_found', 'provider_already_registered', 'limit_reached'],
    handle: async ({ actor, body: { deviceId, isActive, ...terms } }) =>
      registrationToJson(
        await registrations.register(actor, asId<DeviceId>(deviceId), toTerms(terms), isActive),
      ),
  });
