import { describe, expect, it } from 'vitest';
import { checkTerms, judgeTerms } from '../../../server/domains/registrations/rules.ts';
import type { ProviderTerms, TermsInput } from '../../../server/domains/registrations/types.ts';

const input: TermsInput = {
  models: [{ name: 'm', prices: '25', contextTokensMax: null }],
  slots: 2,
  hours: null,
  sharing: 'everybody',
  qualityMin: null,
  waitSecondsMax: null,
  dataPolicy: null,
  hardware: null,
};
const terms = (changes: Partial<TermsInput> = {}): ProviderTerms => checkTerms({ ...input, ...changes });
const earlier = (changes = {}) => ({
  terms: terms(),
  state: 'approved' as const,
  isRefusedByOperator: false,
  ...changes,
});

describe('terms', () => {
  const model = { name: 'm', prices: '25', contextTokensMax: null };
  it.each<[string, Partial<TermsInput>, string]>([
    ['a negative price', { models: [{ ...model, prices: '-1' }] }, 'models.0.prices'],
    ['a price that is no number', { models: [{ ...model, prices: 'NaN' }] }, 'models.0.prices'],
    ['an endless price', { models: [{ ...model, prices: 'Infinity' }] }, 'models.0.prices'],
    ['a price beyond the cap', { models: [{ ...model, prices: '1000001' }] }, 'models.0.prices'],
    ['seven decimals', { models: [{ ...model, prices: '0.0000001' }] }, 'models.0.prices'],
    [
      'a cached prompt that is dearer than another',
      { models: [{ ...model, prices: { prompt: '1', cachedPrompt: '2', completion: '1' } }] },
      'models.0.prices',
    ],
    ['a model twice', { models: [model, model] }, 'models.1.name'],
    ['no model', { models: [] }, 'models.length'],
    ['a name that asks for any model', { models: [{ ...model, name: 'auto' }] }, 'models.0.name'],
    ['no slot', { slots: 0 }, 'slots'],
    ['a quality beyond all', { qualityMin: 1.1 }, 'qualityMin'],
    ['a wait below none', { waitSecondsMax: -1 }, 'waitSecondsMax'],
    ['a wait that is no number', { waitSecondsMax: Number.NaN }, 'waitSecondsMax'],
  ])('with %s are refused, and say where', (_, changes, path) => {
    let problems: unknown = null;
    try {
      terms(changes);
    } catch (error) {
      problems = (error as { details?: { problems?: unknown } }).details?.problems;
    }
    expect(problems).toEqual([expect.objectContaining({ path })]);
  });
});

describe('by rule', () => {
  it('what is valid is approved, once', () => {
    expect(judgeTerms(terms(), null, 'rule')).toMatchObject({ outcome: 'approved', rule: 'valid' });
    expect(judgeTerms(terms({ slots: 9 }), earlier(), 'rule')).toBeNull();
  });

  it('an operator’s refusal stays, whatever its owner changes, even by way of its own tenant', () => {
    const refused = earlier({ state: 'refused', isRefusedByOperator: true });
    expect(judgeTerms(terms({ slots: 9 }), refused, 'rule')).toMatchObject({
      outcome: 'waiting',
      rule: 'changed_after_refusal',
    });
    const own = terms({ sharing: 'own_tenant' });
    expect(judgeTerms(own, refused, 'rule')).toMatchObject({ outcome: 'approved', rule: 'own_tenant' });
    const sharedWithOwn = earlier({ terms: own, isRefusedByOperator: true });
    expect(judgeTerms(terms(), sharedWithOwn, 'rule')).toMatchObject({ outcome: 'waiting' });
  });
});

describe('by hand', () => {
  it('what is new waits, and what serves nobody else does not', () => {
    expect(judgeTerms(terms(), null, 'hand')).toMatchObject({ outcome: 'waiting', rule: 'by_hand' });
    const own = terms({ sharing: 'own_tenant' });
    expect(judgeTerms(own, null, 'hand')).toMatchObject({ outcome: 'approved', rule: 'own_tenant' });
    expect(judgeTerms(own, earlier({ terms: own }), 'hand')).toBeNull();
  });

  it('what was approved may change its price, and waits again with another model or for more people', () => {
    const cheaper = terms({
      models: [{ ...input.models[0], name: 'm', prices: '1', contextTokensMax: null }],
    });
    expect(judgeTerms(cheaper, earlier(), 'hand')).toBeNull();
    const other = terms({ models: [{ name: 'n', prices: '25', contextTokensMax: null }] });
    expect(judgeTerms(other, earlier(), 'hand')).toMatchObject({ outcome: 'waiting' });
    const shared = earlier({ terms: terms({ sharing: 'own_tenant' }) });
    expect(judgeTerms(terms(), shared, 'hand')).toMatchObject({ outcome: 'waiting' });
  });
});
