import { InvariantError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import { pause } from './health.ts';
import {
  CACHE_DEBT_MAX,
  CACHE_SCORE_MIN,
  EXPLORED_AFTER_MS,
  EXPLORED_EVERY,
  SHARE_POWER,
} from './limits.ts';
import { type Eligible, type ModelMarket, type QualityOf, scoredPrice } from './model-market.ts';
import type { ScoringCore } from './ports.ts';
import type { ProviderId } from './types.ts';

/** Who gets the request, or why nobody does. */
export type Selection =
  | {
      readonly ok: true;
      readonly chosen: Eligible;
      readonly isProbe: boolean;
      /** What decided. */
      readonly reason: ChoiceReason;
    }
  | { readonly ok: false; readonly reason: 'all_unhealthy' | 'all_busy' };

/** Why a provider was chosen: its share is due, or it has the prompt in its cache, is new, or is being tried after a pause. */
export type ChoiceReason = 'share' | 'cache' | 'exploration' | 'probe';

/** What a request is to its choice. */
export interface ChoiceWish {
  /** Those it may go to; null: everybody in the market. */
  readonly among: readonly Eligible[] | null;
  readonly accountId: string;
  /** Tokens that the chosen one is expected to work on. */
  readonly expectedTokens: number;
  /** Cents for 1000 tokens from which on nobody is asked. */
  readonly priceMax: number;
  /** Who is likely to have the prompt in its cache; null: nobody. */
  readonly cachedAt: ProviderId | null;
}

/** What selection needs. */
export interface SelectionDependencies {
  readonly core: ScoringCore;
  readonly random: Pick<Random, 'fraction'>;
  readonly qualityOf: QualityOf;
}

/** Of its share, what a provider has for an account that has seen it fail, while nobody else has. */
const SUSPECT_SHARE = 0.05;

// A choice is made in one go: these are its scratch, as long as the longest choice was.
let places = new Int32Array(64);
let shares = new Float32Array(64);

/**
 * Chooses in a market that somebody is in. Only free slots are looked at; a provider whose pause is over gets one request as a
 * probe; one that has become several times slower is put aside first. Each has a share: its capacity, by the cube of its score
 * beside the best one's and by its reliability. Who was given least for its share gets the request: so equals take turns, and
 * nobody starves.
 */
export function selectProvider(
  market: ModelMarket,
  wish: ChoiceWish,
  nowMs: number,
  dependencies: SelectionDependencies,
): Selection {
  market.refresh(nowMs, dependencies.qualityOf);
  pauseSlowedDown(market, nowMs, dependencies);
  const probe = dueProbe(market, wish, nowMs);
  if (probe !== null) return { ok: true, chosen: probe, isProbe: true, reason: 'probe' };
  const count = gatherPlaces(market, wish, dependencies);
  fillCandidates(market, wish, count, dependencies.core.candidates);
  const scored = dependencies.core.scoreBatch(count);
  if (!scored.ok) throw new InvariantError(`candidates could not be scored: ${scored.reason}`);
  const best = weigh(market, wish, count, dependencies.core.candidates.scores);
  if (best === 0) {
    return { ok: false, reason: isSomebodyHealthy(market, count) ? 'all_busy' : 'all_unhealthy' };
  }
  const found = placeFor(market, wish, count, nowMs, dependencies);
  const index = places[found.place] as number;
  market.given(index);
  const chosen = wish.among?.[found.place] ?? market.offerAt(index);
  return { ok: true, chosen, isProbe: false, reason: found.reason };
}

/** Puts aside who has become slow, unless more than half have: then it is the world, and pausing everybody would help nobody. */
function pauseSlowedDown(
  market: ModelMarket,
  nowMs: number,
  { random, qualityOf }: SelectionDependencies,
): void {
  const { slowedDown } = market;
  if (slowedDown.length === 0 || slowedDown.length * 2 > market.healthyCount) return;
  for (const { provider } of slowedDown) {
    provider.standing.health = pause(provider.standing.health, nowMs, random.fraction());
    provider.standing.touch();
  }
  market.refresh(nowMs, qualityOf);
}

function dueProbe(market: ModelMarket, { among, priceMax }: ChoiceWish, nowMs: number): Eligible | null {
  for (const offer of market.dueProbes(nowMs)) {
    if (scoredPrice(offer.model) > priceMax) continue;
    if (among === null) return offer;
    const allowed = among.find(({ provider }) => provider.id === offer.provider.id);
    if (allowed !== undefined) return allowed;
  }
  return null;
}

/**
 * Writes the rows that the wish is about into `places`, and returns how many: at most as many as the core scores at once, from
 * a random place on.
 */
function gatherPlaces(
  market: ModelMarket,
  { among }: ChoiceWish,
  { core, random }: SelectionDependencies,
): number {
  const all = among === null ? market.size : among.length;
  const count = Math.min(all, core.candidatesMax);
  if (places.length < count) {
    places = new Int32Array(count * 2);
    shares = new Float32Array(count * 2);
  }
  const from = count === all ? 0 : Math.floor(random.fraction() * all);
  for (let i = 0; i < count; i++) {
    const at = (from + i) % all;
    places[i] = among === null ? at : market.indexOf((among[at] as Eligible).provider.id);
  }
  return count;
}

/** Copies the rows into the core's columns. Who is too dear has no slot for this wish. */
function fillCandidates(
  market: ModelMarket,
  { among, priceMax }: ChoiceWish,
  count: number,
  candidates: ScoringCore['candidates'],
): void {
  const { price, quality, latencyMs, availability, utilization, need } = market.columns;
  let needSum = 0;
  let free = 0;
  for (let i = 0; i < count; i++) {
    const row = places[i] as number;
    const asked = among === null ? (price[row] as number) : scoredPrice((among[i] as Eligible).model);
    candidates.price[i] = asked;
    candidates.quality[i] = quality[row] as number;
    candidates.latencyMs[i] = latencyMs[row] as number;
    candidates.availability[i] = availability[row] as number;
    const used = asked > priceMax ? 2 : (utilization[row] as number);
    candidates.utilization[i] = used;
    if (used < 1) {
      needSum += need[row] as number;
      free++;
    }
  }
  const mean = free === 0 ? 0 : needSum / free;
  for (let i = 0; i < count; i++) {
    candidates.fairness[i] = mean === 0 ? 1 : mean / (mean + (need[places[i] as number] as number));
  }
}

/** Writes what each place's part of the work is worth into `shares`, 0 without a free slot. Returns the best score. */
function weigh(market: ModelMarket, { accountId }: ChoiceWish, count: number, scores: Float32Array): number {
  let best = 0;
  for (let i = 0; i < count; i++) best = Math.max(best, scores[i] as number);
  if (best === 0) return 0;
  const { reliability } = market.columns;
  for (let i = 0; i < count; i++) {
    const score = Math.max(0, scores[i] as number) / best;
    shares[i] = score ** SHARE_POWER * (reliability[places[i] as number] as number);
  }
  for (const row of market.suspectsOf(accountId)) {
    const place = placeOf(row, count);
    if (place !== -1) shares[place] = (shares[place] as number) * SUSPECT_SHARE;
  }
  return best;
}

/** Somebody new, who has the prompt in its cache, or whose turn it is. */
function placeFor(
  market: ModelMarket,
  wish: ChoiceWish,
  count: number,
  nowMs: number,
  { random, core }: SelectionDependencies,
): { readonly place: number; readonly reason: ChoiceReason } {
  market.sinceExplored++;
  const unexplored = placeToExplore(market, count, nowMs);
  if (unexplored !== -1) {
    market.sinceExplored = 0;
    return { place: unexplored, reason: 'exploration' };
  }
  const work = wish.expectedTokens * market.growth(nowMs);
  const { need, capacity } = market.columns;
  const dueOf = (i: number) => {
    const row = places[i] as number;
    return ((need[row] as number) + work / (capacity[row] as number)) / (shares[i] as number);
  };
  let due = -1;
  let dueNeed = Number.POSITIVE_INFINITY;
  // From a random place on, so that those who are owed the same take turns by chance.
  const from = Math.floor(random.fraction() * count);
  for (let step = 0; step < count; step++) {
    const i = from + step < count ? from + step : from + step - count;
    if ((shares[i] as number) === 0) continue;
    const own = dueOf(i);
    if (own < dueNeed || due === -1) {
      due = i;
      dueNeed = own;
    }
  }
  const cached = wish.cachedAt === null ? -1 : market.indexOf(wish.cachedAt);
  const place = cached === -1 ? -1 : placeOf(cached, count);
  if (place === -1 || (shares[place] as number) === 0) return { place: due, reason: 'share' };
  const { scores } = core.candidates;
  const isGood = (scores[place] as number) >= CACHE_SCORE_MIN * (scores[due] as number);
  const isOwed = dueOf(place) <= CACHE_DEBT_MAX * dueNeed;
  return isGood && isOwed ? { place, reason: 'cache' } : { place: due, reason: 'share' };
}

/** Who is new, or back, and may have one of the requests that go to such; -1: nobody now. */
function placeToExplore(market: ModelMarket, count: number, nowMs: number): number {
  for (const { row, sinceMs } of market.unexplored()) {
    if (market.sinceExplored < EXPLORED_EVERY && nowMs - sinceMs < EXPLORED_AFTER_MS) return -1;
    const place = placeOf(row, count);
    if (place !== -1 && (shares[place] as number) > 0) return place;
  }
  return -1;
}

/** Where a row is among the places; -1: it isn't. */
function placeOf(row: number, count: number): number {
  if (row < count && places[row] === row) return row;
  for (let i = 0; i < count; i++) if (places[i] === row) return i;
  return -1;
}

function isSomebodyHealthy(market: ModelMarket, count: number): boolean {
  for (let i = 0; i < count; i++) {
    if (market.offerAt(places[i] as number).provider.standing.health.pausedUntilMs === null) return true;
  }
  return false;
}
