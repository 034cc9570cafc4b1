import type { yggdrasil } from '../../../proto/index.ts';
import { uuidFromBytes } from '../../../proto/index.ts';
import type { AccountActor, Actor, DeviceActor } from '../../kernel/actor.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { asId, type DeviceId, type TransactionId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import type { Attempt } from './attempt.ts';
import { serverStopping } from './candidates.ts';
import { ComputeRun, type RequestDependencies, type RequestOptions } from './create-request.ts';
import { createKeyedRequests } from './keyed-requests.ts';
import { MARKETPLACE_TIMES, TRANSACTIONS_PAGE_MAX } from './limits.ts';
import type { LiveProvider } from './live-provider.ts';
import { checkOffer } from './offer-rules.ts';
import { ProviderRegistry } from './registry.ts';
import { createSettlements, type SettlementLedger } from './settlement.ts';
import type {
  ComputeAnswer,
  ComputeOrder,
  ListedModel,
  ListedProvider,
  ProviderChannel,
  ProviderId,
  Transaction,
  TransactionCursor,
  TransactionPage,
} from './types.ts';

/** What the marketplace needs from outside. */
export interface MarketplaceDependencies
  extends Omit<RequestDependencies, 'registry' | 'settlements' | 'ledger'> {
  readonly ledger: RequestDependencies['ledger'] & SettlementLedger;
  /** Seals answers that are kept. */
  readonly secretBox: SecretBox;
}

/** Settings: `nodeId` must be this node's alone and the same after a restart. */
export interface MarketplaceOptions
  extends Pick<RequestOptions, 'nodeId'>,
    Partial<Pick<RequestOptions, 'times'>> {}

/** The marketplace as the rest of the server sees it. */
export type MarketplaceService = ReturnType<typeof createMarketplaceService>;

/** Makes the marketplace's service. It is the one place that brings tenants together. */
export function createMarketplaceService(
  settings: MarketplaceOptions,
  dependencies: MarketplaceDependencies,
) {
  const options = { times: MARKETPLACE_TIMES, ...settings };
  const { clock, random, store, quality, logger } = dependencies;
  const registry = new ProviderRegistry(clock);
  const settlements = createSettlements(options, dependencies);
  const keyedRequests = createKeyedRequests(options, dependencies);
  const closedChannels = new WeakSet<ProviderChannel>();
  const running = new Set<Promise<void>>();
  const turns = new Map<DeviceId, Promise<void>>();
  let closing = false;

  const track = (work: Promise<void>) => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };

  /** A device's offers and withdrawals take effect in the order in which they came. */
  const inTurn = (deviceId: DeviceId, work: () => Promise<void>): Promise<void> => {
    const mine = (turns.get(deviceId) ?? Promise.resolve()).then(work);
    const over = mine.then(ignore, ignore).then(() => {
      if (turns.get(deviceId) === over) turns.delete(deviceId);
    });
    turns.set(deviceId, over);
    return mine;
  };

  const carryOut = (id: TransactionId, user: AccountActor, order: ComputeOrder): Promise<ComputeAnswer> => {
    const run = new ComputeRun(id, user, order, options, { ...dependencies, registry, settlements });
    return run.begin(track);
  };

  const listed = (provider: LiveProvider): ListedProvider => {
    const { quality: share, latency, availability } = quality.assessmentOf(provider.id);
    const { id, models, slots } = provider;
    return { id, models, slots, quality: share, latency, availability };
  };

  const attemptOf = (actor: DeviceActor, requestId: Uint8Array | null | undefined): Attempt | null => {
    if (requestId?.length !== 16) throw notFound('transaction');
    return registry.attemptOf(actor.deviceId, uuidFromBytes(requestId));
  };

  const requireAllowed = (allowed: boolean) => {
    if (allowed) return;
    throw new AppError(
      'invalid',
      'provider_answer_malformed',
      'The answer breaks the protocol; it was given up.',
    );
  };

  return {
    /** A device serves these models from now on and for this session. Refuses with `invalid_input`. */
    async offer(
      actor: DeviceActor,
      channel: ProviderChannel,
      message: yggdrasil.v1.ProviderOffer.$Properties,
    ): Promise<void> {
      const offer = checkOffer(message);
      return inTurn(actor.deviceId, async () => {
        const id = await store.saveOffer(actor, offer, random.uuid(), clock.nowMs());
        await quality.load(id, actor.tenantId);
        // The device may have left while this was written.
        if (closing || closedChannels.has(channel)) return;
        registry.list(id, actor, channel, offer);
        logger.info(
          { operation: 'marketplace.offer', providerId: id, models: offer.models.length },
          'a provider offers',
        );
      });
    },

    /** A device takes no more requests; it finishes those it has. */
    async withdraw(actor: DeviceActor): Promise<void> {
      await inTurn(actor.deviceId, async () => void registry.unlist(actor.deviceId));
    },

    /** A device's session ended: its requests fail over, or fail. Another session of the device is not touched. */
    disconnected(deviceId: DeviceId, channel: ProviderChannel): void {
      closedChannels.add(channel);
      const provider = registry.unlist(deviceId, channel);
      for (const attempt of registry.attempts()) {
        if (attempt.provider.channel === channel) attempt.fail('provider_vanished');
      }
      if (provider) void quality.flush();
    },

    /**
     * The next piece of an answer. Refuses with `transaction_not_found` a request this device was never given, with
     * `provider_answer_malformed` what the protocol doesn't allow; then the answer has failed.
     */
    chunk(actor: DeviceActor, chunk: yggdrasil.v1.ComputeChunk.$Properties): void {
      const attempt = attemptOf(actor, chunk.requestId);
      if (attempt) requireAllowed(attempt.onChunk(chunk));
    },

    /** The end of an answer. Refuses as `chunk` does. */
    result(actor: DeviceActor, result: yggdrasil.v1.ComputeResult.$Properties): void {
      const attempt = attemptOf(actor, result.requestId);
      if (attempt) requireAllowed(attempt.onResult(result));
    },

    /**
     * Has a request served; resolves with the first text. Refuses with `model_not_found`, `context_length_exceeded`,
     * `maximum_cost_exceeded`, `insufficient_balance`, `no_provider_available`, and with how the last provider failed;
     * under an idempotency key also with `idempotency_key_reused`, `idempotency_key_in_flight` and `limit_reached`.
     */
    async createRequest(actor: Actor, order: ComputeOrder): Promise<ComputeAnswer> {
      const user = requirePermission(actor, 'market.request');
      if (closing) throw serverStopping();
      const id = asId<TransactionId>(random.uuid());
      const { idempotencyKey } = order;
      const begun =
        idempotencyKey === null
          ? carryOut(id, user, order)
          : keyedRequests.once(user, { ...order, idempotencyKey }, id, (lasting) =>
              carryOut(id, user, lasting),
            );
      // Until its first text a request is work too, and shutting down waits for it.
      track(begun.then(ignore, ignore));
      return begun;
    },

    /** Who serves now. Any user or device may ask. */
    async listProviders(actor: Actor): Promise<readonly ListedProvider[]> {
      return [...shownTo(actor, registry).providers()].map(listed);
    },

    /** A provider that serves now. Refuses with `provider_not_found`. */
    async getProvider(actor: Actor, id: ProviderId): Promise<ListedProvider> {
      const provider = shownTo(actor, registry).findProvider(id);
      if (!provider) throw notFound('provider');
      return listed(provider);
    },

    /** What is served now, by name. */
    async listModels(actor: Actor): Promise<readonly ListedModel[]> {
      const models = new Map<string, ListedModel>();
      for (const provider of shownTo(actor, registry).providers()) {
        for (const { name, contextTokens, priceCentsPer1000Tokens } of provider.models) {
          const known = models.get(name);
          const price = known?.priceCentsPer1000TokensMin ?? priceCentsPer1000Tokens;
          models.set(name, {
            name,
            providers: (known?.providers ?? 0) + 1,
            contextTokensMax: Math.max(known?.contextTokensMax ?? 0, contextTokens),
            priceCentsPer1000TokensMin: lesser(price, priceCentsPer1000Tokens),
          });
        }
      }
      return [...models.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    },

    /** A transaction the actor asked for or whose provider it owns. Refuses with `transaction_not_found`. */
    async getTransaction(actor: Actor, id: TransactionId): Promise<Transaction> {
      const transaction = await store.findTransaction(requirePermission(actor, 'money.read'), id);
      if (!transaction) throw notFound('transaction');
      return transaction;
    },

    /** The actor's transactions in one role, newest first, at most 100 a page. */
    async listTransactions(
      actor: Actor,
      query: { role: 'requester' | 'provider'; after: TransactionCursor | null; limit: number },
    ): Promise<TransactionPage> {
      const limit = Math.min(Math.max(query.limit, 1), TRANSACTIONS_PAGE_MAX);
      return store.listTransactions(requirePermission(actor, 'money.read'), query.role, query.after, limit);
    },

    /** Finishes what a crash interrupted; see `Settlements.recover`. Returns how many transactions. */
    async recover(atStart: boolean): Promise<number> {
      const count = await settlements.recover(atStart);
      await keyedRequests.forgetOld(atStart);
      return count;
    },

    /** Takes no more requests and resolves when those at work have ended by themselves. */
    async drain(): Promise<void> {
      closing = true;
      while (running.size > 0) await Promise.all(running);
    },

    /** Ends what still runs or waits for a slot, unpaid, and resolves when that is written. */
    async close(): Promise<void> {
      closing = true;
      registry.close();
      while (running.size > 0) await Promise.all(running);
      await quality.flush();
    },
  };
}

function ignore(): void {}

// Math.min takes no bigint.
function lesser(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

/** The registry, for who may see the market. Refuses with `forbidden` everybody else. */
function shownTo<Registry>(actor: Actor, registry: Registry): Registry {
  requirePermission(actor, 'market.read');
  return registry;
}
