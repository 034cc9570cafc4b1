import type { SellingRegistrations } from '../../server/domains/providers/index.ts';
import {
  type Approval,
  createRegistrationService,
  createRegistrationStore,
  type TermsInput,
} from '../../server/domains/registrations/index.ts';
import { notFound } from '../../server/kernel/errors.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { addOwner } from './actors.ts';
import type { TestDatabase } from './database.ts';
import { silentLogger } from './logger.ts';
import { createMarket, FakeProvider, type MarketOptions } from './market.ts';

/** What a test sells, where it doesn't say otherwise. */
export const SOLD: TermsInput = {
  models: [{ name: 'm', prices: '25', contextTokensMax: null }],
  slots: 4,
  hours: null,
  sharing: 'everybody',
  qualityMin: null,
  waitSecondsMax: null,
  dataPolicy: null,
  hardware: null,
};

/** A marketplace on a real database in which registrations bind. */
export function createRegisteredMarket(
  db: TestDatabase,
  approval: Approval = 'rule',
  options: MarketOptions = {},
) {
  const { database } = db;
  const registrations: SellingRegistrations = {
    termsOf: (device, offer) => service.termsOf(device, offer),
  };
  const market = createMarket(db, { ...options, registrations });
  const service = createRegistrationService(
    { approval },
    {
      store: createRegistrationStore(database),
      market: market.providers,
      devices: {
        requireOwn: async (actor, deviceId) => {
          const [row] = await database.read(
            actor,
            (sql) => sql`SELECT id FROM devices WHERE tenant_id = ${actor.tenantId} AND id = ${deviceId}`,
          );
          if (row === undefined) throw notFound('device');
        },
      },
      tokens: market.tokens,
      clock: market.clock,
      random: createSystemRandom(),
      logger: silentLogger,
    },
  );
  return {
    ...market,
    registrations: service,
    /** A device that is there, and whose program isn't connected. */
    async device(): Promise<FakeProvider> {
      const provider = new FakeProvider();
      const { tenantId, deviceId } = provider.actor;
      await addOwner(database, provider.owner);
      await database.tenant(
        provider.owner,
        (sql) => sql`
          INSERT INTO devices (id, tenant_id, name, world_type, token_id, token_hash, signing_key_sealed)
          VALUES (${deviceId}, ${tenantId}, ${deviceId}, 'midgard', ${deviceId},
            ${Buffer.from(deviceId.replaceAll('-', '').repeat(2), 'hex')}, ${Buffer.alloc(1)})`,
      );
      return provider;
    },
    /** Its program connects, and announces these models at this price in cents, at eight requests at a time. */
    announce(provider: FakeProvider, price = '1000', models = ['m']): Promise<void> {
      return market.providers.offer(provider.actor, provider.link, {
        slots: 8,
        models: models.map((name) => ({ name, prices: price, contextTokens: 8_192 })),
      });
    },
  };
}
