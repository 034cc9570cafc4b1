import { InvariantError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import { type ChoiceReason, type ExplainedCandidate, explainCandidates } from './choice-log.ts';
import { pause } from './health.ts';
import { CACHE_DEBT_MAX, CACHE_SCORE_MIN, EXPLORED_AFTER_MS, EXPLORED_EVERY } from './limits.ts';
import {
  type Eligible,
  type ModelMarket,
  type OfferColumns,
  type QualityOf,
  scoredPrice,
} from './model-market.ts';
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
      /** Who else could have had it, at that moment. */
      readonly candidates: readonly ExplainedCandidate[];
    }
  | { readonly ok: false; readonly reason: 'all_unhealthy' | 'all_busy' };

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
/** Of its share, what the dearest has at least. */
const CHEAPNESS_MIN = 0.1;

const COPIED_COLUMNS = ['price', 'quality', 'latencyMs', 'availability', 'utilization'] as const;

// A choice is made in one go: these are its scratch, as long as the longest choice was.
let places = new Int32Array(64);
let shares = new Float32Array(64);
/** Which of those it may go to stands in the first place. */
let firstAt = 0;

/**
 * Chooses in a market that somebody is in. Only free slots are looked at; a provider whose pause is over gets one request as a
 * probe; one that has become several times slower is put aside first. Each has a share: its capacity, by the square of its score
 * beside the best one's, by the root of how cheap it is, and by its reliability. Who was given least for its share gets the request: so equals take turns, and
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
  if (probe !== null) return { ok: true, chosen: probe, isProbe: true, reason: 'probe', candidates: [] };
  const count = gatherPlaces(market, wish, dependencies);
  fillCandidates(market, wish, count, nowMs, dependencies.core.candidates);
  const scored = dependencies.core.scoreBatch(count);
  if (!scored.ok) throw new InvariantError(`candidates could not be scored: ${scored.reason}`);
  const best = weigh(market, wish, count, dependencies.core.candidates);
  if (best === 0) {
    const isBusy = mayWait(market, count, wish.priceMax, dependencies.core.candidates.price);
    return { ok: false, reason: isBusy ? 'all_busy' : 'all_unhealthy' };
  }
  const found = placeFor(market, wish, count, nowMs, dependencies);
  const index = places[found.place] as number;
  market.given(index);
  const chosen = wish.among === null ? market.offerAt(index) : amongAt(wish.among, found.place);
  const idAt = (place: number) => market.offerAt(places[place] as number).provider.id;
  const candidates = explainCandidates(dependencies.core.candidates, count, found.place, idAt);
  return { ok: true, chosen, isProbe: false, reason: found.reason, candidates };
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
  firstAt = count === all ? 0 : Math.floor(random.fraction() * all);
  if (among === null && count === all) {
    for (let i = 0; i < count; i++) places[i] = i;
    return count;
  }
  for (let i = 0; i < count; i++) {
    const at = (firstAt + i) % all;
    places[i] = among === null ? at : market.indexOf((among[at] as Eligible).provider.id);
  }
  return count;
}

/** Copies the rows into the core's columns. Who is too dear, or has told this account that it has no room, has no slot for this wish. */
function fillCandidates(
  market: ModelMarket,
  { among, priceMax, accountId }: ChoiceWish,
  count: number,
  nowMs: number,
  candidates: ScoringCore['candidates'],
): void {
  const { columns } = market;
  if (among === null && count === market.size) copyAll(columns, count, candidates);
  else copyPlaces(columns, among, count, candidates);
  const { price, utilization, fairness } = candidates;
  const { need } = columns;
  const rows = places;
  for (const row of market.fullFor(accountId, nowMs)) {
    const place = placeOf(row, count);
    if (place !== -1) utilization[place] = 2;
  }
  let needSum = 0;
  let free = 0;
  for (let i = 0; i < count; i++) {
    if ((price[i] as number) > priceMax) utilization[i] = 2;
    if ((utilization[i] as number) >= 1) continue;
    needSum += need[rows[i] as number] as number;
    free++;
  }
  const mean = free === 0 ? 0 : needSum / free;
  for (let i = 0; i < count; i++) {
    fairness[i] = mean === 0 ? 1 : mean / (mean + (need[rows[i] as number] as number));
  }
}

function copyAll(columns: OfferColumns, count: number, candidates: ScoringCore['candidates']): void {
  for (const name of COPIED_COLUMNS) candidates[name].set(columns[name].subarray(0, count));
}

function copyPlaces(
  columns: OfferColumns,
  among: readonly Eligible[] | null,
  count: number,
  candidates: ScoringCore['candidates'],
): void {
  for (let i = 0; i < count; i++) {
    const row = places[i] as number;
    for (const name of COPIED_COLUMNS) candidates[name][i] = columns[name][row] as number;
    // What an owner's own devices ask is not what they ask of others.
    if (among !== null) candidates.price[i] = scoredPrice(amongAt(among, i).model);
  }
}

function amongAt(among: readonly Eligible[], place: number): Eligible {
  return among[(firstAt + place) % among.length] as Eligible;
}

/** Writes what each place's part of the work is worth into `shares`, 0 without a free slot. Returns the best score. */
function weigh(
  market: ModelMarket,
  { accountId }: ChoiceWish,
  count: number,
  { scores, price }: ScoringCore['candidates'],
): number {
  let best = 0;
  let lowestPrice = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const score = scores[i] as number;
    if (score > best) best = score;
    if (score > 0 && (price[i] as number) < lowestPrice) lowestPrice = price[i] as number;
  }
  if (best === 0) return 0;
  const { reliability } = market.columns;
  const [rows, weights] = [places, shares];
  for (let i = 0; i < count; i++) {
    const score = (scores[i] as number) / best;
    const asked = price[i] as number;
    // Beside somebody who works for nothing the others have a share, too.
    const cheapness = asked === lowestPrice ? 1 : Math.max(CHEAPNESS_MIN, Math.sqrt(lowestPrice / asked));
    weights[i] = score <= 0 ? 0 : score * score * cheapness * (reliability[rows[i] as number] as number);
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
  const due = placeDueFirst(market.columns, work, count, random.fraction());
  const cached = wish.cachedAt === null ? -1 : market.indexOf(wish.cachedAt);
  const place = cached === -1 ? -1 : placeOf(cached, count);
  if (place === -1 || (shares[place] as number) === 0) return { place: due, reason: 'share' };
  const { scores } = core.candidates;
  const isGood = (scores[place] as number) >= CACHE_SCORE_MIN * (scores[due] as number);
  const isOwed = dueOf(market.columns, work, place) <= CACHE_DEBT_MAX * dueOf(market.columns, work, due);
  return isGood && isOwed ? { place, reason: 'cache' } : { place: due, reason: 'share' };
}

/** The place that was given least for its share, this request included; from a random place on, so that ties take turns. */
function placeDueFirst(columns: OfferColumns, work: number, count: number, fraction: number): number {
  const { need, capacity } = columns;
  const [rows, weights] = [places, shares];
  const from = Math.floor(fraction * count);
  let due = -1;
  let dueNeed = Number.POSITIVE_INFINITY;
  for (let step = 0; step < count; step++) {
    const i = from + step < count ? from + step : from + step - count;
    const weight = weights[i] as number;
    if (weight === 0) continue;
    const row = rows[i] as number;
    const own = ((need[row] as number) + work / (capacity[row] as number)) / weight;
    if (own < dueNeed || due === -1) {
      due = i;
      dueNeed = own;
    }
  }
  return due;
}

/** What a place was given for its share, with so much more work. */
function dueOf({ need, capacity }: OfferColumns, work: number, place: number): number {
  const row = places[place] as number;
  return ((need[row] as number) + work / (capacity[row] as number)) / (shares[place] as number);
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

/** True: somebody whose price would do is not put aside, and will have a slot again. */
function mayWait(market: ModelMarket, count: number, priceMax: number, price: Float32Array): boolean {
  for (let i = 0; i < count; i++) {
    const { provider } = market.offerAt(places[i] as number);
    if (provider.standing.health.pausedUntilMs === null && (price[i] as number) <= priceMax) return true;
  }
  return false;
}
