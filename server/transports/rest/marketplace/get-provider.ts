import type { ProviderService } from '../../../domains/providers/index.ts';
import type { RegistrationService } from '../../../domains/registrations/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { ownProviderToJson, providerToJson, registeredProviderSchema } from './own-provider.ts';
import { providerParams } from './registration-schemas.ts';

/** A provider that serves now, or is one's own. */
export const getProvider = ({
  providers,
  registrations,
}: {
  providers: ProviderService;
  registrations: RegistrationService;
}) =>
  defineRoute({
    operation: 'marketplace.providers.get',
    method: 'GET',
    path: '/api/v1/marketplace/providers/:providerId',
    access: 'market.read',
    cost: COSTS.read,
    audit: 'none',
    summary:
      'A provider that serves now; or one of yours, by its id or that of its device, with its registration, whether it serves or not.',
    params: providerParams,
    response: registeredProviderSchema,
    status: 200,
    errors: ['provider_not_found'],
    async handle({ actor, params: { providerId } }) {
      const own = await registrations.find(actor, providerId);
      if (own !== null) return ownProviderToJson(actor, own, providers);
      return providerToJson(await providers.getProvider(actor, providerId));
    },
  });
