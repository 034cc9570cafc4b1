import type { PriceRequest, PriceResult, SplitResult } from '../../../assembly/host/index.ts';
import { AppError, InvariantError } from '../../kernel/errors.ts';
import type { Microcents } from '../../kernel/money.ts';
import type { TokenCounts, TokenPrices } from './prices.ts';

/** The part of the compute core that knows prices. */
export interface PricingCore {
  price(request: PriceRequest): PriceResult;
  split(costMicrocents: bigint, commissionBasisPoints: number): SplitResult;
}

/** Settings of prices. */
export interface PricingOptions {
  /** The platform's share of a cost, in hundredths of a percent. */
  readonly commissionBasisPoints: number;
  /** A cost is rounded up to a multiple of this: 1, or 1,000,000 for whole cents. */
  readonly roundingUnitMicrocents: Microcents;
  /** What a request costs that a machine of its requester's own serves; 0: nothing. */
  readonly ownRequestMicrocents: Microcents;
}

/** A cost and who gets it: `costMicrocents = feeMicrocents + earningsMicrocents`. */
export interface Price {
  readonly costMicrocents: Microcents;
  readonly feeMicrocents: Microcents;
  readonly earningsMicrocents: Microcents;
}

/** Prices as the rest of the server sees them. */
export interface PricingService {
  /**
   * What `tokens` cost, rounded up to the unit once, shared between platform and provider. Refuses with
   * `amount_out_of_range` what no amount can hold.
   */
  price(tokens: TokenCounts, prices: TokenPrices): Price;
  /** The flat price for carrying a request to a machine of its requester's own: all of it is the platform's. */
  readonly ownRequestMicrocents: Microcents;
}

/** The largest amount the ledger's 64-bit columns hold. */
const AMOUNT_MICROCENTS_MAX = 2n ** 63n - 1n;

/** Makes the pricing service. */
export function createPricingService(
  options: PricingOptions,
  { core }: { readonly core: PricingCore },
): PricingService {
  return {
    ownRequestMicrocents: options.ownRequestMicrocents,
    price({ prompt, cachedPrompt, completion }, prices) {
      const priced = core.price({
        tokens: {
          prompt: BigInt(prompt),
          cachedPrompt: BigInt(cachedPrompt),
          completion: BigInt(completion),
        },
        priceMicrocentsPer1000Tokens: prices,
        roundingUnitMicrocents: options.roundingUnitMicrocents,
      });
      if (!priced.ok || priced.costMicrocents > AMOUNT_MICROCENTS_MAX) {
        throw new AppError('invalid', 'amount_out_of_range', 'The cost is out of range.');
      }
      const { costMicrocents } = priced;
      const shares = core.split(costMicrocents, options.commissionBasisPoints);
      if (!shares.ok) throw new InvariantError('the commission is out of range');
      const { feeMicrocents, earningsMicrocents } = shares;
      return { costMicrocents, feeMicrocents, earningsMicrocents };
    },
  };
}
