import {
  CLAIM_RATIO_MAX,
  DEMAND_WINDOW_MS,
  GOOD_QUALITY_MIN,
  GOOD_SUCCESS_RATE_MIN,
  PADDED_SHARE_MAX,
  SLOW_RATIO_MIN,
} from './limits.ts';
import type { LiveProvider } from './live-provider.ts';
import { type ModelMarket, scoredPrice } from './model-market.ts';
import type { ModelOffer, WithheldReason } from './types.ts';

/** Why a provider gets no work, or little; the gravest first. */
export const LITTLE_WORK_REASONS = [
  'paused',
  'identity_doubted',
  'price_guard',
  'no_demand',
  'unreliable',
  'dearer_than_most',
  'slower_than_most',
  'low_quality',
  'fewer_slots_than_said',
  'endpoint_full',
  'all_slots_in_use',
  'answers_padded',
  'claims_too_many_tokens',
] as const;
export type LittleWorkReason = (typeof LITTLE_WORK_REASONS)[number];

/** How a provider stands with one of its models, for its owner. */
export interface ExplainedModel {
  readonly name: string;
  /** What keeps work from it, the gravest first; empty: nothing does. */
  readonly reasons: readonly LittleWorkReason[];
  /** Cents for 1000 tokens, half of them prompt. */
  readonly priceCents: number;
  /** The median over owners who ask a price; null: nobody does. */
  readonly medianPriceCents: number | null;
  /** Null: it has shown nothing yet. */
  readonly latencyMs: number | null;
  readonly answers: number;
  readonly paddedShare: number | null;
  readonly claimRatio: number | null;
}

/** How a provider stands, for its owner. */
export interface ExplainedProvider {
  readonly providerId: string;
  readonly declaredSlots: number;
  /** Requests it is given at a time, by what it has shown. */
  readonly slots: number;
  readonly running: number;
  /** This and the next two are null while nothing of it is sold. */
  readonly successRate: number | null;
  readonly quality: number | null;
  readonly availability: number | null;
  /** Milliseconds until a request is tried again; null: it isn't put aside. */
  readonly pausedForMs: number | null;
  /** Why nothing of it is sold now, by its registration; null: it is on the market. */
  readonly withheld: WithheldReason | null;
  readonly models: readonly ExplainedModel[];
}

/** What explaining needs to know beside the provider itself. */
export interface ExplainingMarket {
  readonly nowMs: number;
  readonly priceGuard: number;
  readonly assessment: { readonly quality: number; readonly availability: number };
  marketOf(model: string): ModelMarket | null;
}

/** Why a provider has the work that it has. */
export function explainProvider(provider: LiveProvider, context: ExplainingMarket): ExplainedProvider {
  const { standing, declaredSlots, slots, id } = provider;
  const { pausedUntilMs, successRate } = standing.health;
  return {
    providerId: id,
    declaredSlots,
    slots,
    running: standing.running.size,
    successRate,
    ...context.assessment,
    pausedForMs: pausedUntilMs === null ? null : Math.max(0, Math.round(pausedUntilMs - context.nowMs)),
    withheld: null,
    models: provider.models.map((model) => explainModel(provider, model, context)),
  };
}

function explainModel(
  provider: LiveProvider,
  model: ModelOffer,
  { nowMs, priceGuard, assessment, marketOf }: ExplainingMarket,
): ExplainedModel {
  const { standing } = provider;
  const market = marketOf(model.name);
  const answers = standing.answersOf(model.name);
  const price = scoredPrice(model);
  const median = market?.medianPrice ?? Number.POSITIVE_INFINITY;
  const latencyMs = standing.latencyMs(model.name, nowMs);
  const askedAtMs = market?.askedAtMs ?? Number.NEGATIVE_INFINITY;
  const found: readonly (readonly [LittleWorkReason, boolean])[] = [
    ['paused', standing.health.pausedUntilMs !== null],
    ['identity_doubted', standing.isDoubted(model.name, nowMs)],
    ['price_guard', price > median * priceGuard],
    ['no_demand', nowMs - askedAtMs > DEMAND_WINDOW_MS],
    ['unreliable', standing.health.successRate < GOOD_SUCCESS_RATE_MIN],
    ['dearer_than_most', price > median],
    [
      'slower_than_most',
      latencyMs !== null && latencyMs > SLOW_RATIO_MIN * (market?.medianLatencyMs() ?? latencyMs),
    ],
    ['low_quality', assessment.quality < GOOD_QUALITY_MIN],
    ['fewer_slots_than_said', provider.slots < provider.declaredSlots],
    ['endpoint_full', standing.restsFor(model.name, nowMs) !== null],
    ['all_slots_in_use', !provider.hasFreeSlot()],
    ['answers_padded', (answers.paddedShare ?? 0) > PADDED_SHARE_MAX],
    ['claims_too_many_tokens', (answers.claimRatio ?? 0) > CLAIM_RATIO_MAX],
  ];
  return {
    name: model.name,
    reasons: found.filter(([, is]) => is).map(([reason]) => reason),
    priceCents: price,
    medianPriceCents: Number.isFinite(median) ? median : null,
    latencyMs: latencyMs === null ? null : Math.round(latencyMs),
    answers: answers.answers,
    paddedShare: answers.paddedShare,
    claimRatio: answers.claimRatio,
  };
}
