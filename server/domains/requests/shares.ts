import { createHash } from 'node:crypto';
import type { TenantId, TransactionId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import type { PricingService } from '../pricing/index.ts';
import type { Attempt, TokenClaim } from '../providers/index.ts';
import type { BegunTransaction, ServingProvider, TransactionShare } from '../transactions/index.ts';
import { billedTokens } from './billing.ts';
import type { ComputeOrder, KeyedRequester } from './types.ts';

/** What a provider delivered: its billable tokens, and the SHA-256 of all of its text, in hexadecimal. */
export interface DeliveredText {
  readonly tokens: number;
  readonly hash: string | null;
}

/** SHA-256 in hexadecimal. */
export const hashOf = (content: Uint8Array | string): string =>
  createHash('sha256').update(content).digest('hex');

/** The provider of an attempt, as transactions have it. */
export function servingProvider({ provider }: Attempt): ServingProvider {
  const { id: providerId, tenantId, deviceId } = provider;
  return { providerId, tenantId, deviceId };
}

/** What a request costs beside its tokens, which is the platform's: something only where the provider is the requester's own. */
export function flatPriceOf(
  provider: { readonly tenantId: TenantId },
  requester: { readonly tenantId: TenantId },
  { ownRequestMicrocents }: Pick<PricingService, 'ownRequestMicrocents'>,
): Microcents {
  return provider.tenantId === requester.tenantId ? ownRequestMicrocents : 0n;
}

/** The transaction of a request that is given to its first provider. */
export function begunTransaction(
  {
    id,
    requester: { keyId, ...requester },
    order,
    attempt,
    createdAtMs,
    nodeId,
  }: {
    readonly id: TransactionId;
    readonly requester: KeyedRequester;
    readonly order: ComputeOrder;
    readonly attempt: Attempt;
    readonly createdAtMs: number;
    readonly nodeId: string;
  },
  hold: Pick<BegunTransaction, 'holdId' | 'heldMicrocents' | 'completionTokensMax'>,
): BegunTransaction {
  const { model, promptTokens, tokenizer } = order;
  const provider = servingProvider(attempt);
  const { prices } = attempt.model;
  const orderHash = hashOf(order.body);
  return {
    id,
    requester,
    keyId,
    isStreamed: !order.isWhole,
    model,
    provider,
    prices,
    promptTokens,
    createdAtMs,
    nodeId,
    orderHash,
    tokenizer,
    ...hold,
  };
}

/** What an attempt gets that broke off, and was gone on with: the tokens that it delivered, but no prompt. */
function brokenOffShare(
  attempt: Attempt,
  { tokens: completionTokens, hash }: DeliveredText,
  pricing: PricingService,
): TransactionShare {
  const { prices } = attempt.model;
  return {
    provider: servingProvider(attempt),
    prices,
    completionTokens,
    billedTokens: completionTokens,
    ...pricing.price({ prompt: 0, cachedPrompt: 0, completion: completionTokens }, prices),
    claimedTokens: 0,
    countedTokens: 0,
    answerHash: hash,
    signature: attempt.signature,
  };
}

/** What the attempt gets that ends a request: the prompt, and of the answer the part that it delivered. */
export function lastShare(
  { promptTokens, prices: firstPrices, provider, requester }: BegunTransaction,
  attempt: Attempt | null,
  {
    text,
    tokensMax,
    claim,
  }: { readonly text: DeliveredText; readonly tokensMax: number; readonly claim: TokenClaim | null },
  pricing: PricingService,
): TransactionShare {
  const prices = attempt?.model.prices ?? firstPrices;
  const completionTokens = Math.min(text.tokens, tokensMax);
  const billed = billedTokens({ prompt: promptTokens, completion: completionTokens }, claim);
  const served = attempt === null ? provider : servingProvider(attempt);
  const { costMicrocents, feeMicrocents, earningsMicrocents } = pricing.price(billed, prices);
  const flat = flatPriceOf(served, requester, pricing);
  return {
    provider: served,
    prices,
    completionTokens,
    billedTokens: billed.prompt + billed.cachedPrompt + billed.completion,
    costMicrocents: costMicrocents + flat,
    feeMicrocents: feeMicrocents + flat,
    earningsMicrocents,
    claimedTokens: claim === null ? 0 : claim.promptTokens + claim.completionTokens,
    // Its claim is about all that it was given, the beginning of an answer included.
    countedTokens: claim === null || attempt === null ? 0 : attempt.order.promptTokens + text.tokens,
    answerHash: text.hash,
    signature: attempt?.signature ?? null,
  };
}

/**
 * The shares of providers that broke off, while others go on with the answer. The prompt is paid to who ends it, so that an
 * answer of several costs no more than one of the dearest.
 */
export class BrokenOffShares {
  readonly #pricing: PricingService;
  #shares: TransactionShare[] = [];

  constructor(pricing: PricingService) {
    this.#pricing = pricing;
  }

  /** The attempt delivered this. */
  add(attempt: Attempt, text: DeliveredText): void {
    if (text.tokens > 0) this.#shares.push(brokenOffShare(attempt, text, this.#pricing));
  }

  /** Nothing of what they delivered is used. */
  clear(): void {
    this.#shares = [];
  }

  get shares(): readonly TransactionShare[] {
    return this.#shares;
  }

  /** Tokens of the answer that were delivered by them. */
  get completionTokens(): number {
    return this.#shares.reduce((sum, share) => sum + share.completionTokens, 0);
  }

  get costMicrocents(): bigint {
    return this.#shares.reduce((sum, share) => sum + share.costMicrocents, 0n);
  }
}
