import type { Config } from '../config/index.ts';
import {
  createLedgerService,
  createLedgerStore,
  LEDGER_WRITER_LIMITS,
  LedgerWriter,
} from '../domains/ledger/index.ts';
import {
  createMarketplaceService,
  createMarketplaceStore,
  MARKETPLACE_TIMES,
} from '../domains/marketplace/index.ts';
import { countTokens, createPricingService } from '../domains/pricing/index.ts';
import { createQualityService, createQualityStore } from '../domains/quality/index.ts';
import { startMoneyJobs } from '../jobs/money-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import { fencedDatabase } from '../platform/node/index.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { Platform } from './platform.ts';

/**
 * What is open at the start was left by a server that is gone: this one has the lease. So all have one name here.
 */
const ONLY_NODE = 'server';

/** Computing time and its money. */
export type Market = ReturnType<typeof buildMarket>;

/** Builds the ledger and the marketplace. */
export function buildMarket(config: Config, platform: Platform, identity: Identity) {
  const { node, core, clock, random, logger, secretBox } = platform;
  // Money moves only while this node has the lease, whichever store moves it.
  const database = fencedDatabase(platform.database, node);
  const ledgerStore = createLedgerStore(database);
  const ledgerWriter = new LedgerWriter(LEDGER_WRITER_LIMITS, { store: ledgerStore, clock, random, logger });
  const ledger = createLedgerService({
    writer: ledgerWriter,
    store: ledgerStore,
    tenants: identity.users,
    clock,
  });
  const pricing = createPricingService({ commissionBasisPoints: config.commissionBasisPoints }, { core });
  const quality = createQualityService({ core, store: createQualityStore(database), clock, logger });
  const marketplace = createMarketplaceService(
    { nodeId: ONLY_NODE, times: timesOf(config) },
    {
      store: createMarketplaceStore(database),
      ledger,
      pricing,
      quality,
      core,
      countTokens,
      secretBox,
      clock,
      random,
      logger,
    },
  );
  return { ledgerWriter, ledger, quality, marketplace };
}

/** The ledger's writer and the jobs about money: stops when every command has its answer. */
export function moneyPart(market: Market, { node, clock, logger }: Platform): Part {
  let jobs: RepeatedJob | null = null;
  return {
    name: 'money',
    async start() {
      jobs = await startMoneyJobs({ ...market, lease: node, clock, logger });
    },
    async stop() {
      await jobs?.stop();
      await market.ledgerWriter.close();
    },
  };
}

/** Requests for computing time: those that run may end by themselves first. */
export function requestsPart({ marketplace }: Market): Part {
  return {
    name: 'requests',
    drain: () => marketplace.drain(),
    stop: () => marketplace.close(),
  };
}

function timesOf(config: Config) {
  return {
    ...MARKETPLACE_TIMES,
    holdLifeMs: config.holdTimeoutSeconds * 1000,
    firstTokenTimeoutMs: config.providerFirstTokenTimeoutMs,
    stallTimeoutMs: config.providerStallTimeoutMs,
    requestTimeoutMs: config.requestTimeoutSeconds * 1000,
    slotWaitMs: config.slotWaitMs,
  };
}
