import type { PriceRequest, TokenKinds } from '../../assembly/host/index.ts';

/** A vector of tests/vectors/pricing.json: all numbers are decimal strings, because they need 64 bits. */
export interface PriceVector {
  readonly name: string;
  readonly tokens: TokenKinds<string>;
  readonly priceMicrocentsPer1000Tokens: TokenKinds<string>;
  readonly roundingUnitMicrocents: string;
  readonly costMicrocents?: string;
  readonly refusal?: string;
}

/** A vector of tests/vectors/splits.json. */
export interface SplitVector {
  readonly name: string;
  readonly costMicrocents: string;
  readonly commissionBasisPoints: string;
  readonly feeMicrocents?: string;
  readonly earningsMicrocents?: string;
  readonly refusal?: string;
}

/** What a vector asks the core. */
export function priceRequestOf(vector: PriceVector): PriceRequest {
  return {
    tokens: integersOf(vector.tokens),
    priceMicrocentsPer1000Tokens: integersOf(vector.priceMicrocentsPer1000Tokens),
    roundingUnitMicrocents: BigInt(vector.roundingUnitMicrocents),
  };
}

function integersOf({ prompt, cachedPrompt, completion }: TokenKinds<string>): TokenKinds<bigint> {
  return { prompt: BigInt(prompt), cachedPrompt: BigInt(cachedPrompt), completion: BigInt(completion) };
}
