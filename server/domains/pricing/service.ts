import type { PriceRequest, PriceResult, SplitResult } from '../../../assembly/host/index.ts';
import { AppError, InvariantError } from '../../kernel/errors.ts';
import type { Cents } from '../../kernel/money.ts';

/** The part of the compute core that knows prices. */
export interface PricingCore {
  price(request: PriceRequest): PriceResult;
  split(costMicrocents: bigint, commissionBasisPoints: number): SplitResult;
}

const MICROCENTS_PER_CENT = 1_000_000n;

/** A cost and who gets it: `costCents = feeCents + earningsCents`. */
export interface Price {
  readonly costCents: Cents;
  readonly feeCents: Cents;
  readonly earningsCents: Cents;
}

/** Prices as the rest of the server sees them. */
export type PricingService = ReturnType<typeof createPricingService>;

/** Makes the pricing service; `commissionBasisPoints` is the platform's share. */
export function createPricingService(
  options: { readonly commissionBasisPoints: number },
  dependencies: { readonly core: PricingCore },
) {
  const { core } = dependencies;
  return {
    /**
     * What `tokens` cost, in whole cents rounded up, shared between platform and provider. Refuses with
     * `amount_out_of_range` what no amount can hold.
     */
    price(tokens: number, priceCentsPer1000Tokens: Cents): Price {
      const price = priceCentsPer1000Tokens * MICROCENTS_PER_CENT;
      const priced = core.price({
        tokens: { prompt: BigInt(tokens), cachedPrompt: 0n, completion: 0n },
        priceMicrocentsPer1000Tokens: { prompt: price, cachedPrompt: price, completion: price },
        roundingUnitMicrocents: MICROCENTS_PER_CENT,
      });
      if (!priced.ok) throw new AppError('invalid', 'amount_out_of_range', 'The cost is out of range.');
      const costCents = priced.costMicrocents / MICROCENTS_PER_CENT;
      // A split is the same in any unit. In whole cents the fee is rounded to a whole cent.
      const shares = core.split(costCents, options.commissionBasisPoints);
      if (!shares.ok) throw new InvariantError('the commission is out of range');
      return { costCents, feeCents: shares.feeMicrocents, earningsCents: shares.earningsMicrocents };
    },
  };
}
