import {
  type Eligible,
  PLAIN_CHAT,
  PRICE_GUARD_DEFAULT,
  type ProviderService,
} from '../../../server/domains/providers/index.ts';
import type { QualityService } from '../../../server/domains/quality/index.ts';
import { NO_PREFERENCES, REQUEST_TIMES } from '../../../server/domains/requests/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { type AccountId, asId, type TenantId, type TransferId } from '../../../server/kernel/ids.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { createServerCore } from '../../support/core.ts';
import { uuid } from '../../support/frames.ts';
import { MarketProcess, type ReachedStore } from '../../support/market-process.ts';
import { MarketStoreInMemory } from '../../support/market-store.ts';
import { createSeededRandom } from '../../support/random.ts';
import { Machine } from './machine.ts';
import { POLICIES, type PolicyName } from './policies.ts';
import type { Scenario } from './scenarios.ts';

/** What one world shows. */
export interface Outcome {
  readonly requests: number;
  readonly refused: number;
  /** Of the shares by capacity that the honest have in the work. */
  readonly jain: number;
  readonly firstTokenP99Ms: number;
  readonly tokenP99Ms: number;
  readonly centsPer1000Tokens: number;
  /** Of the time of the honest, how much they were put aside. */
  readonly pausedShare: number;
  /** Of a kind of machine: its part of all work, as a share of what its capacity would be. */
  readonly shareOf: Readonly<Record<string, number>>;
  /** How a share by capacity goes with the price, in a double-logarithmic fit: -1 halves it at twice the price; null: all ask the same. */
  readonly elasticity: number | null;
  /** From a newcomer's arrival to its first request; null: none came. */
  readonly newcomerMs: number | null;
}

const MEAN_TOKENS = 200;
const CUSTOMERS = 12;
const RICH_MICROCENTS = 10n ** 15n;
const WATCHED_EVERY_MS = 1_000;
const core = createServerCore();

/** A market by its seed: the product's own requests, providers, quality and ledger; time and machines are the simulation's. */
export class ChoiceWorld implements ReachedStore {
  readonly kept = new MarketStoreInMemory();
  readonly clock = new FakeClock(0);
  readonly #scenario: Scenario;
  readonly #random: ReturnType<typeof createSeededRandom>;
  readonly #market: MarketProcess<ReachedStore>;
  readonly #machines: readonly Machine[];
  readonly #customers: readonly AccountActor[];
  readonly #lengths: number[] = [];
  readonly #lengthOf = new Map<string, number>();
  readonly #firstTokensMs: number[] = [];
  readonly #tokensMs: number[] = [];
  readonly #counts = { requests: 0, refused: 0, costMicrocents: 0, watched: 0, paused: 0, running: 0 };

  constructor(scenario: Scenario, policy: PolicyName, seed: number) {
    this.#scenario = scenario;
    this.#random = createSeededRandom(seed);
    this.#market = new MarketProcess<ReachedStore>({
      clock: this.clock,
      seed: seed + 1_000,
      reachStore: () => this,
      isCounterBroken: () => false,
      times: REQUEST_TIMES,
      priceGuard: PRICE_GUARD_DEFAULT,
      wrapProviders: (providers, quality) => this.#withPolicy(providers, quality, policy),
    });
    const watcher = {
      clock: this.clock,
      lengthOf: (requestId: string) => this.#lengthFor(requestId),
      fraction: () => this.#random.fraction(),
    };
    this.#machines = scenario
      .machines(this.#random, scenario.durationMs)
      .map((model, index) => new Machine(index, model, this.#market.providers, watcher));
    this.#customers = Array.from({ length: CUSTOMERS }, (_, index) => this.#customer(index));
  }

  async transaction<T>(work: () => T): Promise<T> {
    return work();
  }

  read<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  /** Runs to the end of the last request; throws where the books are wrong. */
  async run(): Promise<Outcome> {
    const { durationMs, load } = this.#scenario;
    for (const machine of this.#machines) machine.start();
    this.clock.after(500, () => this.#arrive(load * this.#requestsPerMs()));
    this.clock.after(WATCHED_EVERY_MS, () => this.#watch());
    while (this.clock.nowMs() < durationMs || this.#counts.running > 0) {
      if (!this.clock.step()) break;
      await promisesTurn();
    }
    this.kept.books.expectInOrder();
    return this.#outcome();
  }

  #customer(index: number): AccountActor {
    const actor: AccountActor = {
      kind: 'account',
      credentialId: TEST_CREDENTIAL_ID,
      tenantId: asId<TenantId>(uuid(600_000 + index)),
      accountId: asId<AccountId>(uuid(700_000 + index)),
      operator: false,
      role: 'owner',
      networkIds: null,
    };
    const id = asId<TransferId>(uuid(500_000 + index));
    const command = {
      kind: 'top_up',
      id,
      owner: actor,
      amountMicrocents: RICH_MICROCENTS,
      clearing: 'manual',
    } as const;
    this.kept.apply([{ commands: [command], rows: [] }], this.clock.nowMs());
    return actor;
  }

  /** As many as keep all slots busy, those of the honest as they are said, those of the others as they are. */
  #requestsPerMs(): number {
    const samples = Array.from({ length: 200 }, () => this.#scenario.promptTokens(this.#random));
    const promptTokens = samples.reduce((sum, tokens) => sum + tokens, 0) / samples.length;
    return this.#machines.reduce((sum, { model }) => {
      const serviceMs =
        model.firstTokenMs + model.prefillMsPerToken * promptTokens + MEAN_TOKENS * model.tokenMs;
      return sum + model.slots / serviceMs;
    }, 0);
  }

  #arrive(requestsPerMs: number): void {
    if (this.clock.nowMs() >= this.#scenario.durationMs) return;
    void this.#ask();
    this.clock.after(-Math.log(1 - this.#random.fraction()) / requestsPerMs, () =>
      this.#arrive(requestsPerMs),
    );
  }

  /** Answers are as long as their requests want, whoever gives them. */
  #lengthFor(requestId: string): number {
    const known = this.#lengthOf.get(requestId) ?? this.#lengths.shift() ?? MEAN_TOKENS;
    this.#lengthOf.set(requestId, known);
    return known;
  }

  async #ask(): Promise<void> {
    const counts = this.#counts;
    const actor = this.#customers[counts.requests++ % CUSTOMERS] as AccountActor;
    const promptTokens = this.#scenario.promptTokens(this.#random);
    this.#lengths.push(Math.max(20, Math.round(-Math.log(1 - this.#random.fraction()) * MEAN_TOKENS)));
    const askedMs = this.clock.nowMs();
    counts.running++;
    try {
      const answer = await this.#market.requests.createRequest(actor, {
        models: ['m'],
        preferences: NO_PREFERENCES,
        encodeBody: () => new TextEncoder().encode(`{"order": ${counts.requests}}`),
        continuationBody: () => null,
        task: PLAIN_CHAT,
        countPromptTokens: async () => promptTokens,
        completionTokensMax: 4_000,
        costMicrocentsMax: null,
        idempotencyKey: null,
        isWhole: false,
        signal: new AbortController().signal,
      });
      const firstMs = this.clock.nowMs();
      this.#firstTokensMs.push(firstMs - askedMs);
      for await (const event of answer.events) {
        if (event.kind === 'failed') counts.refused++;
        if (event.kind !== 'end') continue;
        counts.costMicrocents += Number(event.costMicrocents);
        this.#tokensMs.push((this.clock.nowMs() - firstMs) / Math.max(1, event.completionTokens));
      }
    } catch {
      counts.refused++;
    }
    counts.running--;
  }

  /** How much of the time of the honest goes to pauses. */
  #watch(): void {
    const honest = new Set(
      this.#machines.filter(({ model }) => model.kind === 'honest').map(({ actor }) => actor.deviceId),
    );
    for (const { provider } of this.#market.providers.offersOf('m')) {
      if (!honest.has(provider.deviceId)) continue;
      this.#counts.watched++;
      if (provider.standing.health.pausedUntilMs !== null) this.#counts.paused++;
    }
    if (this.clock.nowMs() < this.#scenario.durationMs)
      this.clock.after(WATCHED_EVERY_MS, () => this.#watch());
  }

  #withPolicy(providers: ProviderService, quality: QualityService, policy: PolicyName): ProviderService {
    const qualityOf = (id: string) => quality.assessmentOf(id);
    const choose = POLICIES[policy]({ core, random: this.#random, qualityOf });
    if (policy === 'ours') return providers;
    return {
      ...providers,
      takeSlot: (wish) =>
        providers.takeSlot({
          ...wish,
          contextTokensOnly: null,
          narrow: (offers: readonly Eligible[]) => {
            const allowed = wish.narrow(offers);
            return allowed === null ? null : choose(allowed, this.clock.monotonicMs());
          },
        }),
    };
  }

  #outcome(): Outcome {
    const { requests, refused, costMicrocents, watched, paused } = this.#counts;
    const work = this.#machines.map(({ model, servedTokens }) => ({
      kind: model.kind,
      priceCents: model.priceCents,
      capacity: model.slots / model.tokenMs,
      servedTokens,
    }));
    const total = (of: (one: (typeof work)[number]) => number) => work.reduce((sum, one) => sum + of(one), 0);
    const served = total(({ servedTokens }) => servedTokens);
    const capacity = total((one) => one.capacity);
    const kinds = [...new Set(work.map(({ kind }) => kind))];
    const shareOf = Object.fromEntries(
      kinds.map((kind) => {
        const own = work.filter((one) => one.kind === kind);
        const part = (of: (one: (typeof work)[number]) => number) =>
          own.reduce((sum, one) => sum + of(one), 0);
        return [kind, part((one) => one.servedTokens) / served / (part((one) => one.capacity) / capacity)];
      }),
    );
    const newcomer = this.#machines.find(({ model }) => model.kind === 'newcomer');
    const firstAtMs = newcomer?.firstWorkAtMs ?? null;
    return {
      requests,
      refused,
      jain: jainOf(
        work.filter(({ kind }) => kind === 'honest').map((one) => one.servedTokens / one.capacity),
      ),
      firstTokenP99Ms: p99Of(this.#firstTokensMs),
      tokenP99Ms: p99Of(this.#tokensMs),
      centsPer1000Tokens: (costMicrocents / 1_000_000 / served) * 1_000,
      pausedShare: watched === 0 ? 0 : paused / watched,
      shareOf,
      elasticity: elasticityOf(work.filter(({ servedTokens }) => servedTokens > 0)),
      newcomerMs: firstAtMs === null ? null : firstAtMs - (newcomer?.model.joinsAtMs ?? 0),
    };
  }
}

/** Jain's index: 1 when all are equal, one over their number when one has all (Jain, Chiu, Hawe 1984). */
function jainOf(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  return sum ** 2 / (shares.length * shares.reduce((total, share) => total + share * share, 0));
}

/** The slope of the logarithm of the share over the logarithm of the price, by least squares. */
function elasticityOf(
  work: readonly { readonly priceCents: number; readonly servedTokens: number; readonly capacity: number }[],
): number | null {
  const points = work.map(({ priceCents, servedTokens, capacity }) => ({
    price: Math.log(priceCents),
    share: Math.log(servedTokens / capacity),
  }));
  const mean = (of: (point: (typeof points)[number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [price, share] = [mean((point) => point.price), mean((point) => point.share)];
  const variance = mean((point) => (point.price - price) ** 2);
  if (points.length === 0 || variance < 1e-9) return null;
  return mean((point) => (point.price - price) * (point.share - share)) / variance;
}

function p99Of(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;
}

/** What follows from a step is in promises; the ledger's writer waits for a turn before each batch. */
async function promisesTurn(): Promise<void> {
  for (let count = 0; count < 8; count++) await null;
  await new Promise((resolve) => setImmediate(resolve));
}
