import type { ServerCore } from '../../assembly/host/index.ts';
import type { Comparison } from '../harness.ts';

const COUNT = 1000;
const COMMISSION_BASIS_POINTS = 1250;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

interface PriceRequest {
  readonly tokens: bigint;
  readonly priceCentsPer1000Tokens: bigint;
}

interface Bill {
  readonly costCents: bigint;
  readonly feeCents: bigint;
  readonly earningsCents: bigint;
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
      const { tokens, priceCentsPer1000Tokens } = requests[i] as PriceRequest;
      bills[i] = bill(tokens, priceCentsPer1000Tokens);
    }
  };
  const ours = priceInCore(core, requests);
  ours();
  reference();
  for (let i = 0; i < COUNT; i++) requireBill(core, i, bills[i] as Bill);
  return { name: 'price-batch', operations: COUNT, ours, reference };
}

function compareWithColumns(core: ServerCore): Comparison {
  const requests = makeRequests();
  const tokens = BigUint64Array.from(requests, (request) => request.tokens);
  const prices = BigUint64Array.from(requests, (request) => request.priceCentsPer1000Tokens);
  const costs = new BigUint64Array(COUNT);
  const fees = new BigUint64Array(COUNT);
  const earnings = new BigUint64Array(COUNT);
  const reference = () => {
    for (let i = 0; i < COUNT; i++) {
      const { costCents, feeCents, earningsCents } = bill(tokens[i] as bigint, prices[i] as bigint);
      costs[i] = costCents;
      fees[i] = feeCents;
      earnings[i] = earningsCents;
    }
  };
  const ours = priceInCore(core, requests);
  ours();
  reference();
  for (let i = 0; i < COUNT; i++) {
    requireBill(core, i, {
      costCents: costs[i] as bigint,
      feeCents: fees[i] as bigint,
      earningsCents: earnings[i] as bigint,
    });
  }
  return { name: 'price-batch-columns', operations: COUNT, ours, reference };
}

function makeRequests(): PriceRequest[] {
  return Array.from({ length: COUNT }, (_, i) => ({
    tokens: BigInt((i * 7919) % 20_000),
    priceCentsPer1000Tokens: BigInt((i * 31) % 400),
  }));
}

// The columns are copied into the core every time, as a caller does that doesn't write them there at once.
function priceInCore(core: ServerCore, requests: readonly PriceRequest[]): () => void {
  const tokens = BigUint64Array.from(requests, (request) => request.tokens);
  const prices = BigUint64Array.from(requests, (request) => request.priceCentsPer1000Tokens);
  return () => {
    core.prices.tokens.set(tokens);
    core.prices.priceCentsPer1000Tokens.set(prices);
    if (!core.priceBatch(COUNT, COMMISSION_BASIS_POINTS).ok) throw new Error('The core refused to price.');
  };
}

function bill(tokens: bigint, priceCentsPer1000Tokens: bigint): Bill {
  const sum = tokens * priceCentsPer1000Tokens + 999n;
  if (sum > U64_MAX) throw new Error("The price doesn't fit.");
  const costCents = sum / 1000n;
  const feeCents = (costCents * BigInt(COMMISSION_BASIS_POINTS) + 5000n) / 10_000n;
  return { costCents, feeCents, earningsCents: costCents - feeCents };
}

function requireBill(core: ServerCore, i: number, expected: Bill): void {
  const { costCents, feeCents, earningsCents } = core.prices;
  const isSame =
    costCents[i] === expected.costCents &&
    feeCents[i] === expected.feeCents &&
    earningsCents[i] === expected.earningsCents;
  if (!isSame) throw new Error(`Price ${i} differs from the reference.`);
}
