import { askAll } from '../../api/http.ts';
import type { Provider } from '../../api/types.ts';

/** A model as one provider serves it. */
export interface Offer {
  readonly provider: Provider;
  readonly model: Provider['models'][number];
}

/** A model with all that offer it, the cheapest first. */
export interface OfferedModel {
  readonly name: string;
  readonly offers: readonly [Offer, ...Offer[]];
  /** The best of them. */
  readonly quality: number;
  readonly latency: number;
}

/** What people order models by. */
export const ORDERS = ['price', 'quality', 'latency'] as const;
export type Order = (typeof ORDERS)[number];

/** Half of it prompt, as the market compares prices. */
const meanPrice = ({ model: { pricesCentsPer1000Tokens: price } }: Offer): number =>
  (Number(price.prompt) + Number(price.completion)) / 2;

/** Every model that is on the market now. */
export async function readMarket(): Promise<readonly OfferedModel[]> {
  const offers = new Map<string, Offer[]>();
  await askAll<Provider>('/marketplace/providers', (providers) => {
    for (const provider of providers) {
      for (const model of provider.models) {
        const known = offers.get(model.name) ?? [];
        known.push({ provider, model });
        offers.set(model.name, known);
      }
    }
  });
  return [...offers].flatMap(([name, found]) => {
    const [first, ...others] = found.sort((a, b) => meanPrice(a) - meanPrice(b));
    if (first === undefined) return [];
    const best = (part: 'quality' | 'latency') => Math.max(...found.map(({ provider }) => provider[part]));
    return [
      { name, offers: [first, ...others] as const, quality: best('quality'), latency: best('latency') },
    ];
  });
}

/** Those whose name has this in it, in an order. */
export function findModels(
  models: readonly OfferedModel[],
  wanted: string,
  order: Order,
): readonly OfferedModel[] {
  const text = wanted.trim().toLocaleLowerCase();
  const rank = (model: OfferedModel) => (order === 'price' ? meanPrice(model.offers[0]) : -model[order]);
  return models
    .filter(({ name }) => name.toLocaleLowerCase().includes(text))
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}
