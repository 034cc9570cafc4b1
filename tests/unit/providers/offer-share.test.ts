import { describe, expect, it } from 'vitest';
import {
  TENANT_MODEL_NAMES_MAX,
  TENANT_OFFERED_MODELS_MAX,
  TENANT_PROVIDERS_MAX,
} from '../../../server/domains/providers/limits.ts';
import { requireShare } from '../../../server/domains/providers/offer-rules.ts';

const PRICES = { prompt: 0n, cachedPrompt: 0n, completion: 0n };
const offerOf = (...names: string[]) => ({
  slots: 1,
  models: names.map((name) => ({ name, prices: PRICES, contextTokens: 1, continuesAnswers: false })),
});
const namesTo = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);
const times = (count: number, names: string[]) => Array.from({ length: count }, () => offerOf(...names));
const refused = (max: number) =>
  expect.objectContaining({ kind: 'conflict', code: 'limit_reached', details: { max } });

describe('the share of a tenant in what everybody reads', () => {
  it('is a number of providers', () => {
    requireShare(times(TENANT_PROVIDERS_MAX - 1, ['m']), offerOf('m'));
    expect(() => requireShare(times(TENANT_PROVIDERS_MAX, ['m']), offerOf('m'))).toThrow(
      refused(TENANT_PROVIDERS_MAX),
    );
  });

  it('is a number of models, each counted for each provider', () => {
    const names = namesTo(TENANT_MODEL_NAMES_MAX);
    const others = times(TENANT_OFFERED_MODELS_MAX / TENANT_MODEL_NAMES_MAX - 1, names);
    requireShare(others, offerOf(...names));
    expect(() => requireShare([...others, offerOf('m0')], offerOf(...names))).toThrow(
      refused(TENANT_OFFERED_MODELS_MAX),
    );
  });

  it('is a number of names', () => {
    const others = [offerOf(...namesTo(TENANT_MODEL_NAMES_MAX))];
    requireShare(others, offerOf('m0'));
    expect(() => requireShare(others, offerOf('another'))).toThrow(refused(TENANT_MODEL_NAMES_MAX));
  });
});
