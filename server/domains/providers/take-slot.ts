import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import type { QualityService } from '../quality/index.ts';
import type { Attempt, AttemptOrder } from './attempt.ts';
import type { CachedConversations } from './cached-conversations.ts';
import type { ChoiceLog } from './choice-log.ts';
import { meetsNeeds } from './features.ts';
import { expectedTokensOf } from './judge-attempt.ts';
import { RETRY_AFTER_SECONDS } from './limits.ts';
import type { Eligible, ModelMarket } from './model-market.ts';
import type { ScoringCore } from './ports.ts';
import type { ProviderRegistry } from './registry.ts';
import { type ChoiceWish, selectProvider } from './selection.ts';
import type { Place } from './waiting-room.ts';

/** Who is asked before whom: the smaller first. */
export type OfferRank = (offer: Eligible, nowMs: number) => number;

/** A request that wants a slot. */
export interface SlotWish {
  readonly order: AttemptOrder;
  /** How long it waits while every provider is busy, in milliseconds. */
  readonly waitMs: number;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Those of the offers that the request may go to; null: none is left. Refuses by throwing. */
  narrow(offers: readonly Eligible[]): readonly Eligible[] | null;
  /** Null: the best one is chosen of all. */
  readonly rankOf: OfferRank | null;
  /** Nothing but its task's needs and its context narrows the choice: it needs so many tokens. Null: `narrow` has more to say. */
  readonly contextTokensOnly: number | null;
  /** It says itself what it would pay: then nobody is too dear. */
  readonly isPriceItsOwn: boolean;
}

/** What taking a slot needs. */
export interface SlotDependencies {
  readonly registry: ProviderRegistry;
  readonly core: ScoringCore;
  readonly quality: Pick<QualityService, 'assessmentOf'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly conversations: CachedConversations;
  readonly choices: ChoiceLog;
  /** Times the median price that nobody is asked at. */
  readonly priceGuard: number;
}

/**
 * A slot of the provider that serves the wish best; waits for one while all are busy. Null when nobody is left to ask.
 * Refuses with `no_provider_available` when all are put aside or busy for too long, with `unavailable` when the server stops.
 */
export async function takeSlot(wish: SlotWish, dependencies: SlotDependencies): Promise<Attempt | null> {
  const { registry, clock } = dependencies;
  const { waitingRoom } = registry;
  const waitUntilMs = clock.monotonicMs() + wish.waitMs;
  let place: Place | null = null;
  try {
    for (;;) {
      const taken = takeSlotNow(wish, dependencies);
      if (taken !== 'all_busy') return taken;
      const waitMs = waitUntilMs - clock.monotonicMs();
      if (waitMs <= 0 || wish.signal.aborted) throw noProviderAvailable();
      place ??= waitingRoom.enter(wish.order);
      if (place === null || place.isLost) throw noProviderAvailable();
      await waitingRoom.wait(place, waitMs, wish.signal);
    }
  } finally {
    if (place !== null) waitingRoom.leave(place);
  }
}

function takeSlotNow(wish: SlotWish, dependencies: SlotDependencies): Attempt | 'all_busy' | null {
  const { order, rankOf } = wish;
  const { registry, quality, clock, conversations } = dependencies;
  if (registry.isClosed) throw new AppError('unavailable', 'unavailable', 'The server is stopping.');
  const market = registry.marketOf(order.model);
  const nowMs = clock.monotonicMs();
  if (market !== null) market.askedAtMs = nowMs;
  const candidates = candidatesOf(wish, market, registry);
  if (candidates === null || market === null) return null;
  const qualityOf = (id: string) => quality.assessmentOf(id);
  const choice: Omit<ChoiceWish, 'among'> = {
    accountId: order.accountId,
    expectedTokens: expectedTokensOf(order),
    priceMax: wish.isPriceItsOwn ? Number.POSITIVE_INFINITY : market.medianPrice * dependencies.priceGuard,
    cachedAt: conversations.findProvider(order),
  };
  let isBusy = false;
  for (const among of byRank(candidates, rankOf, nowMs)) {
    const selection = selectProvider(market, { ...choice, among }, nowMs, { ...dependencies, qualityOf });
    if (selection.ok) {
      const { chosen, reason, candidates: best } = selection;
      dependencies.choices.note(order, {
        model: order.model,
        reason,
        chosenAtMs: clock.nowMs(),
        offers: market.openCount,
        priceMaxCents: Number.isFinite(choice.priceMax) ? choice.priceMax : null,
        candidates: best,
      });
      if (chosen.provider.tenantId !== order.tenantId) conversations.note(order, chosen.provider.id);
      return registry.takeSlot(chosen, order, selection.isProbe);
    }
    isBusy ||= selection.reason === 'all_busy';
  }
  if (isBusy) return 'all_busy';
  throw noProviderAvailable();
}

/** Those that the wish may go to; `everybody` where that is all, so that nobody need be looked at one by one. */
function candidatesOf(
  { order, narrow, rankOf, contextTokensOnly }: SlotWish,
  market: ModelMarket | null,
  registry: ProviderRegistry,
): readonly Eligible[] | 'everybody' | null {
  const isOpen = market !== null && contextTokensOnly !== null && rankOf === null;
  if (
    isOpen &&
    market.isOpen &&
    contextTokensOnly <= market.contextTokensMin &&
    meetsNeeds({ capabilities: market.common }, order.task.needs) &&
    !registry.hasProvider(order.tenantId)
  )
    return 'everybody';
  return narrow(registry.offersOf(order.model, order.tenantId));
}

/** The candidates in groups of the same rank, the first rank first. */
function byRank(
  candidates: readonly Eligible[] | 'everybody',
  rankOf: OfferRank | null,
  nowMs: number,
): Iterable<readonly Eligible[] | null> {
  if (candidates === 'everybody') return [null];
  if (rankOf === null) return [candidates];
  const groups = new Map<number, Eligible[]>();
  for (const candidate of candidates) {
    const rank = rankOf(candidate, nowMs);
    const group = groups.get(rank);
    if (group === undefined) groups.set(rank, [candidate]);
    else group.push(candidate);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** Nobody can serve the request now: all are put aside, or busy for too long. */
export function noProviderAvailable(): AppError {
  return new AppError('unavailable', 'no_provider_available', 'No provider can serve this model right now.', {
    details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
  });
}
