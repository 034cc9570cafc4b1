import { describe, expect, it } from 'vitest';
import { type Eligible, PLAIN_CHAT, scoredPrice } from '../../../server/domains/providers/index.ts';
import { modelsFor } from '../../../server/domains/requests/any-model.ts';
import { NO_PREFERENCES } from '../../../server/domains/requests/index.ts';
import { type AccountId, asId, type TenantId } from '../../../server/kernel/ids.ts';
import { offerOf } from '../../support/offers.ts';

const requester = { tenantId: asId<TenantId>('t'), accountId: asId<AccountId>('a') };

/** A market whose model `m00` asks 1 cent, `m01` 2, and so on; notes whose offers were looked at. */
function marketOf(count: number) {
  const looked: string[] = [];
  const offers = new Map<string, readonly Eligible[]>();
  for (let place = 0; place < count; place++) {
    const name = `m${String(place).padStart(2, '0')}`;
    offers.set(name, [eligible(name, place + 1)]);
  }
  const models = () =>
    [...offers].map(([name, [offer]]) => ({ name, lowestPrice: scoredPrice((offer as Eligible).model) }));
  const offersOf = (name: string) => {
    looked.push(name);
    return offers.get(name) ?? [];
  };
  return { looked, offers, market: { models, offersOf, nowMs: 0 } };
}

function eligible(name: string, cents: number): Eligible {
  const { provider, model } = offerOf(`p-${name}`, cents);
  return { provider, model: { ...model, name } };
}

const order = (changes = {}) => ({
  models: ['auto'],
  preferences: { ...NO_PREFERENCES, ...changes },
  task: PLAIN_CHAT,
});

describe('any model', () => {
  it('by price looks at the offers of the cheapest alone, however many there are', () => {
    const { looked, market } = marketOf(50);
    expect(modelsFor(order(), requester, market)).toEqual(['m00', 'm01', 'm02', 'm03']);
    expect(looked).toEqual(['m00', 'm01', 'm02', 'm03']);
  });

  it('goes on to dearer ones where the cheapest offer may not be taken', () => {
    const { looked, market } = marketOf(50);
    const preferences = { ignore: ['p-m00', 'p-m02'] };
    expect(modelsFor(order(preferences), requester, market)).toEqual(['m01', 'm03', 'm04', 'm05']);
    expect(looked).toHaveLength(6);
  });

  it('takes equals by name, and a model whose lowest price is nobody’s that serves in its right place', () => {
    const { offers, market } = marketOf(6);
    offers.set('m00', [eligible('m00', 4)]);
    const models = () =>
      market.models().map((model) => (model.name === 'm00' ? { ...model, lowestPrice: 0 } : model));
    expect(modelsFor(order(), requester, { ...market, models })).toEqual(['m01', 'm02', 'm00', 'm03']);
  });

  it('says why none will do', () => {
    const { market } = marketOf(3);
    expect(() => modelsFor(order({ only: ['nobody'] }), requester, market)).toThrow(
      expect.objectContaining({ code: 'no_provider_allowed' }),
    );
    const none = { models: () => [], offersOf: () => [], nowMs: 0 };
    expect(() => modelsFor(order(), requester, none)).toThrow(
      expect.objectContaining({ code: 'model_not_found' }),
    );
  });
});
