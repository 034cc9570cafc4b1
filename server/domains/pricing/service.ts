import { AppError, InvariantError } from '../../kernel/errors.ts';
import { AMOUNT_CENTS_MAX, type Cents } from '../../kernel/money.ts';

/** The part of the compute core that knows prices. */
export interface PricingCore {
  priceCents(
    tokens: bigint,
    priceCentsPer1000Tokens: bigint,
  ): { readonly ok: true; readonly costCents: bigint } | { readonly ok: false; readonly reason: string };
  split(
    costCents: bigint,
    commissionBasisPoints: number,
  ):
    | { readonly ok: true; readonly feeCents: bigint; readonly earningsCents: bigint }
    | { readonly ok: false; readonly reason: string };
}

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
      const priced = core.priceCents(BigInt(tokens), priceCentsPer1000Tokens);
      if (!priced.ok || priced.costCents > AMOUNT_CENTS_MAX) {
        throw new AppError('invalid', 'amount_out_of_range', 'The cost is out of range.');
      }
      const { costCents } = priced;
      const shares = core.split(costCents, options.commissionBasisPoints);
      if (!shares.ok) throw new InvariantError('the commission is out of range');
      return { costCents, feeCents: shares.feeCents, earningsCents: shares.earningsCents };
    },
  };
}
