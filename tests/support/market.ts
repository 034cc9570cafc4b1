import { expect } from 'vitest';
import { createAnswerService, createAnswerStore } from '../../server/domains/answers/index.ts';
import type { AnswerBounds } from '../../server/domains/answers/ports.ts';
import {
  createDisputeService,
  createDisputeStore,
  type DisputeMail,
} from '../../server/domains/disputes/index.ts';
import {
  createAllowanceService,
  createLedgerService,
  createLedgerStore,
  LEDGER_WRITER_LIMITS,
  type LedgerService,
  LedgerWriter,
} from '../../server/domains/ledger/index.ts';
import {
  createPricingService,
  type ModelTokenizers,
  type PriceInput,
  type PricingOptions,
} from '../../server/domains/pricing/index.ts';
import {
  createProviderService,
  createProviderStore,
  type OfferInput,
  PLAIN_CHAT,
  type ProviderError,
  type ProviderLink,
  type ProviderOrder,
  type SellingRegistrations,
  type TokenClaim,
} from '../../server/domains/providers/index.ts';
import { createQualityService, createQualityStore } from '../../server/domains/quality/index.ts';
import {
  type ComputeAnswer,
  type ComputeEvent,
  createKeyStore,
  createRequestService,
  createRequestSettingsService,
  createSettingsStore,
  NO_PREFERENCES,
  REQUEST_TIMES,
  type RequestTimes,
  type UncountedOrder,
} from '../../server/domains/requests/index.ts';
import { createSpendingService, createSpendingStore } from '../../server/domains/spending/index.ts';
import {
  createAnalyticsService,
  createAnalyticsStore,
  createTransactionService,
  createTransactionStore,
  type Transaction,
  type TransactionStore,
} from '../../server/domains/transactions/index.ts';
import type { AccountActor, DeviceActor } from '../../server/kernel/actor.ts';
import type { Clock } from '../../server/kernel/clock.ts';
import type { Database } from '../../server/kernel/database.ts';
import { type AccountId, asId, type DeviceId, type TenantId } from '../../server/kernel/ids.ts';
import type { Logger } from '../../server/kernel/logger.ts';
import type { Random } from '../../server/kernel/random.ts';
import { createSecretBox } from '../../server/platform/secrets/index.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { addOwner, newOwner, TEST_CREDENTIAL_ID } from './actors.ts';
import { FakeClock, turn } from './clock.ts';
import { createServerCore } from './core.ts';
import type { TestDatabase } from './database.ts';
import { silentLogger } from './logger.ts';
import { createSeededRandom } from './random.ts';
import { sellsWhatItAnnounces } from './selling.ts';
import { countingBy, createExactCounter } from './tokenizer.ts';

const systemRandom = createSystemRandom();

/** Waits, without a clock, until the database has let something become true. */
export async function until<T>(probe: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadlineMs = performance.now() + 10_000;
  while (performance.now() < deadlineMs) {
    const value = await probe();
    if (value) return value;
    await turn(1);
  }
  throw new Error('it never became true');
}

/** Micro-cents of whole or broken cents. */
export const cents = (amount: number): bigint => BigInt(Math.round(amount * 1_000_000));

/** A device that serves requests as its test says, at the other end of a link. */
export class FakeProvider {
  readonly owner = newOwner();
  readonly actor: DeviceActor;
  readonly requests: ProviderOrder[] = [];
  readonly cancelled: string[] = [];
  grantedBytes = 0;
  reachable = true;
  /** Called with each request. */
  onRequest: (request: ProviderOrder) => void = () => {};
  readonly link: ProviderLink = {
    request: (order) => {
      if (!this.reachable) return false;
      this.requests.push(order);
      queueMicrotask(() => this.onRequest(order));
      return true;
    },
    grant: (_, bytes) => {
      this.grantedBytes += bytes;
      return this.reachable;
    },
    cancel: (requestId) => {
      this.cancelled.push(requestId);
      return this.reachable;
    },
  };

  constructor() {
    const { tenantId } = this.owner;
    this.actor = {
      kind: 'device',
      credentialId: TEST_CREDENTIAL_ID,
      tenantId,
      deviceId: asId<DeviceId>(systemRandom.uuid()),
    };
  }
}

/** What a test may change of a market. */
export interface MarketOptions {
  readonly nodeId?: string;
  readonly seed?: number;
  readonly logger?: Logger;
  readonly times?: RequestTimes;
  readonly prices?: Partial<PricingOptions>;
  readonly modelTokenizers?: ModelTokenizers;
  readonly countText?: (tenantId: TenantId, text: string) => Promise<number>;
  readonly priceGuard?: number;
  /** Without it what is earned can be spent at once. */
  readonly earningsReleaseDelayMs?: number;
  readonly canBePaid?: (tenantId: TenantId) => boolean;
  /** Without it every device sells what it announces. */
  readonly registrations?: SellingRegistrations;
  readonly wrapLedger?: (ledger: LedgerService) => LedgerService;
  /** Without it nobody is told of disputes. */
  readonly disputeMail?: DisputeMail;
  readonly answerBounds?: AnswerBounds;
  readonly wrapTransactions?: (store: TransactionStore) => TransactionStore;
}

const USUAL_PRICES: PricingOptions = {
  commissionBasisPoints: 1_200,
  roundingUnitMicrocents: 1n,
  ownRequestMicrocents: 0n,
};

function createLedger(
  db: TestDatabase,
  tenants: ReadonlyMap<AccountId, TenantId>,
  earningsReleaseDelayMs: number,
  surroundings: { clock: Clock; random: Random; logger: Logger },
) {
  const store = createLedgerStore(db.database, { feeShard: 0, earningsReleaseDelayMs });
  const writer = new LedgerWriter(LEDGER_WRITER_LIMITS, { store, ...surroundings });
  const directory = { findTenantOfAccount: async (id: AccountId) => tenants.get(id) ?? null };
  const { clock } = surroundings;
  const ledger = createLedgerService({ writer, store, tenants: directory, clock });
  // 7.5 cents for 1000 tokens.
  const reference = { referenceMicrocents: 7_500_000n };
  return {
    ledger,
    allowances: createAllowanceService(reference, { ledger, store, tenants: directory, clock }),
  };
}

/** Tells nobody what verification found. */
const silentMetrics = { roundEnded: () => {}, totalsCompared: () => {} };

const testSecretBox = () => createSecretBox(new Uint8Array(32).fill(1));

function disputesOf(
  database: Database,
  ledger: LedgerService,
  options: MarketOptions,
  surroundings: { clock: Clock; random: Random; logger: Logger },
) {
  const mail = options.disputeMail ?? null;
  const secretBox = testSecretBox();
  return createDisputeService({
    store: createDisputeStore(database),
    ledger,
    mail,
    secretBox,
    ...surroundings,
  });
}

/** A marketplace with ledger on a real database, whose time and chance a test decides. */
export function createMarket(db: TestDatabase, options: MarketOptions = {}) {
  const { database } = db;
  const logger = options.logger ?? silentLogger;
  const clock = new FakeClock(Date.now());
  const random = { ...createSeededRandom(options.seed ?? 1), uuid: systemRandom.uuid };
  const core = createServerCore();
  const tenants = new Map<AccountId, TenantId>();
  const chance = { clock, random, logger };
  const { earningsReleaseDelayMs = 0 } = options;
  const { ledger: plainLedger, allowances } = createLedger(db, tenants, earningsReleaseDelayMs, chance);
  const ledger = options.wrapLedger?.(plainLedger) ?? plainLedger;
  const quality = createQualityService({ core, store: createQualityStore(database), clock, logger });
  const payoutStanding = { canBePaid: async (id: TenantId) => options.canBePaid?.(id) ?? true };
  const store = createProviderStore(database);
  // Tests have prices that nobody would ask beside each other; those about the guard say so.
  const { priceGuard = Number.POSITIVE_INFINITY } = options;
  const { registrations = sellsWhatItAnnounces } = options;
  const surroundings = { registrations, payoutStanding, quality, core, clock, random, logger };
  const providers = createProviderService({ store, ...surroundings }, { priceGuard });
  const plainTransactions = createTransactionStore(database);
  const transactionStore = options.wrapTransactions?.(plainTransactions) ?? plainTransactions;
  const transactions = createTransactionService({ store: transactionStore });
  const tokens = createExactCounter(options.modelTokenizers);
  const secretBox = testSecretBox();
  const bounded = options.answerBounds === undefined ? {} : { bounds: options.answerBounds };
  const answerStore = createAnswerStore(database);
  const answers = createAnswerService(bounded, { store: answerStore, secretBox, clock, logger });
  const disputes = disputesOf(database, plainLedger, options, chance);
  const settings = createRequestSettingsService({ store: createSettingsStore(database), clock });
  const requests = createRequestService(
    { nodeId: options.nodeId ?? systemRandom.uuid(), times: options.times ?? REQUEST_TIMES },
    {
      providers,
      ledger,
      pricing: createPricingService({ ...USUAL_PRICES, ...options.prices }, { core }),
      transactions: transactionStore,
      keys: createKeyStore(database),
      settings,
      clock,
      random,
      logger,
      tokens: options.countText === undefined ? tokens : countingBy(options.countText),
      secretBox,
    },
  );
  const administrator = newOwner(true);
  const asker = { database, ledger: plainLedger, transactions, administrator };

  return {
    clock,
    allowances,
    disputes,
    ledger: plainLedger,
    providers,
    requests,
    answers,
    settings,
    tokens,
    transactions,
    quality,
    metrics: silentMetrics,
    ...spendingParts(database, clock),
    administrator,
    ...bookkeeping(asker, tenants),
    ...messages(providers),
    /** A provider that is connected and offers `model`. */
    provider: (offer: FakeOffer = {}) => connectProvider({ database, providers, tenants }, offer),
    order: orderWith,
  };
}

/** What a provider of tests offers, where it isn't what most do. */
interface FakeOffer extends Pick<OfferInput['models'][number], 'continuesAnswers' | 'features' | 'fields'> {
  readonly model?: string;
  readonly price?: PriceInput;
  readonly slots?: number;
  readonly context?: number;
}

async function connectProvider(
  {
    database,
    providers,
    tenants,
  }: {
    database: Database;
    providers: ReturnType<typeof createProviderService>;
    tenants: Map<AccountId, TenantId>;
  },
  { model = 'm', price = 1_000, slots = 4, context = 8_192, ...declared }: FakeOffer,
): Promise<FakeProvider> {
  const provider = new FakeProvider();
  await addOwner(database, provider.owner);
  tenants.set(provider.owner.accountId, provider.owner.tenantId);
  const models = [{ name: model, prices: price, contextTokens: context, ...declared }];
  await providers.offer(provider.actor, provider.link, { slots, models });
  showSlots(providers, provider, model, slots);
  return provider;
}

/** The provider has shown that it serves as many requests at a time as it says. */
function showSlots(
  providers: ReturnType<typeof createProviderService>,
  { actor }: FakeProvider,
  model: string,
  slots: number,
): void {
  const offers = providers.offersOf(model);
  const standing = offers.find(({ provider }) => provider.deviceId === actor.deviceId)?.provider.standing;
  for (let place = 1; place <= slots; place++) {
    standing?.slotLimit.observeFirstText({ place, promptTokens: 0, startedMs: 0 }, 1, 0);
  }
}

function orderWith(changes: Partial<UncountedOrder> = {}): UncountedOrder {
  return {
    models: ['m'],
    preferences: NO_PREFERENCES,
    encodeBody: () => new TextEncoder().encode('{}'),
    continuationBody: (beginning) => new TextEncoder().encode(JSON.stringify({ beginning })),
    countPromptTokens: async () => 10,
    task: PLAIN_CHAT,
    completionTokensMax: 50,
    costMicrocentsMax: null,
    idempotencyKey: null,
    isWhole: false,
    signal: new AbortController().signal,
    ...changes,
  };
}

/** Customers, their money and their transactions. */
function bookkeeping(
  {
    database,
    ledger,
    transactions,
    administrator,
  }: {
    database: Database;
    ledger: LedgerService;
    transactions: ReturnType<typeof createTransactionService>;
    administrator: AccountActor;
  },
  tenants: Map<AccountId, TenantId>,
) {
  /** Whole and broken cents that a user has. */
  const balance = async (user: AccountActor) => {
    const { availableMicrocents, heldMicrocents } = await ledger.balance(user);
    return { available: Number(availableMicrocents) / 1e6, held: Number(heldMicrocents) / 1e6 };
  };
  /** Gives a user `amount` cents. */
  const topUp = async ({ accountId }: AccountActor, amount: number) => {
    const idempotencyKey = systemRandom.uuid();
    await ledger.topUp(administrator, { accountId, amountMicrocents: cents(amount), idempotencyKey });
  };
  return {
    balance,
    topUp,
    /** A user who has `amount` cents. */
    async customer(amount: number): Promise<AccountActor> {
      const user = newOwner();
      await addOwner(database, user);
      tenants.set(user.accountId, user.tenantId);
      if (amount > 0) await topUp(user, amount);
      return user;
    },
    /** The transaction the user asked for last. */
    async lastTransaction(user: AccountActor): Promise<Transaction | undefined> {
      const query = { role: 'requester', after: null, limit: 1 } as const;
      return (await transactions.listTransactions(user, query)).items[0];
    },
    /** The user still has 1,000 cents, nothing is held, the books are in order. */
    async expectUntouched(user: AccountActor): Promise<void> {
      await until(async () => (await balance(user)).held === 0);
      expect((await balance(user)).available).toBe(1_000);
      const books = await ledger.trialBalance(administrator);
      expect(books).toMatchObject({ entriesSumMicrocents: 0n, mismatchedAccounts: 0 });
    },
  };
}

/** What a provider says of a request. */
function messages(providers: ReturnType<typeof createProviderService>) {
  const text = (provider: FakeProvider, requestId: string, index: number, value: string) =>
    providers.delta(provider.actor, {
      requestId,
      index,
      delta: { fields: { content: value }, text: value, bytes: Buffer.byteLength(value) },
    });
  const result = (
    provider: FakeProvider,
    requestId: string,
    changes: { finishReason?: string; claim?: Partial<TokenClaim> | null } = {},
  ) => {
    const { finishReason = 'stop', claim = {} } = changes;
    const whole = { promptTokens: 10, cachedPromptTokens: 0, completionTokens: 1, reasoningTokens: 0 };
    const error = null;
    providers.result(provider.actor, {
      requestId,
      finishReason,
      claim: claim && { ...whole, ...claim },
      error,
    });
  };
  return {
    text,
    result,
    /** Who serves now, as the actor sees it. */
    listed: async (actor: AccountActor) => (await providers.listProviders(actor, null, 200)).items,
    /** The provider says that it failed. */
    fail: (provider: FakeProvider, requestId: string, error: Partial<ProviderError> = {}) =>
      providers.result(provider.actor, {
        requestId,
        finishReason: '',
        claim: null,
        error: { fault: 'provider', reason: 'out of memory', status: null, param: null, ...error },
      }),
    /** Gives an answer piece by piece, as an honest provider does. */
    answer(
      provider: FakeProvider,
      { requestId }: { requestId: string },
      pieces: readonly string[],
      claim: readonly [prompt: number, completion: number] = [10, 2],
    ) {
      for (const [index, value] of pieces.entries()) text(provider, requestId, index, value);
      result(provider, requestId, { claim: { promptTokens: claim[0], completionTokens: claim[1] } });
    },
  };
}

/** Every event of an answer. */
export async function eventsOf(answer: ComputeAnswer): Promise<ComputeEvent[]> {
  const events: ComputeEvent[] = [];
  for await (const event of answer.events) events.push(event);
  return events;
}

/** What tenants may spend; nobody hears of unusual days. */
function spendingParts(database: Database, clock: Clock) {
  return {
    analytics: createAnalyticsService({ store: createAnalyticsStore(database), clock }),
    spending: createSpendingService({ store: createSpendingStore(database), clock }),
    unusual: () => {},
  };
}
