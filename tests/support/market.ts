import { expect } from 'vitest';
import {
  ComputeCancel,
  ComputeRequest,
  decodePayload,
  FrameType,
  uuidFromBytes,
  uuidToBytes,
  type yggdrasil,
} from '../../proto/index.ts';
import {
  createLedgerService,
  createLedgerStore,
  LEDGER_WRITER_LIMITS,
  type LedgerService,
  LedgerWriter,
} from '../../server/domains/ledger/index.ts';
import {
  type ComputeAnswer,
  type ComputeEvent,
  type ComputeOrder,
  createMarketplaceService,
  createMarketplaceStore,
  MARKETPLACE_TIMES,
  type MarketplaceStore,
  type MarketplaceTimes,
  type Transaction,
} from '../../server/domains/marketplace/index.ts';
import { countTokens, createPricingService } from '../../server/domains/pricing/index.ts';
import { createQualityService, createQualityStore } from '../../server/domains/quality/index.ts';
import type { AccountActor, Actor, DeviceActor } from '../../server/kernel/actor.ts';
import { type AccountId, asId, type DeviceId, type TenantId } from '../../server/kernel/ids.ts';
import type { Logger } from '../../server/kernel/logger.ts';
import { centsToMicrocents, wholeCents } from '../../server/kernel/money.ts';
import { createSecretBox } from '../../server/platform/secrets/index.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { FakeClock, turn } from './clock.ts';
import { createServerCore } from './core.ts';
import type { TestDatabase } from './database.ts';
import { silentLogger } from './logger.ts';
import { createSeededRandom } from './random.ts';

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

/** A user with money. */
export function newUser(operator = false): AccountActor {
  return {
    kind: 'account',
    tenantId: asId<TenantId>(systemRandom.uuid()),
    accountId: asId<AccountId>(systemRandom.uuid()),
    operator,
    role: 'owner',
    networkIds: null,
  };
}

/** A device that serves requests as its test says, at the other end of a channel. */
export class FakeProvider {
  readonly owner = newUser();
  readonly actor: DeviceActor;
  readonly requests: yggdrasil.v1.ComputeRequest[] = [];
  readonly cancelled: string[] = [];
  reachable = true;
  /** Called with each request. */
  onRequest: (request: yggdrasil.v1.ComputeRequest) => void = () => {};
  readonly channel = {
    send: (type: number, payload: Uint8Array): boolean => {
      if (!this.reachable) return false;
      if (type === FrameType.COMPUTE_REQUEST) {
        const request = decodePayload(ComputeRequest, payload);
        this.requests.push(request);
        queueMicrotask(() => this.onRequest(request));
      }
      if (type === FrameType.COMPUTE_CANCEL) {
        this.cancelled.push(uuidFromBytes(decodePayload(ComputeCancel, payload).requestId));
      }
      return true;
    },
  };

  constructor() {
    const { tenantId } = this.owner;
    this.actor = { kind: 'device', tenantId, deviceId: asId<DeviceId>(systemRandom.uuid()) };
  }
}

/** A marketplace with ledger on a real database, whose time and chance a test decides. */
export function createMarket(
  db: TestDatabase,
  options: {
    nodeId?: string;
    seed?: number;
    logger?: Logger;
    times?: MarketplaceTimes;
    countTokens?: (text: string) => Promise<number>;
    wrapStore?: (store: MarketplaceStore) => MarketplaceStore;
    wrapLedger?: (ledger: LedgerService) => LedgerService;
  } = {},
) {
  const logger = options.logger ?? silentLogger;
  const clock = new FakeClock(Date.now());
  const random = { ...createSeededRandom(options.seed ?? 1), uuid: systemRandom.uuid };
  const core = createServerCore();
  const ledgerStore = createLedgerStore(db.database);
  const writer = new LedgerWriter(LEDGER_WRITER_LIMITS, { store: ledgerStore, clock, random, logger });
  const tenants = new Map<AccountId, TenantId>();
  const directory = { findTenantOfAccount: async (id: AccountId) => tenants.get(id) ?? null };
  const ledger = createLedgerService({ writer, store: ledgerStore, tenants: directory, clock });
  const quality = createQualityService({ core, store: createQualityStore(db.database), clock, logger });
  const marketplaceStore = createMarketplaceStore(db.database);
  const marketplace = createMarketplaceService(
    { nodeId: options.nodeId ?? systemRandom.uuid(), times: options.times ?? MARKETPLACE_TIMES },
    {
      core,
      ledger: options.wrapLedger?.(ledger) ?? ledger,
      quality,
      pricing: createPricingService({ commissionBasisPoints: 1_200 }, { core }),
      store: options.wrapStore?.(marketplaceStore) ?? marketplaceStore,
      clock,
      random,
      logger,
      countTokens: options.countTokens ?? countTokens,
      secretBox: createSecretBox(new Uint8Array(32).fill(1)),
    },
  );
  const administrator = newUser(true);
  /** What the user has, in cents. */
  const balanceInCents = async (user: Actor) => {
    const { availableMicrocents, heldMicrocents } = await ledger.balance(user);
    return { availableCents: wholeCents(availableMicrocents), heldCents: wholeCents(heldMicrocents) };
  };

  return {
    clock,
    ledger,
    marketplace,
    quality,
    metrics: { roundEnded: () => {}, totalsCompared: () => {} },
    administrator,
    /** A user who has `amountCents`. */
    async customer(amountCents: bigint): Promise<AccountActor> {
      const user = newUser();
      tenants.set(user.accountId, user.tenantId);
      const idempotencyKey = systemRandom.uuid();
      const amountMicrocents = centsToMicrocents(amountCents);
      await ledger.topUp(administrator, { accountId: user.accountId, amountMicrocents, idempotencyKey });
      return user;
    },
    balanceInCents,
    /** The transaction the user asked for last. */
    async lastTransaction(user: AccountActor): Promise<Transaction | undefined> {
      const query = { role: 'requester', after: null, limit: 1 } as const;
      return (await marketplace.listTransactions(user, query)).transactions[0];
    },
    /** The user still has 1,000 cents, nothing is held, the books are in order. */
    async expectUntouched(user: AccountActor): Promise<void> {
      await until(async () => (await balanceInCents(user)).heldCents === 0n);
      expect((await balanceInCents(user)).availableCents).toBe(1_000n);
      const books = await ledger.trialBalance(administrator);
      expect(books).toMatchObject({ entriesSumMicrocents: 0n, mismatchedAccounts: 0 });
    },
    /** A provider that is connected and offers `model`. */
    async provider(
      offer: { model?: string; price?: number; slots?: number; context?: number } = {},
    ): Promise<FakeProvider> {
      const provider = new FakeProvider();
      const { model = 'm', price = 1_000, slots = 4, context = 8_192 } = offer;
      await marketplace.offer(provider.actor, provider.channel, {
        slots,
        models: [{ name: model, priceCentsPer_1000Tokens: price, contextTokens: context }],
      });
      return provider;
    },
    order(changes: Partial<ComputeOrder> = {}): ComputeOrder {
      return {
        model: 'm',
        body: new TextEncoder().encode('{}'),
        promptTokens: 10,
        completionTokensMax: 50,
        costCentsMax: null,
        idempotencyKey: null,
        signal: new AbortController().signal,
        ...changes,
      };
    },
    /** Gives an answer piece by piece, as an honest provider does. */
    answer(
      provider: FakeProvider,
      request: yggdrasil.v1.ComputeRequest,
      pieces: readonly string[],
      claim = [10, 2],
    ) {
      const { requestId } = request;
      for (const [index, text] of pieces.entries())
        marketplace.chunk(provider.actor, { requestId, index, text });
      marketplace.result(provider.actor, {
        requestId,
        finishReason: 'stop',
        promptTokens: claim[0] ?? 0,
        completionTokens: claim[1] ?? 0,
      });
    },
  };
}

/** Every event of an answer. */
export async function eventsOf(answer: ComputeAnswer): Promise<ComputeEvent[]> {
  const events: ComputeEvent[] = [];
  for await (const event of answer.events) events.push(event);
  return events;
}

/** The bytes of a request's id, for a provider's frames. */
export const requestIdBytes = (id: string): Uint8Array => uuidToBytes(id);
