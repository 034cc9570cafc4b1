import type { Actor, DeviceActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isModelInScope, requireModelInScope } from '../../kernel/credential-scope.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { asId, type DeviceId, isUuid, type TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Page } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type { QualityService } from '../quality/index.ts';
import type { Attempt } from './attempt.ts';
import { CachedConversations } from './cached-conversations.ts';
import { ChoiceLog, type ExplainedChoice } from './choice-log.ts';
import { type ExplainedProvider, explainProvider } from './explain-provider.ts';
import { expectedTokensOf, judgeAttempt, takenTokensOf } from './judge-attempt.ts';
import { PRICE_GUARD_DEFAULT } from './limits.ts';
import { checkableOf, listModels, listProvider, pageBehind } from './listing.ts';
import { type LiveFigures, LiveMarket } from './live-market.ts';
import type { Eligible } from './model-market.ts';
import { Offering, type Sale } from './offering.ts';
import type { PayoutStanding, ProviderStore, ScoringCore, SellingRegistrations } from './ports.ts';
import { type CheapModel, ProviderRegistry } from './registry.ts';
import { type SlotWish, takeSlot } from './take-slot.ts';
import { tryOut } from './try-out.ts';
import type {
  CheckableOffer,
  DeltaMessage,
  ListedModel,
  ListedProvider,
  OfferInput,
  ProviderId,
  ProviderLink,
  PublishedCheck,
  ResultMessage,
  TriedOut,
} from './types.ts';

/** What the providers' service needs. */
export interface ProviderDependencies {
  readonly store: ProviderStore;
  readonly registrations: SellingRegistrations;
  readonly payoutStanding: PayoutStanding;
  readonly quality: QualityService;
  readonly core: ScoringCore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Settings of the market. */
export interface ProviderOptions {
  /** Times the median price of a model that nobody is asked at, unless a request says what it would pay. */
  readonly priceGuard: number;
}

/** Who offers computing time, as transports and requests see it. */
export interface ProviderService {
  /**
   * A device announces these models for this session; its registration says what of them is sold, and when. Refuses with
   * `invalid_input`, with `limit_reached` where its tenant would list more than its share of what everybody reads, with
   * `payout_method_missing` where its tenant has no verified way to be paid, and with `provider_unregistered`, `registration_refused`
   * and `registered_models_missing`; it may offer again later.
   */
  offer(actor: DeviceActor, link: ProviderLink, offer: OfferInput): Promise<void>;
  /** A device takes no more requests; it finishes those it has. */
  withdraw(actor: DeviceActor): Promise<void>;
  /** A device's session ended: its requests fail over, or fail. Another session of the device is not touched. */
  disconnected(deviceId: DeviceId, link: ProviderLink): void;
  /**
   * The next piece of an answer. Refuses with `transaction_not_found` a request this device was never given, with
   * `provider_answer_malformed` what the protocol doesn't allow; then the answer has failed.
   */
  delta(actor: DeviceActor, message: DeltaMessage): void;
  /** A device works on a request though it has nothing to send. Refuses as `delta` does. */
  alive(actor: DeviceActor, message: { readonly requestId: string }): void;
  /** The end of an answer. Refuses as `delta` does. */
  result(actor: DeviceActor, message: ResultMessage): void;
  /** A tenant lost its way to be paid: nobody of it is listed any more. What its devices work on goes on. */
  payoutMethodLost(tenantId: TenantId): void;
  /** The owner can be paid again: what is connected and was withheld for that is on the market again. */
  payoutMethodConfirmed(tenantId: TenantId): Promise<void>;
  /** The registration of a device has changed. For registrations. */
  termsChanged(deviceId: DeviceId): Promise<void>;
  /** Brings on the market, and takes from it, whom the hour or what they have shown lets. For a job. */
  reviewOffers(): Promise<void>;
  /** Whether a device's program is connected, and why nothing of it is sold. For registrations. */
  saleOf(deviceId: DeviceId): Sale;
  /** Sends a test request to a listed device; see `tryOut`. For registrations. */
  tryOut(deviceId: DeviceId, model: string | null): Promise<TriedOut>;

  /** Who serves now, in the order of ids: `limit` behind `after`. Any account or device may ask. */
  listProviders(
    actor: Actor,
    after: ProviderId | null,
    limit: number,
  ): Promise<Page<ListedProvider, ProviderId>>;
  /** A provider that serves now. Refuses with `provider_not_found`. */
  getProvider(actor: Actor, id: ProviderId): Promise<ListedProvider>;
  /** What is served now, of it what the actor's credential is for, in the order of names: `limit` behind `after`. */
  listModels(actor: Actor, after: string | null, limit: number): Promise<Page<ListedModel, string>>;
  /** A model that is served now; null: nobody serves it. Refuses with `api_key_scope`. */
  findModel(actor: Actor, name: string): Promise<ListedModel | null>;

  /**
   * Why one of the last requests of this account went where it went, one choice after the other. Refuses with
   * `transaction_not_found` what is another's, unknown, or forgotten.
   */
  explainRequest(actor: Actor, requestId: string): Promise<readonly ExplainedChoice[]>;
  /**
   * Why a provider of the actor's tenant that is listed has the work that it has; by its own id or its device's. Refuses with
   * `provider_not_found` all others.
   */
  explainProvider(actor: Actor, id: string): Promise<ExplainedProvider>;

  /** Figures of the present for who asks; see `LiveMarket.follow`. */
  followLive(actor: Actor, signal: AbortSignal): AsyncIterable<LiveFigures>;
  /** Ends the streams of `followLive`. */
  stopFollowing(): void;

  /** Every listed provider of a model, busy or not, for a tenant its own at no price. For requests. */
  offersOf(model: string, tenantId?: TenantId): readonly Eligible[];
  /** See `ProviderRegistry.modelsByPrice`. For requests. */
  modelsByPrice(tenantId: TenantId): readonly CheapModel[];
  /** A slot for a request; see `takeSlot`. Its provider is expected to do the work from now on. For requests. */
  takeSlot(wish: SlotWish): Promise<Attempt | null>;
  /**
   * Learns from how an attempt ended; `completionTokens` is the server's count, `paddedShare` the part of the answer that it
   * didn't count. For requests.
   */
  judge(attempt: Attempt, completionTokens: number, paddedShare?: number): void;
  /** Models that are sold to others. For checks. */
  checkableOffers(): readonly CheckableOffer[];
  /** What checks have found of a provider's model, and for how long nobody asks for it. For checks. */
  noteCheck(id: ProviderId, check: PublishedCheck, pausedForMs: number): void;
  /** Ends every attempt, and gives nobody a slot from now on. */
  close(): void;
}

/** Makes the providers' service. */
export function createProviderService(
  dependencies: ProviderDependencies,
  { priceGuard }: ProviderOptions = { priceGuard: PRICE_GUARD_DEFAULT },
): ProviderService {
  const { clock } = dependencies;
  const registry = new ProviderRegistry(clock);
  const conversations = new CachedConversations();
  const choices = new ChoiceLog();
  const live = new LiveMarket(registry, clock);
  const offering = new Offering(registry, dependencies);
  const attemptOf = (actor: DeviceActor, requestId: string): Attempt | null => {
    if (!isUuid(requestId)) throw notFound('transaction');
    return registry.attemptOf(actor.deviceId, requestId);
  };

  return {
    offer: (actor, link, offer) => offering.offer(actor, link, offer),
    withdraw: (actor) => offering.withdraw(actor),
    disconnected: (deviceId, link) => offering.disconnected(deviceId, link),
    payoutMethodLost: (tenantId) => offering.payoutMethodLost(tenantId),
    payoutMethodConfirmed: (tenantId) => offering.payoutMethodConfirmed(tenantId),
    termsChanged: (deviceId) => offering.termsChanged(deviceId),
    reviewOffers: () => offering.review(),
    saleOf: (deviceId) => offering.saleOf(deviceId),
    tryOut: (deviceId, model) => tryOut(deviceId, model, { registry, ...dependencies }),
    ...createShowing(registry, dependencies),
    ...createExplaining({ registry, choices, priceGuard }, dependencies),

    delta(actor, message) {
      const attempt = attemptOf(actor, message.requestId);
      if (attempt) requireAllowed(attempt.receiveDelta(message));
    },
    alive: (actor, { requestId }) => attemptOf(actor, requestId)?.receiveSignOfLife(),
    result(actor, message) {
      const attempt = attemptOf(actor, message.requestId);
      if (attempt) requireAllowed(attempt.receiveResult(message));
    },

    followLive: (actor, signal) => live.follow(actor, signal),
    stopFollowing: () => live.close(),

    offersOf: (model, tenantId) => registry.offersOf(model, tenantId ?? null),
    modelsByPrice: (tenantId) => registry.modelsByPrice(tenantId),
    async takeSlot(wish) {
      const attempt = await takeSlot(wish, {
        ...dependencies,
        registry,
        conversations,
        choices,
        priceGuard,
      });
      if (attempt === null) return null;
      const expectedTokens = expectedTokensOf(attempt.order);
      registry.waitingRoom.served(attempt.order, expectedTokens);
      if (!attempt.isOwn) attempt.provider.standing.addDebt(expectedTokens, clock.monotonicMs());
      return attempt;
    },
    judge(attempt, completionTokens, paddedShare = 0) {
      registry.waitingRoom.corrected(attempt.order, takenTokensOf(attempt, completionTokens));
      judgeAttempt(attempt, { completionTokens, paddedShare }, dependencies);
    },
    close: () => registry.close(),
    ...createChecked(registry, dependencies),
  };
}

/** What checks see, and say. */
function createChecked(
  registry: ProviderRegistry,
  { clock }: ProviderDependencies,
): Pick<ProviderService, 'checkableOffers' | 'noteCheck'> {
  return {
    checkableOffers: () =>
      registry
        .providersFor(null)
        .filter(({ isShared }) => isShared)
        .flatMap((provider) => provider.models.map((model) => checkableOf({ provider, model }))),
    noteCheck: (id, check, pausedForMs) =>
      registry.findStanding(id)?.noteCheck(check, clock.monotonicMs() + pausedForMs),
  };
}

/** What the market shows of itself. */
function createShowing(
  registry: ProviderRegistry,
  { quality }: ProviderDependencies,
): Pick<ProviderService, 'listProviders' | 'getProvider' | 'listModels' | 'findModel'> {
  return {
    async listProviders(actor, after, limit) {
      const providers = shownTo(actor, registry).providersFor(actor.tenantId);
      const page = pageBehind(providers, ({ id }) => id, after, limit);
      return { ...page, items: page.items.map((provider) => listProvider(provider, quality)) };
    },
    async getProvider(actor, id) {
      const provider = shownTo(actor, registry).findProvider(id);
      if (!provider?.serves(actor.tenantId)) throw notFound('provider');
      return listProvider(provider, quality);
    },
    listModels: async (actor, after, limit) =>
      pageBehind(
        listModels(shownTo(actor, registry).providersFor(actor.tenantId)).filter(({ name }) =>
          isModelInScope(actor, name),
        ),
        ({ name }) => name,
        after,
        limit,
      ),
    async findModel(actor, name) {
      requireModelInScope(actor, name);
      const serving = shownTo(actor, registry).servingOf(name, actor.tenantId);
      return listModels(serving).find((model) => model.name === name) ?? null;
    },
  };
}

/** Why requests and providers have what they have. */
function createExplaining(
  {
    registry,
    choices,
    priceGuard,
  }: { readonly registry: ProviderRegistry; readonly choices: ChoiceLog; readonly priceGuard: number },
  { clock, quality }: ProviderDependencies,
): Pick<ProviderService, 'explainRequest' | 'explainProvider'> {
  return {
    async explainRequest(actor, requestId) {
      const found = choices.find(requestId, requirePermission(actor, 'money.read'));
      if (found === null) throw notFound('transaction');
      return found;
    },
    async explainProvider(actor, id) {
      requirePermission(actor, 'market.read');
      const provider = registry.findProvider(id) ?? registry.findDevice(asId<DeviceId>(id));
      if (provider === null || provider.tenantId !== actor.tenantId) throw notFound('provider');
      const assessment = quality.assessmentOf(provider.id);
      return explainProvider(provider, {
        nowMs: clock.monotonicMs(),
        priceGuard,
        assessment: { quality: assessment.quality, availability: assessment.availability },
        marketOf: (model) => registry.marketOf(model),
      });
    },
  };
}

/** The registry, for who may see the market. Refuses with `forbidden` everybody else. */
function shownTo<Registry>(actor: Actor, registry: Registry): Registry {
  requirePermission(actor, 'market.read');
  return registry;
}

function requireAllowed(allowed: boolean): void {
  if (allowed) return;
  throw new AppError(
    'invalid',
    'provider_answer_malformed',
    'The answer breaks the protocol; it was given up.',
  );
}
