import type { ServerCore, TokenKinds } from '../../assembly/host/index.ts';
import type { Comparison } from '../harness.ts';

const COUNT = 1000;
const COMMISSION_BASIS_POINTS = 1250;
const ROUNDING_UNIT_MICROCENTS = 1n;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

interface PriceRequest {
  readonly tokens: TokenKinds<bigint>;
  readonly priceMicrocentsPer1000Tokens: TokenKinds<bigint>;
}

interface Bill {
  readonly costMicrocents: bigint;
  readonly feeMicrocents: bigint;
  readonly earningsMicrocents: bigint;
}

interface Columns {
  readonly tokens: TokenKinds<BigUint64Array>;
  readonly prices: TokenKinds<BigUint64Array>;
}

/**
 * Pricing and splitting of 1,000 requests from columns of u64 into columns of u64, beside the same in BigInt: first from
 * objects to objects, as a program without the core writes it, then over the same columns.
 */
export function comparePrices(core: ServerCore): (() => Comparison)[] {
  return [() => compareWithObjects(core), () => compareWithColumns(core)];
}

function compareWithObjects(core: ServerCore): Comparison {
  const requests = makeRequests();
  const bills = new Array<Bill | null>(COUNT).fill(null);
  const reference = () => {
    for (let i = 0; i < COUNT; i++) {
      const { tokens, priceMicrocentsPer1000Tokens: prices } = requests[i] as PriceRequest;
      const sum =
        tokens.prompt * prices.prompt +
        tokens.cachedPrompt * prices.cachedPrompt +
        tokens.completion * prices.completion;
      bills[i] = bill(sum);
    }
  };
  const ours = priceInCore(core, columnsOf(requests));
  ours();
  reference();
  for (let i = 0; i < COUNT; i++) requireBill(core, i, bills[i] as Bill);
  return { name: 'price-batch', operations: COUNT, ours, reference };
}

function compareWithColumns(core: ServerCore): Comparison {
  const columns = columnsOf(makeRequests());
  const { tokens, prices } = columns;
  const costs = new BigUint64Array(COUNT);
  const fees = new BigUint64Array(COUNT);
  const earnings = new BigUint64Array(COUNT);
  const reference = () => {
    for (let i = 0; i < COUNT; i++) {
      const sum =
        (tokens.prompt[i] as bigint) * (prices.prompt[i] as bigint) +
        (tokens.cachedPrompt[i] as bigint) * (prices.cachedPrompt[i] as bigint) +
        (tokens.completion[i] as bigint) * (prices.completion[i] as bigint);
      const { costMicrocents, feeMicrocents, earningsMicrocents } = bill(sum);
      costs[i] = costMicrocents;
      fees[i] = feeMicrocents;
      earnings[i] = earningsMicrocents;
    }
  };
  const ours = priceInCore(core, columns);
  ours();
  reference();
  for (let i = 0; i < COUNT; i++) {
    requireBill(core, i, {
      costMicrocents: costs[i] as bigint,
      feeMicrocents: fees[i] as bigint,
      earningsMicrocents: earnings[i] as bigint,
    });
  }
  return { name: 'price-batch-columns', operations: COUNT, ours, reference };
}

/** Requests up to 20,000 tokens a kind, at prices up to 4, 1 and 12 cents, by millionths. */
function makeRequests(): PriceRequest[] {
  return Array.from({ length: COUNT }, (_, i) => ({
    tokens: {
      prompt: BigInt((i * 7919) % 20_000),
      cachedPrompt: BigInt((i * 6007) % 20_000),
      completion: BigInt((i * 4409) % 20_000),
    },
    priceMicrocentsPer1000Tokens: {
      prompt: BigInt((i * 310_007) % 4_000_000),
      cachedPrompt: BigInt((i * 70_001) % 1_000_000),
      completion: BigInt((i * 910_003) % 12_000_000),
    },
  }));
}

function columnsOf(requests: readonly PriceRequest[]): Columns {
  const column = (read: (request: PriceRequest) => bigint) => BigUint64Array.from(requests, read);
  return {
    tokens: {
      prompt: column(({ tokens }) => tokens.prompt),
      cachedPrompt: column(({ tokens }) => tokens.cachedPrompt),
      completion: column(({ tokens }) => tokens.completion),
    },
    prices: {
      prompt: column((request) => request.priceMicrocentsPer1000Tokens.prompt),
      cachedPrompt: column((request) => request.priceMicrocentsPer1000Tokens.cachedPrompt),
      completion: column((request) => request.priceMicrocentsPer1000Tokens.completion),
    },
  };
}

// The columns are copied into the core every time, as a caller does that doesn't write them there at once.
function priceInCore(core: ServerCore, { tokens, prices }: Columns): () => void {
  const { tokens: ourTokens, priceMicrocentsPer1000Tokens: ourPrices } = core.prices;
  return () => {
    ourTokens.prompt.set(tokens.prompt);
    ourTokens.cachedPrompt.set(tokens.cachedPrompt);
    ourTokens.completion.set(tokens.completion);
    ourPrices.prompt.set(prices.prompt);
    ourPrices.cachedPrompt.set(prices.cachedPrompt);
    ourPrices.completion.set(prices.completion);
    const { ok } = core.priceBatch(COUNT, COMMISSION_BASIS_POINTS, ROUNDING_UNIT_MICROCENTS);
    if (!ok) throw new Error('The core refused to price.');
  };
}

function bill(sum: bigint): Bill {
  if (sum > U64_MAX) throw new Error("The price doesn't fit.");
  const unit = 1000n * ROUNDING_UNIT_MICROCENTS;
  const costMicrocents = ((sum + unit - 1n) / unit) * ROUNDING_UNIT_MICROCENTS;
  const feeMicrocents = (costMicrocents * BigInt(COMMISSION_BASIS_POINTS) + 5000n) / 10_000n;
  return { costMicrocents, feeMicrocents, earningsMicrocents: costMicrocents - feeMicrocents };
}

function requireBill(core: ServerCore, i: number, expected: Bill): void {
  const { costMicrocents, feeMicrocents, earningsMicrocents } = core.prices;
  const isSame =
    costMicrocents[i] === expected.costMicrocents &&
    feeMicrocents[i] === expected.feeMicrocents &&
    earningsMicrocents[i] === expected.earningsMicrocents;
  if (!isSame) throw new Error(`Price ${i} differs from the reference.`);
}
