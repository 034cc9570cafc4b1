import { describe, expect, it } from 'vitest';
import { createPricingService, parsePrices } from '../../../server/domains/pricing/index.ts';
import { createServerCore } from '../../support/core.ts';

const pricingIn = (roundingUnitMicrocents: bigint) =>
  createPricingService(
    { commissionBasisPoints: 1_200, roundingUnitMicrocents, ownRequestMicrocents: 0n },
    { core: createServerCore() },
  );
const prompt = (tokens: number) => ({ prompt: tokens, cachedPrompt: 0, completion: 0 });
const same = (price: bigint) => ({ prompt: price, cachedPrompt: price, completion: price });
const CENT = 1_000_000n;

describe('a price', () => {
  it.each([
    [0, 25n, 0n, 0n],
    [1, 25n, 25_000n, 3_000n],
    [280, 25n, 7_000_000n, 840_000n],
    [281, 25n, 7_025_000n, 843_000n],
    [1_000, 0n, 0n, 0n],
  ])(
    'of %d tokens at %d cents for 1000 is %d micro-cents, of which %d are the fee',
    (tokens, price, cost, fee) => {
      expect(pricingIn(1n).price(prompt(tokens), same(price * CENT))).toEqual({
        costMicrocents: cost,
        feeMicrocents: fee,
        earningsMicrocents: cost - fee,
      });
    },
  );

  it.each([
    [280, 7n],
    [281, 8n],
  ])('of %d tokens at 25 cents is %d whole cents where cents are the unit', (tokens, cents) => {
    const { costMicrocents, feeMicrocents } = pricingIn(CENT).price(prompt(tokens), same(25n * CENT));
    expect([costMicrocents, feeMicrocents]).toEqual([cents * CENT, (cents * CENT * 12n) / 100n]);
  });

  it('adds the three kinds of tokens, each at its own price', () => {
    const tokens = { prompt: 1_000, cachedPrompt: 2_000, completion: 3_000 };
    const { costMicrocents } = pricingIn(1n).price(tokens, {
      prompt: 30n,
      cachedPrompt: 3n,
      completion: 120n,
    });
    expect(costMicrocents).toBe(30n + 6n + 360n);
  });

  it('is refused where no amount can hold it', () => {
    expect(() => pricingIn(1n).price(prompt(Number.MAX_SAFE_INTEGER), same(1_000_000n * CENT))).toThrow(
      expect.objectContaining({ code: 'amount_out_of_range' }),
    );
  });
});

describe('prices as they come in', () => {
  it.each([
    [25, 25_000_000n],
    ['25', 25_000_000n],
    ['0.03', 30_000n],
    ['0.000001', 1n],
    [1_000_000, 1_000_000_000_000n],
  ])('%s is one price for everything', (input, price) => {
    expect(parsePrices(input)).toEqual(same(price));
  });

  it('may be three, and a cached prompt costs what a prompt does unless it is said', () => {
    expect(parsePrices({ prompt: '0.03', completion: '0.12' })).toEqual({
      prompt: 30_000n,
      cachedPrompt: 30_000n,
      completion: 120_000n,
    });
  });

  it.each([
    ['a float', 0.5],
    ['negative', -1],
    ['a negative text', '-1'],
    ['seven decimals', '0.0000001'],
    ['an exponent', '1e3'],
    ['nothing', ''],
    ['too much', 1_000_001],
    ['a dearer cached prompt', { prompt: 1, cachedPrompt: 2, completion: 1 }],
  ])('are none: %s', (_, input) => {
    expect(parsePrices(input)).toBeNull();
  });
});
