import { tenantAccount } from '../../server/domains/ledger/accounts.ts';
import {
  createLedgerService,
  LEDGER_WRITER_LIMITS,
  LedgerWriter,
} from '../../server/domains/ledger/index.ts';
import { createPricingService } from '../../server/domains/pricing/index.ts';
import { createProviderService, type ProviderService } from '../../server/domains/providers/index.ts';
import { createQualityService, type QualityService } from '../../server/domains/quality/index.ts';
import {
  createRequestService,
  NO_SETTINGS,
  type RequestService,
  type RequestTimes,
} from '../../server/domains/requests/index.ts';
import { startMoneyJobs } from '../../server/jobs/money-jobs.ts';
import type { Clock } from '../../server/kernel/clock.ts';
import { createSecretBox } from '../../server/platform/secrets/index.ts';
import { createServerCore } from './core.ts';
import { silentLogger } from './logger.ts';
import type { MarketStoreInMemory } from './market-store.ts';
import { createSeededRandom } from './random.ts';
import { sellsWhatItAnnounces } from './selling.ts';
import { countingBy } from './tokenizer.ts';

/** Shorter than in use, so that a seed sees all of them. */
export const TIMES: RequestTimes = {
  firstTokenTimeoutMs: 10_000,
  stallTimeoutMs: 5_000,
  requestTimeoutMs: 60_000,
  slotWaitMs: 10_000,
  readerStallTimeoutMs: 8_000,
  holdLifeMs: 150_000,
  endRetryMs: 2_000,
};

const core = createServerCore();
const secretBox = createSecretBox(new Uint8Array(32).fill(7));
const pricing = createPricingService(
  { commissionBasisPoints: 1_200, roundingUnitMicrocents: 1n, ownRequestMicrocents: 0n },
  { core },
);

/** The database as one server process reaches it. */
export interface ReachedStore {
  readonly kept: MarketStoreInMemory;
  /** Does `work` in one transaction; rejects where it isn't known that it did. */
  transaction<T>(work: () => T): Promise<T>;
  /** Reads something, or fails. */
  read<T>(work: () => Promise<T>): Promise<T>;
}

/** What a server process is put into. */
export interface MarketSurroundings<Store extends ReachedStore> {
  readonly clock: Clock;
  readonly seed: number;
  /** Waits by `clock`, which ends with the process. */
  reachStore(clock: Clock): Store;
  /** True where tokens can't be counted now. */
  isCounterBroken(): boolean;
  /** Left out: nobody is too dear. */
  readonly priceGuard?: number;
  /** Left out: `TIMES`. */
  readonly times?: RequestTimes;
  /** Puts something between requests and providers; left out: nothing. */
  wrapProviders?(providers: ProviderService, quality: QualityService): ProviderService;
}

/** What this market has nothing of. */
const NOTHING_DUE = { allowances: { endDue: async () => 0 }, disputes: { decideDue: async () => 0 } };

/** A server's market from its start to its sudden end: the real services and jobs over a store that may fail. */
export class MarketProcess<Store extends ReachedStore = ReachedStore> {
  readonly store: Store;
  readonly providers: ProviderService;
  readonly requests: RequestService;
  isAlive = true;
  /** False while what the process before left open is being ended. */
  isReady = false;
  readonly #clock: Clock;
  readonly #startJobs: () => Promise<unknown>;

  constructor({
    clock: worldClock,
    seed,
    reachStore,
    isCounterBroken,
    wrapProviders,
    times = TIMES,
    priceGuard = Number.POSITIVE_INFINITY,
  }: MarketSurroundings<Store>) {
    // What waits for time never goes on in a process that is gone.
    const clock: Clock = {
      nowMs: () => worldClock.nowMs(),
      monotonicMs: () => worldClock.monotonicMs(),
      after: (delayMs, work) => worldClock.after(delayMs, () => this.isAlive && work()),
    };
    this.#clock = clock;
    const store = reachStore(clock);
    this.store = store;
    const { kept } = store;
    const surroundings = { clock, random: createSeededRandom(seed), logger: silentLogger };
    const ledger = createLedger(store, surroundings);
    const quality = createQualityService({
      core,
      store: { find: () => store.read(async () => null), save: () => store.read(async () => {}) },
      ...surroundings,
    });
    this.providers = createProviderService(
      {
        store: { saveOffer: () => store.read(async () => {}) },
        registrations: sellsWhatItAnnounces,
        payoutStanding: { canBePaid: () => store.read(async () => true) },
        quality,
        core,
        ...surroundings,
      },
      { priceGuard },
    );
    this.requests = createRequestService(
      { nodeId: 'the only one', times },
      {
        providers: wrapProviders?.(this.providers, quality) ?? this.providers,
        ledger,
        pricing,
        transactions: { findOpen: (...query) => store.read(() => kept.findOpen(...query)) },
        keys: {
          findKey: (requester, key) => store.read(() => kept.findKey(requester, key)),
          forgetKeys: (beforeMs) => store.read(() => kept.forgetKeys(beforeMs)),
        },
        settings: { settingsFor: async () => NO_SETTINGS },
        tokens: countingBy((_, text) => countTokens(text, clock, isCounterBroken())),
        secretBox,
        ...surroundings,
      },
    );
    this.#startJobs = () =>
      startMoneyJobs({
        ...NOTHING_DUE,
        ledger,
        requests: this.requests,
        quality,
        spending: { findUnusual: async () => [], removeOld: async () => {} },
        analytics: { removeOld: async () => {} },
        answers: { removeExpired: async () => {} },
        unusual: () => {},
        metrics: { roundEnded: () => {}, totalsCompared: () => {} },
        lease: { take: async () => true },
        ...surroundings,
      });
    void this.#start();
  }

  /** All that is only in memory is gone. */
  kill(): void {
    this.isAlive = false;
    this.isReady = false;
  }

  /** Requests are taken when what was left open is ended; a start that fails is repeated, as a service manager does. */
  async #start(): Promise<void> {
    for (;;) {
      try {
        await this.#startJobs();
        this.isReady = true;
        return;
      } catch {
        await new Promise<void>((resolve) => this.#clock.after(1_000, resolve));
      }
    }
  }
}

function createLedger(
  store: ReachedStore,
  surroundings: Pick<ConstructorParameters<typeof LedgerWriter>[1], 'clock' | 'random' | 'logger'>,
) {
  const { kept } = store;
  const writerStore = {
    apply: (...batch: Parameters<MarketStoreInMemory['apply']>) =>
      store.transaction(() => kept.apply(...batch)),
  };
  const writer = new LedgerWriter(LEDGER_WRITER_LIMITS, { store: writerStore, ...surroundings });
  const notAsked = () => Promise.reject(new Error('nobody asks this here'));
  return createLedgerService({
    writer,
    store: {
      readBalance: notAsked,
      readSpendable: (owner) =>
        store.read(async () => kept.books.balanceOf(tenantAccount('available', owner))),
      readStatement: notAsked,
      readTrialBalance: notAsked,
      findExpiredHolds: (...query) => store.read(() => kept.findExpiredHolds(...query)),
      findDueEarners: () => store.read(async () => []),
      findEndedAllowances: () => store.read(async () => []),
      readAllowances: notAsked,
      verify: () =>
        store.read(async () => ({
          accounts: 0,
          entries: 0,
          wrongAccounts: [],
          totalsMatch: true,
          nextAfter: null,
        })),
    },
    tenants: { findTenantOfAccount: async () => null },
    clock: surroundings.clock,
  });
}

/** Four characters a token, counted elsewhere, and now and then not at all. */
async function countTokens(text: string, clock: Clock, isBroken: boolean): Promise<number> {
  await new Promise<void>((resolve) => clock.after(1, resolve));
  if (isBroken) throw new Error('the counter is broken');
  return Math.ceil(text.length / 4);
}
