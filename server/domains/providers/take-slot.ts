import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { AccountId } from '../../kernel/ids.ts';
import type { Random } from '../../kernel/random.ts';
import type { QualityService } from '../quality/index.ts';
import type { Attempt, AttemptOrder } from './attempt.ts';
import { RETRY_AFTER_SECONDS } from './limits.ts';
import type { ScoringCore } from './ports.ts';
import type { ProviderRegistry } from './registry.ts';
import { type Eligible, selectProvider } from './selection.ts';
import type { Place } from './waiting-room.ts';

/** Who is asked before whom: the smaller first. */
export type OfferRank = (offer: Eligible, nowMs: number) => number;

/** A request that wants a slot. */
export interface SlotWish {
  readonly accountId: AccountId;
  readonly order: AttemptOrder;
  /** How long it waits while every provider is busy, in milliseconds. */
  readonly waitMs: number;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Those of the offers that the request may go to; null: none is left. Refuses by throwing. */
  narrow(offers: readonly Eligible[]): readonly Eligible[] | null;
  /** Null: the best one is chosen of all. */
  readonly rankOf: OfferRank | null;
}

/** What taking a slot needs. */
export interface SlotDependencies {
  readonly registry: ProviderRegistry;
  readonly core: ScoringCore;
  readonly quality: Pick<QualityService, 'assessmentOf'>;
  readonly clock: Clock;
  readonly random: Random;
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
      place ??= waitingRoom.enter(wish.order.model, wish.accountId);
      if (place === null) throw noProviderAvailable();
      await waitingRoom.wait(place, waitMs, wish.signal);
    }
  } finally {
    if (place !== null) waitingRoom.leave(place);
  }
}

function takeSlotNow(
  { order, narrow, rankOf }: SlotWish,
  { registry, core, quality, clock, random }: SlotDependencies,
): Attempt | 'all_busy' | null {
  if (registry.isClosed) throw new AppError('unavailable', 'unavailable', 'The server is stopping.');
  const candidates = narrow(registry.offersOf(order.model));
  if (candidates === null) return null;
  const qualityOf = (id: string) => quality.assessmentOf(id);
  const nowMs = clock.monotonicMs();
  let isBusy = false;
  for (const equals of byRank(candidates, rankOf, nowMs)) {
    const selection = selectProvider(equals, nowMs, { core, random, qualityOf });
    if (selection.ok) return registry.takeSlot(selection.chosen, order, selection.isProbe);
    isBusy ||= selection.reason === 'all_busy';
  }
  if (isBusy) return 'all_busy';
  throw noProviderAvailable();
}

/** The candidates in groups of the same rank, the first rank first. */
function byRank(
  candidates: readonly Eligible[],
  rankOf: OfferRank | null,
  nowMs: number,
): Iterable<readonly Eligible[]> {
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
