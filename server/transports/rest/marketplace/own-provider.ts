import type { ProviderService } from '../../../domains/providers/index.ts';
import type { Registration } from '../../../domains/registrations/index.ts';
import type { Actor } from '../../../kernel/actor.ts';
import { registrationSchema, registrationToJson } from './registration-schemas.ts';
import { providerSchema, providerToJson } from './schemas.ts';

export { providerToJson };

/** A provider; to its owner with its registration. */
export const registeredProviderSchema = providerSchema
  .extend({
    registration: registrationSchema
      .optional()
      .describe('Of a provider of yours. Without a place on the market the rest is empty.'),
  })
  .meta({ id: 'RegisteredProvider' });

/** A provider as its owner sees it, on the market or not. */
export async function ownProviderToJson(
  actor: Actor,
  registration: Registration,
  providers: Pick<ProviderService, 'getProvider'>,
) {
  const { providerId: id, withheld } = registration;
  const listed =
    withheld === null
      ? providerToJson(await providers.getProvider(actor, id))
      : {
          id,
          slots: 0,
          quality: 0,
          latency: 0,
          availability: 0,
          models: [],
          checks: [],
          ...declared(registration),
        };
  return { ...listed, registration: registrationToJson(registration) };
}

function declared({ terms: { dataPolicy, hardware } }: Registration) {
  return { dataPolicy, hardware };
}
