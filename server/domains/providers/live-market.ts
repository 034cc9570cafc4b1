import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isModelInScope } from '../../kernel/credential-scope.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import { LiveFollowers } from '../../kernel/live-followers.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { TokenPrices } from '../pricing/index.ts';
import type { Attempt } from './attempt.ts';
import { CHARACTERS_PER_TOKEN, LIVE_FOLLOW_LIMITS, LIVE_INTERVAL_MS, LIVE_MODELS_MAX } from './limits.ts';
import { listModels } from './listing.ts';
import type { ProviderRegistry } from './registry.ts';
import type { ProviderId } from './types.ts';

/** Work at one moment. */
export interface LiveWork {
  readonly running: number;
  /** By the characters that came since the figures before: exact tokens are counted when a request ends. */
  readonly tokensPerSecond: number;
}

/** What a caller may know of the market at this moment. */
export interface LiveFigures {
  readonly atMs: number;
  /** Of the caller's own account alone. */
  readonly asked: LiveWork & { readonly waiting: number };
  readonly askedModels: readonly (LiveWork & { readonly model: string; readonly waiting: number })[];
  /** What each provider of the caller's tenant works on. */
  readonly served: readonly (LiveWork & { readonly providerId: ProviderId })[];
  /** The least prices of what everybody is offered: whoever may see the market reads them anyway. */
  readonly prices: readonly {
    readonly model: string;
    readonly providers: number;
    readonly pricesMin: TokenPrices;
  }[];
}

/** What is counted of one account with one model. */
interface Tally {
  running: number;
  waiting: number;
  characters: number;
}

/** Everybody's figures of one moment: each reader is shown a part of them. */
interface Sample {
  readonly atMs: number;
  readonly seconds: number;
  readonly asked: ReadonlyMap<AccountId, ReadonlyMap<string, Tally>>;
  readonly served: ReadonlyMap<TenantId, ReadonlyMap<ProviderId, Tally>>;
  readonly prices: LiveFigures['prices'];
}

const SUBJECT = 'market';

/**
 * Figures of the present, every second while somebody reads them; nothing is counted while nobody does. A reader is told of its own
 * account's requests and of its own tenant's providers, and of everybody else the public prices: never a number that another tenant's
 * requests change, but for what its own providers are given to do.
 */
export class LiveMarket {
  readonly #registry: ProviderRegistry;
  readonly #clock: Clock;
  readonly #followers = new LiveFollowers<Sample, LiveFigures>(LIVE_FOLLOW_LIMITS, figuresFor);
  /** Characters of running attempts that were counted before. */
  #counted = new WeakMap<Attempt, number>();
  /** Attempts that ended since the figures before. */
  #ended: Attempt[] = [];
  #isTicking = false;
  #sampledMs = 0;

  constructor(registry: ProviderRegistry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
    registry.onAttemptEnded = (attempt) => {
      if (this.#isTicking) this.#ended.push(attempt);
    };
  }

  /**
   * The figures of now, and those of every second, until `signal`. Refuses with `forbidden`, and with `limit_reached` where as many read
   * as may; ends with `consumer_too_slow`.
   */
  follow(actor: Actor, signal: AbortSignal): AsyncIterable<LiveFigures> {
    const account = requirePermission(actor, 'money.read');
    this.#followers.requireRoom(account);
    const begin = async () => {
      this.#startTicking();
      return [figuresFor(account, this.#sample(true))];
    };
    return this.#followers.follow(account, [SUBJECT], begin, signal);
  }

  /** Ends all streams. */
  close(): void {
    this.#followers.close();
  }

  #startTicking(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    this.#sampledMs = this.#clock.monotonicMs();
    for (const attempt of this.#registry.attempts()) this.#counted.set(attempt, attempt.characters);
    this.#clock.after(LIVE_INTERVAL_MS, () => this.#tick());
  }

  #tick(): void {
    if (this.#followers.isEmpty) {
      this.#isTicking = false;
      this.#ended = [];
      return;
    }
    this.#followers.tell(SUBJECT, this.#sample(false));
    this.#clock.after(LIVE_INTERVAL_MS, () => this.#tick());
  }

  /** `isPeek`: leaves what came since the last figures to those that follow. */
  #sample(isPeek: boolean): Sample {
    const nowMs = this.#clock.monotonicMs();
    const asked = new Map<AccountId, Map<string, Tally>>();
    const served = new Map<TenantId, Map<ProviderId, Tally>>();
    const note = (attempt: Attempt, running: number) => {
      const { order, provider } = attempt;
      const characters = attempt.characters - (this.#counted.get(attempt) ?? 0);
      if (!isPeek) this.#counted.set(attempt, attempt.characters);
      const tallies = [
        tallyOf(asked, order.accountId, attempt.modelName),
        tallyOf(served, provider.tenantId, provider.id),
      ];
      for (const tally of tallies) {
        tally.running += running;
        tally.characters += characters;
      }
    };
    for (const attempt of this.#registry.attempts()) note(attempt, 1);
    for (const attempt of this.#ended) note(attempt, 0);
    for (const { accountId, model } of this.#registry.waitingRoom.waiters())
      tallyOf(asked, accountId, model).waiting++;
    const seconds = Math.max((nowMs - this.#sampledMs) / 1_000, LIVE_INTERVAL_MS / 1_000);
    if (!isPeek) {
      this.#ended = [];
      this.#sampledMs = nowMs;
    }
    return { atMs: this.#clock.nowMs(), seconds, asked, served, prices: this.#prices() };
  }

  #prices(): LiveFigures['prices'] {
    return listModels(this.#registry.providersFor(null))
      .toSorted((one, other) => other.providers - one.providers || (one.name < other.name ? -1 : 1))
      .slice(0, LIVE_MODELS_MAX)
      .map(({ name, providers, pricesMin }) => ({ model: name, providers, pricesMin }));
  }
}

function tallyOf<Who, What>(all: Map<Who, Map<What, Tally>>, who: Who, what: What): Tally {
  const ofWho = all.get(who) ?? new Map<What, Tally>();
  all.set(who, ofWho);
  const tally = ofWho.get(what) ?? { running: 0, waiting: 0, characters: 0 };
  ofWho.set(what, tally);
  return tally;
}

function figuresFor(actor: AccountActor, { atMs, seconds, asked, served, prices }: Sample): LiveFigures {
  const rate = (characters: number) => Math.round((characters / CHARACTERS_PER_TOKEN / seconds) * 10) / 10;
  const work = ({ running, characters }: Tally): LiveWork => ({ running, tokensPerSecond: rate(characters) });
  const all: Tally = { running: 0, waiting: 0, characters: 0 };
  const own = [...(asked.get(actor.accountId) ?? [])].filter(([model]) => isModelInScope(actor, model));
  for (const [, tally] of own) {
    all.running += tally.running;
    all.waiting += tally.waiting;
    all.characters += tally.characters;
  }
  return {
    atMs,
    asked: { ...work(all), waiting: all.waiting },
    askedModels: own
      .map(([model, tally]) => ({ model, ...work(tally), waiting: tally.waiting }))
      .sort((a, b) => (a.model < b.model ? -1 : 1))
      .slice(0, LIVE_MODELS_MAX),
    served: [...(served.get(actor.tenantId) ?? [])].map(([providerId, tally]) => ({
      providerId,
      ...work(tally),
    })),
    prices: prices.filter(({ model }) => isModelInScope(actor, model)),
  };
}
