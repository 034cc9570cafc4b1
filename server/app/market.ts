import type { Config } from '../config/index.ts';
import { createAnswerService, createAnswerStore } from '../domains/answers/index.ts';
import { createDisputeService, createDisputeStore, type DisputeMail } from '../domains/disputes/index.ts';
import {
  createAllowanceService,
  createLedgerService,
  createLedgerStore,
  FEE_SHARDS,
  LEDGER_WRITER_LIMITS,
  type LedgerService,
  LedgerWriter,
} from '../domains/ledger/index.ts';
import { createPaymentService, createPaymentStandingStore } from '../domains/payments/index.ts';
import {
  createModelTokenCounter,
  createPricingService,
  createTokenCounter,
  type TokenCounter,
} from '../domains/pricing/index.ts';
import {
  createProviderService,
  createProviderStore,
  type PayoutStanding,
} from '../domains/providers/index.ts';
import { createQualityService, createQualityStore, type QualityService } from '../domains/quality/index.ts';
import { createRatingService, createRatingStore } from '../domains/ratings/index.ts';
import {
  createRegistrationService,
  createRegistrationStore,
  type RegistrationService,
} from '../domains/registrations/index.ts';
import {
  createKeyStore,
  createRequestService,
  createRequestSettingsService,
  createSettingsStore,
  REQUEST_TIMES,
} from '../domains/requests/index.ts';
import { createSpendingService, createSpendingStore } from '../domains/spending/index.ts';
import { listOwners } from '../domains/tenants/index.ts';
import {
  createTokenizerService,
  createTokenizerStore,
  type SellingOwners,
} from '../domains/tokenizers/index.ts';
import {
  createAnalyticsService,
  createAnalyticsStore,
  createTransactionService,
  createTransactionStore,
} from '../domains/transactions/index.ts';
import { startMoneyJobs, type VerificationMetrics } from '../jobs/money-jobs.ts';
import { startOfferJobs } from '../jobs/offer-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import type { AccountActor } from '../kernel/actor.ts';
import { HOUR_MS } from '../kernel/clock.ts';
import type { Database } from '../kernel/database.ts';
import { notFound } from '../kernel/errors.ts';
import type { AccountId, DeviceId } from '../kernel/ids.ts';
import { MICROCENTS_PER_CENT, parsePrice } from '../kernel/money.ts';
import type { Metrics } from '../platform/metrics/types.ts';
import { fencedDatabase } from '../platform/node/index.ts';
import type { Abuse } from './abuse.ts';
import { recordingWriter } from './audit.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { Platform } from './platform.ts';

/**
 * What is open at the start was left by a server that is gone: this one has the lease. So all have one name here.
 */
const ONLY_NODE = 'server';

/** Computing time and its money. */
export type Market = ReturnType<typeof buildMarket>;

/** Builds the ledger, and what is bought and sold with it. */
export function buildMarket(config: Config, platform: Platform, identity: Identity) {
  const { node, core, clock, random, logger, secretBox } = platform;
  // Money moves only while this node has the lease, whichever store moves it.
  const database = platform.audit.databaseThrough((plain) => fencedDatabase(plain, node));
  const { allowances, ledger, ledgerWriter } = buildLedger(config, database, platform, identity);
  const pricing = createPricingService(
    {
      commissionBasisPoints: config.commissionBasisPoints,
      roundingUnitMicrocents: config.costRounding === 'cent' ? MICROCENTS_PER_CENT : 1n,
      ownRequestMicrocents: parsePrice(config.ownRequestPriceCents) ?? 0n,
    },
    { core },
  );
  const quality = createQualityService({ core, store: createQualityStore(database), clock, logger });
  const payments = createPaymentService({
    store: createPaymentStandingStore(database),
    tenants: identity.accounts,
    payoutListener: {
      payoutMethodLost: (tenantId) => providers.payoutMethodLost(tenantId),
      payoutMethodConfirmed: (tenantId) => providers.payoutMethodConfirmed(tenantId),
    },
    clock,
  });
  const { tokens, tokenizers } = buildCounting(platform, database, {
    requireSold: (...sold) => registrations.requireSold(...sold),
    canBePaid: payments.canBePaid,
  });
  const selling = { database, payments, quality, tokens };
  const { providers, registrations } = buildProviders(config, platform, identity, selling);
  const read = buildReading(config, platform, identity, { database, ledger, quality, registrations });
  const requests = createRequestService(
    { nodeId: ONLY_NODE, times: timesOf(config) },
    {
      providers,
      ledger,
      pricing,
      transactions: read.transactionStore,
      keys: createKeyStore(database),
      settings: read.requestSettings,
      tokens,
      secretBox,
      clock,
      random,
      logger,
    },
  );
  return {
    ...read,
    allowances,
    ledgerWriter,
    ledger,
    quality,
    payments,
    providers,
    registrations,
    requests,
    tokenizers,
    tokens,
  };
}

/** What both sides read of the market, say about it and set for themselves. */
function buildReading(
  config: Config,
  platform: Platform,
  identity: Identity,
  {
    database,
    ledger,
    quality,
    registrations,
  }: {
    readonly database: Database;
    readonly ledger: LedgerService;
    readonly quality: QualityService;
    readonly registrations: RegistrationService;
  },
) {
  const { clock, secretBox, logger } = platform;
  const transactionStore = createTransactionStore(database);
  const disputes = createDisputeService({
    ...platform,
    store: createDisputeStore(database),
    ledger,
    mail: disputeMail(config, platform, identity),
  });
  const ratings = createRatingService({ store: createRatingStore(database), quality, registrations, clock });
  const requestSettings = createRequestSettingsService({ store: createSettingsStore(database), clock });
  const answers = createAnswerService({}, { store: createAnswerStore(database), secretBox, clock, logger });
  return {
    analytics: createAnalyticsService({ store: createAnalyticsStore(database), clock }),
    answers,
    disputes,
    ratings,
    requestSettings,
    spending: createSpendingService({ store: createSpendingStore(database), clock }),
    transactions: createTransactionService({ store: transactionStore }),
    transactionStore,
  };
}

/** What counts tokens: the models' own tokenizers, and o200k_base for others. */
function buildCounting(
  { tokenizer, modelTokenizers, clock, logger }: Platform,
  database: Database,
  owners: SellingOwners,
) {
  const usual = createTokenCounter({ tokenizer });
  const store = createTokenizerStore(database);
  const tokenizers = createTokenizerService({ store, owners, reader: modelTokenizers, usual, clock, logger });
  return { tokenizers, tokens: createModelTokenCounter(usual, tokenizers, clock) };
}

/** Who sells, and what of it their registrations let. */
function buildProviders(
  config: Config,
  { core, clock, random, logger }: Platform,
  identity: Identity,
  {
    database,
    payments,
    quality,
    tokens,
  }: {
    readonly database: Database;
    readonly payments: PayoutStanding;
    readonly quality: QualityService;
    readonly tokens: TokenCounter;
  },
) {
  const providers = createProviderService(
    {
      store: createProviderStore(database),
      registrations: { termsOf: (device, offer) => registrations.termsOf(device, offer) },
      payoutStanding: payments,
      quality,
      core,
      clock,
      random,
      logger,
    },
    { priceGuard: config.marketPriceGuard },
  );
  const registrations = createRegistrationService(
    { approval: config.marketApproval },
    {
      store: createRegistrationStore(database),
      market: providers,
      devices: { requireOwn: ownDevices(identity) },
      tokens,
      clock,
      random,
      logger,
    },
  );
  return { providers, registrations };
}

/** Owners of a tenant who are told of a dispute. */
const TOLD_OWNERS_MAX = 10;

/** Null: there is no mail server. */
function disputeMail(
  { smtpUrl }: Config,
  { mailer, database, logger }: Platform,
  { accounts }: Identity,
): DisputeMail | null {
  if (mailer === null || smtpUrl === undefined) return null;
  const tell = async (accountIds: readonly AccountId[], subject: string, text: string) => {
    for (const accountId of accountIds) {
      const to = await accounts.findAddress(accountId);
      if (to !== null) mailer.send({ to, subject, text });
    }
  };
  const notTold = (error: unknown) =>
    logger.error({ operation: 'marketplace.disputes.notice', error }, 'nobody is told of a dispute');
  return {
    toAccount: (accountId, subject, text) => void tell([accountId], subject, text).catch(notTold),
    toOwners: (tenantId, subject, text) =>
      void listOwners(database, tenantId, TOLD_OWNERS_MAX)
        .then((accountIds) => tell(accountIds, subject, text))
        .catch(notTold),
  };
}

/** Refuses devices of others, guests in networks of the account's too. */
function ownDevices({ devices }: Identity) {
  return async (account: AccountActor, deviceId: DeviceId): Promise<void> => {
    if ((await devices.getDevice(account, deviceId)).guest) throw notFound('device');
  };
}

function buildLedger(
  config: Config,
  database: Database,
  { audit, clock, random, logger }: Platform,
  { accounts }: Identity,
) {
  const store = createLedgerStore(database, {
    feeShard: Math.floor(random.fraction() * FEE_SHARDS),
    earningsReleaseDelayMs: config.marketReleaseAfterHours * HOUR_MS,
  });
  const { recorder } = audit;
  const ledgerWriter = new LedgerWriter(LEDGER_WRITER_LIMITS, {
    store: { apply: (units, nowMs) => recorder.outside(() => store.apply(units, nowMs)) },
    clock,
    random,
    logger,
  });
  const writer = recordingWriter(ledgerWriter, recorder);
  const ledger = createLedgerService({ writer, store, tenants: accounts, clock });
  const referenceMicrocents = parsePrice(config.allowancePriceCents) ?? 0n;
  const allowances = createAllowanceService(
    { referenceMicrocents },
    { ledger, store, tenants: accounts, clock },
  );
  return { allowances, ledgerWriter, ledger };
}

/** The ledger's writer and the jobs about money: stops when every command has its answer. */
export function moneyPart(market: Market, platform: Platform, abuse: Pick<Abuse, 'note'>): Part {
  const { node, clock, logger } = platform;
  const metrics = verificationMetrics(platform.metrics);
  let jobs: RepeatedJob | null = null;
  let offerJobs: RepeatedJob | null = null;
  return {
    name: 'money',
    async start() {
      await market.tokenizers.start();
      offerJobs = startOfferJobs({ ...market, clock, logger });
      const unusual = (id: string, day: string) =>
        abuse.note({ kind: 'spending', subject: { kind: 'tenant', id }, tried: day, isOperator: false });
      jobs = await startMoneyJobs({ ...market, unusual, lease: node, metrics, clock, logger });
    },
    async stop() {
      await offerJobs?.stop();
      await jobs?.stop();
      await market.ledgerWriter.close();
    },
  };
}

/** Requests for computing time: those that run may end by themselves first. */
export function requestsPart(
  { providers, requests, quality }: Market,
  { tokenizer, modelTokenizers }: Platform,
): Part {
  return {
    name: 'requests',
    stopAccepting: () => providers.stopFollowing(),
    drain: () => requests.drain(),
    async stop() {
      await requests.close();
      await tokenizer.close();
      await modelTokenizers.close();
      await quality.flush();
    },
  };
}

function verificationMetrics(metrics: Metrics): VerificationMetrics {
  const entries = metrics.counter({
    name: 'yggdrasil_ledger_verified_entries_total',
    help: 'Ledger entries that were summed and compared with balances.',
    labels: [],
  });
  const wrong = metrics.gauge({
    name: 'yggdrasil_ledger_wrong_accounts',
    help: 'Ledger accounts whose balance is not the sum of their entries: 0, always.',
    labels: [],
  });
  const mismatch = metrics.gauge({
    name: 'yggdrasil_ledger_totals_mismatch',
    help: '1 when the balances do not sum to zero, or open holds or waiting earnings do not match them: 0, always.',
    labels: [],
  });
  wrong.set({}, 0);
  mismatch.set({}, 0);
  return {
    roundEnded(summed, wrongAccounts) {
      entries.add({}, summed);
      wrong.set({}, wrongAccounts);
    },
    totalsCompared: (match) => mismatch.set({}, match ? 0 : 1),
  };
}

function timesOf(config: Config) {
  return {
    ...REQUEST_TIMES,
    holdLifeMs: config.holdTimeoutSeconds * 1000,
    firstTokenTimeoutMs: config.providerFirstTokenTimeoutMs,
    stallTimeoutMs: config.providerStallTimeoutMs,
    requestTimeoutMs: config.requestTimeoutSeconds * 1000,
    slotWaitMs: config.slotWaitMs,
  };
}
