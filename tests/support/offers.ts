import { LiveProvider, ProviderStanding } from '../../server/domains/providers/live-provider.ts';
import { type Eligible, ModelMarket } from '../../server/domains/providers/model-market.ts';
import type { RunningRequest } from '../../server/domains/providers/pace.ts';
import type { ChoiceWish } from '../../server/domains/providers/selection.ts';
import { asId, type DeviceId, type TenantId } from '../../server/kernel/ids.ts';

/** An offer of model `m`, at one price in whole cents for everything, of an owner of its own. */
export function offerOf(id: string, priceCents: number, slots = 2, owner = id): Eligible {
  const price = BigInt(priceCents) * 1_000_000n;
  const prices = { prompt: price, cachedPrompt: price, completion: price };
  const tenantId = asId<TenantId>(owner);
  const link = { request: () => true, grant: () => true, cancel: () => true };
  const standing = new ProviderStanding(tenantId);
  for (let place = 1; place <= slots; place++) {
    standing.slotLimit.observeFirstText({ place, promptTokens: 0, startedMs: 0 }, 1, 0);
  }
  const provider = new LiveProvider({ id, deviceId: asId<DeviceId>(id), tenantId, link }, standing, {
    slots,
    models: [{ name: 'm', prices, contextTokens: 100, continuesAnswers: false }],
  });
  return { provider, model: provider.models[0] as Eligible['model'] };
}

/** A market in which everybody has had work before. */
export function marketOf(offers: readonly Eligible[], nowMs = 0): ModelMarket {
  const market = new ModelMarket();
  for (const offer of offers) {
    offer.provider.standing.givenAtMs ??= nowMs;
    market.add(offer, nowMs);
  }
  return market;
}

/** A request that its provider works on, and hasn't begun to answer. */
export const waitingRequest = (changes: Partial<RunningRequest> = {}): RunningRequest => ({
  modelName: 'm',
  promptTokens: 0,
  place: 1,
  startedMs: 0,
  lastTextMs: null,
  ...changes,
});

/** A request that may go to everybody, whatever the price. */
export const wishOf = (changes: Partial<ChoiceWish> = {}): ChoiceWish => ({
  among: null,
  accountId: 'somebody',
  expectedTokens: 100,
  priceMax: Number.POSITIVE_INFINITY,
  cachedAt: null,
  ...changes,
});
