import { describe, expect, it } from 'vitest';
import { createPricingService } from '../../../server/domains/pricing/index.ts';
import { createServerCore } from '../../support/core.ts';

const pricing = createPricingService({ commissionBasisPoints: 1_200 }, { core: createServerCore() });

describe('a price', () => {
  it.each([
    [0, 25n, 0n, 0n],
    [1, 25n, 1n, 0n],
    [280, 25n, 7n, 1n],
    [1_000, 25n, 25n, 3n],
    [1_001, 25n, 26n, 3n],
    [1_000, 0n, 0n, 0n],
  ])(
    'of %d tokens at %d cents for 1000 is %d cents, of which %d are the fee',
    (tokens, price, costCents, feeCents) => {
      expect(pricing.price(tokens, price)).toEqual({
        costCents,
        feeCents,
        earningsCents: costCents - feeCents,
      });
    },
  );

  it('is refused where no amount can hold it', () => {
    expect(() => pricing.price(Number.MAX_SAFE_INTEGER, 1_000_000n)).toThrow(
      expect.objectContaining({ code: 'amount_out_of_range' }),
    );
  });
});
