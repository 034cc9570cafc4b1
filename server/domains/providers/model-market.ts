import { type Capabilities, commonCapabilities } from './features.ts';
import { trustOf } from './health.ts';
import {
  DEBT_HALF_LIFE_MS,
  LATENCY_MS_DEFAULT,
  RELIABILITY_POWER,
  RESTLESS_EVERY_MS,
  TOKEN_MS_DEFAULT,
  UNEXPLORED_AFTER_MS,
} from './limits.ts';
import type { LiveProvider, StandingReader } from './live-provider.ts';
import type { ModelOffer, ProviderId } from './types.ts';

/** A provider that could serve a request, with the model as it offers it. */
export interface Eligible {
  readonly provider: LiveProvider;
  readonly model: ModelOffer;
}

/** What requests have shown of a provider, each a share from 0 to 1. */
export type QualityOf = (id: ProviderId) => { readonly quality: number; readonly availability: number };

/** Far below what a float holds, at whatever debt. */
const GROWTH_MAX = 2 ** 40;

const COLUMNS = [
  'price',
  'quality',
  'latencyMs',
  'availability',
  'utilization',
  'need',
  'capacity',
  'reliability',
] as const;

/** A value for each offer, by its place in `offers`. */
export type OfferColumns = { readonly [Column in (typeof COLUMNS)[number]]: Float32Array };

/** An offer's place in the columns of its model. */
class OfferRow implements StandingReader {
  readonly offer: Eligible;
  index: number;
  isDirty = false;
  /** Since when it is new, or back; null: it had work lately. */
  unexploredSinceMs: number | null = null;
  readonly #market: ModelMarket;

  constructor(offer: Eligible, index: number, market: ModelMarket) {
    this.offer = offer;
    this.index = index;
    this.#market = market;
  }

  changed(): void {
    if (this.isDirty) return;
    this.isDirty = true;
    this.#market.noteDirty(this);
  }
}

/**
 * Everybody who offers one model, in columns: a row changes when its provider does, and a choice reads the columns as they are.
 * `need` is the work that a provider was given lately in milliseconds of all its slots, `capacity` the tokens that these give in
 * one, `utilization` 2 for who is put aside. Work is forgotten by and by, by all alike: instead of shrinking all of `need`, what is
 * new counts `growth` times as much.
 */
export class ModelMarket {
  readonly #rows: OfferRow[] = [];
  readonly #rowOf = new Map<ProviderId, OfferRow>();
  /** Set aside: whose pause is over is looked for among these. */
  readonly #paused = new Set<OfferRow>();
  readonly #unexplored = new Set<OfferRow>();
  /** Failures of accounts that others haven't seen. */
  readonly #suspects = new Set<OfferRow>();
  /** Whose endpoint has told one account alone that it has no room. */
  readonly #fullForOne = new Set<OfferRow>();
  readonly #slow = new Set<OfferRow>();
  /** At work, or left alone for a while: time alone changes these. */
  readonly #restless = new Set<OfferRow>();
  #dirty: OfferRow[] = [];
  #columns = columnsOf(16);
  #restlessLookedAtMs = Number.NEGATIVE_INFINITY;
  #epochMs = 0;
  #offers: readonly Eligible[] | null = null;
  #contextTokensMin: number | null = null;
  #common: Capabilities | null = null;
  #medianPrice: number | null = null;
  #lowestPrice: number | null = null;
  #openCount: number | null = null;
  /** When somebody asked for the model last, in monotonic milliseconds; null: nobody did. */
  askedAtMs: number | null = null;
  /** Requests since the last that was given to explore. */
  sinceExplored = 0;

  get size(): number {
    return this.#rows.length;
  }

  get columns(): OfferColumns {
    return this.#columns;
  }

  /** Every offer, in the order of the columns. */
  get offers(): readonly Eligible[] {
    this.#offers ??= this.#rows.map(({ offer }) => offer);
    return this.#offers;
  }

  offerAt(index: number): Eligible {
    return (this.#rows[index] as OfferRow).offer;
  }

  /** True: everybody in it serves everybody. */
  get isOpen(): boolean {
    this.#openCount ??= this.#rows.filter(({ offer }) => offer.provider.isShared).length;
    return this.#openCount === this.#rows.length;
  }

  /** How many serve everybody. */
  get openCount(): number {
    return this.isOpen ? this.#rows.length : (this.#openCount as number);
  }

  /** Where a provider is in the columns; -1: nowhere. */
  indexOf(id: ProviderId): number {
    return this.#rowOf.get(id)?.index ?? -1;
  }

  /** The shortest context that somebody offers. */
  get contextTokensMin(): number {
    this.#contextTokensMin ??= Math.min(...this.#rows.map(({ offer }) => offer.model.contextTokens));
    return this.#contextTokensMin;
  }

  /** The least that somebody asks, as it is scored. */
  get lowestPrice(): number {
    this.#lowestPrice ??= Math.min(...this.#rows.map(({ offer }) => scoredPrice(offer.model)));
    return this.#lowestPrice;
  }

  /** What everybody who offers the model declares for it. */
  get common(): Capabilities {
    this.#common ??= commonCapabilities(this.#rows.map(({ offer }) => offer.model));
    return this.#common;
  }

  /**
   * The median of the owners' lowest prices in cents, of those who ask everybody for one, the lower one of two: many devices of one
   * owner are one voice. Infinite where nobody asks any.
   */
  get medianPrice(): number {
    this.#medianPrice ??= medianByOwner(
      this.#rows.map(({ offer }) => offer).filter(({ provider }) => provider.isShared),
    );
    return this.#medianPrice;
  }

  /** The median of what everybody's latency is expected to be, of those who serve everybody. */
  medianLatencyMs(): number {
    const { latencyMs } = this.#columns;
    const sorted = latencyMs
      .slice(0, this.#rows.length)
      .filter((_, row) => this.offerAt(row).provider.isShared)
      .sort();
    return sorted[Math.floor(sorted.length / 2)] ?? LATENCY_MS_DEFAULT;
  }

  /** Adds an offer, which takes the place of its provider's earlier one. */
  add(offer: Eligible, nowMs: number): void {
    this.remove(offer.provider.id);
    const row = new OfferRow(offer, this.#rows.length, this);
    const { standing } = offer.provider;
    if (row.index >= this.#columns.price.length) this.#columns = grown(this.#columns);
    this.#rows.push(row);
    this.#rowOf.set(offer.provider.id, row);
    standing.readers.add(row);
    const { givenAtMs } = standing;
    if (givenAtMs === null || nowMs - givenAtMs > UNEXPLORED_AFTER_MS) this.#explore(row, nowMs);
    row.changed();
    this.#offersChanged();
  }

  /** Takes a provider's offer out; the last one gets its place. */
  remove(id: ProviderId): void {
    const row = this.#rowOf.get(id);
    if (row === undefined) return;
    this.#rowOf.delete(id);
    row.offer.provider.standing.readers.delete(row);
    const last = this.#rows.pop() as OfferRow;
    if (last !== row) {
      this.#rows[row.index] = last;
      last.index = row.index;
      last.changed();
    }
    row.index = -1;
    for (const set of [
      this.#paused,
      this.#unexplored,
      this.#suspects,
      this.#fullForOne,
      this.#slow,
      this.#restless,
    ])
      set.delete(row);
    this.#offersChanged();
  }

  noteDirty(row: OfferRow): void {
    this.#dirty.push(row);
  }

  /** What work of this moment counts in `need`. */
  growth(nowMs: number): number {
    return 2 ** ((nowMs - this.#epochMs) / DEBT_HALF_LIFE_MS);
  }

  /** Brings the rows up to date that have changed. */
  refresh(nowMs: number, qualityOf: QualityOf): void {
    if (this.growth(nowMs) > GROWTH_MAX) {
      this.#epochMs = nowMs;
      for (const row of this.#rows) row.changed();
    }
    if (nowMs - this.#restlessLookedAtMs >= RESTLESS_EVERY_MS) {
      this.#restlessLookedAtMs = nowMs;
      for (const row of this.#restless) row.changed();
    }
    if (this.#dirty.length === 0) return;
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const row of dirty) {
      row.isDirty = false;
      if (row.index !== -1) this.#readInto(row, nowMs, qualityOf);
    }
  }

  /** Whose pause is over, who has a free slot, and whose endpoint has room for all, first for whom that is longest ago. */
  *dueProbes(nowMs: number): Generator<Eligible> {
    for (const { offer } of this.#paused) {
      const { provider, model } = offer;
      const isDue = trustOf(provider.standing.health, nowMs) === 'probe';
      const hasRoom = provider.standing.restsFor(model.name, nowMs) === null;
      if (isDue && hasRoom && provider.takesRequests(nowMs)) yield offer;
    }
  }

  /** Who is new or has come back, the longest first. */
  *unexplored(): Generator<{ readonly row: number; readonly sinceMs: number }> {
    for (const row of this.#unexplored) yield { row: row.index, sinceMs: row.unexploredSinceMs ?? 0 };
  }

  /** Whose endpoint has told this account alone that it has no room. */
  *fullFor(accountId: string, nowMs: number): Generator<number> {
    for (const { index, offer } of this.#fullForOne) {
      const rests = offer.provider.standing.restsFor(offer.model.name, nowMs);
      if (rests !== null && rests !== 'everybody' && rests.accountId === accountId) yield index;
    }
  }

  /** Whom this account has seen fail, and nobody else. */
  *suspectsOf(accountId: string): Generator<number> {
    for (const row of this.#suspects) {
      if (row.offer.provider.standing.health.failedAccounts.includes(accountId)) yield row.index;
    }
  }

  /** How many are not put aside. */
  get healthyCount(): number {
    return this.#rows.length - this.#paused.size;
  }

  /** Who has become several times slower than it used to be, and is not put aside. */
  get slowedDown(): readonly Eligible[] {
    return this.#slow.size === 0 ? [] : [...this.#slow].map(({ offer }) => offer);
  }

  /** It has work: nothing new about it any more. */
  given(index: number): void {
    const row = this.#rows[index] as OfferRow;
    row.unexploredSinceMs = null;
    this.#unexplored.delete(row);
  }

  #explore(row: OfferRow, nowMs: number): void {
    row.unexploredSinceMs = nowMs;
    this.#unexplored.add(row);
  }

  #offersChanged(): void {
    this.#offers = null;
    this.#contextTokensMin = null;
    this.#common = null;
    this.#medianPrice = null;
    this.#lowestPrice = null;
    this.#openCount = null;
  }

  #readInto(row: OfferRow, nowMs: number, qualityOf: QualityOf): void {
    const { provider, model } = row.offer;
    const { standing } = provider;
    standing.watchWaiting(nowMs);
    const { slots } = provider;
    const { health, running } = standing;
    const { index } = row;
    const columns = this.#columns;
    const assessment = qualityOf(provider.id);
    const isPaused = health.pausedUntilMs !== null;
    const pace = standing.paceOf(model.name);
    const latencyMs = standing.latencyMs(model.name, nowMs);
    const tokenMs = Math.max(1, pace.tokenMs() ?? TOKEN_MS_DEFAULT);
    columns.price[index] = scoredPrice(model);
    columns.quality[index] = assessment.quality;
    columns.latencyMs[index] = latencyMs ?? LATENCY_MS_DEFAULT;
    columns.availability[index] = assessment.availability;
    const rests = standing.restsFor(model.name, nowMs);
    columns.utilization[index] = isPaused || rests === 'everybody' ? 2 : running.size / slots;
    columns.capacity[index] = slots / tokenMs;
    columns.need[index] = (standing.debtTokens(nowMs) * this.growth(nowMs)) / (slots / tokenMs);
    columns.reliability[index] = health.successRate ** RELIABILITY_POWER;
    if (this.#paused.has(row) && !isPaused) this.#explore(row, nowMs);
    keepIn(this.#paused, row, isPaused);
    keepIn(this.#slow, row, !isPaused && latencyMs !== null && pace.isSlowedDown(latencyMs));
    keepIn(this.#suspects, row, health.failedAccounts.length > 0);
    keepIn(this.#fullForOne, row, rests !== null && rests !== 'everybody');
    keepIn(this.#restless, row, running.size > 0 || rests !== null);
  }
}

/** What a model is scored by, in cents: a typical request has about as much prompt as answer. */
export function scoredPrice({ prices }: ModelOffer): number {
  return (Number(prices.prompt) + Number(prices.completion)) / 2_000_000;
}

function keepIn<Item>(set: Set<Item>, item: Item, isIn: boolean): void {
  if (!isIn) set.delete(item);
  else if (!set.has(item)) set.add(item);
}

function medianByOwner(offers: readonly Eligible[]): number {
  const lowest = new Map<string, number>();
  for (const { provider, model } of offers) {
    const price = scoredPrice(model);
    if (price === 0) continue;
    lowest.set(provider.tenantId, Math.min(price, lowest.get(provider.tenantId) ?? price));
  }
  const sorted = [...lowest.values()].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.POSITIVE_INFINITY;
}

function columnsOf(rows: number): OfferColumns {
  return Object.fromEntries(COLUMNS.map((name) => [name, new Float32Array(rows)])) as OfferColumns;
}

function grown(columns: OfferColumns): OfferColumns {
  const larger = columnsOf(columns.price.length * 2);
  for (const name of COLUMNS) larger[name].set(columns[name]);
  return larger;
}
