import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { notFound } from '../../kernel/errors.ts';
import { type DeviceId, isUuid } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Page } from '../../kernel/page.ts';
import { may, requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type {
  ExplainedProvider,
  ProviderId,
  SellingRegistrations,
  SellingTerms,
} from '../providers/index.ts';
import { alreadyRegistered, notSold, requireRoom, testedLately, unregistered } from './errors.ts';
import { nextChangeMs } from './hours.ts';
import { DECISIONS_SHOWN_MAX, TEST_INTERVAL_MS } from './limits.ts';
import type { BeforeChange, OwnDevices, RegisteredMarket, RegistrationStore, TestTokens } from './ports.ts';
import { type Approval, announcedTerms, bindOffer, checkTerms, judgeTerms } from './rules.ts';
import type {
  Decision,
  Registration,
  RegistrationChange,
  RegistrationState,
  StoredRegistration,
  TermsInput,
  TestResult,
} from './types.ts';

/** What the registrations' service needs. */
export interface RegistrationDependencies {
  readonly store: RegistrationStore;
  readonly market: RegisteredMarket;
  readonly devices: OwnDevices;
  readonly tokens: TestTokens;
  readonly clock: Clock;
  readonly random: Pick<Random, 'uuid'>;
  readonly logger: Logger;
}

/** Settings of registrations. */
export interface RegistrationOptions {
  readonly approval: Approval;
}

/** A registration with its newest decision, for operators. */
export type RegistrationToDecide = StoredRegistration & { readonly decision: Decision | null };

/** What owners sell on the market, and what was decided about it. */
export interface RegistrationService extends SellingRegistrations {
  /**
   * Registers a device of the actor's tenant; takes the place of what its program announced. Refuses with `device_not_found`,
   * `invalid_input`, `provider_already_registered` and `limit_reached`.
   */
  register(actor: Actor, deviceId: DeviceId, input: TermsInput, isActive: boolean): Promise<Registration>;
  /** Those of the actor's tenant, in the order of ids: `limit` behind `after`. */
  list(actor: Actor, after: ProviderId | null, limit: number): Promise<Page<Registration, ProviderId>>;
  /** One of the actor's tenant, by its own id or its device's. Refuses with `provider_not_found`. */
  get(actor: Actor, id: string): Promise<Registration>;
  /** The same; null where there is none, or the actor may not see it. */
  find(actor: Actor, id: string): Promise<Registration | null>;
  /** Changes all of it. Refuses with `provider_not_found` and `invalid_input`. What runs goes on at its price. */
  update(actor: Actor, id: string, input: TermsInput, isActive: boolean): Promise<Registration>;
  /** Pauses it (false), or resumes it. Refuses with `provider_not_found`. What runs goes on. */
  setActive(actor: Actor, id: string, isActive: boolean): Promise<Registration>;
  /** Takes it off the market until it is registered again. What runs goes on. Refuses with `provider_not_found`. */
  unregister(actor: Actor, id: string): Promise<void>;
  /** Tests it by a real request; see `tryOut`. Refuses with `provider_not_found`, `provider_not_serving`, `provider_busy`, `rate_limited`. */
  test(actor: Actor, id: string, model: string | null): Promise<Registration>;
  /** Tests those that were registered by their owners, have come on the market, and were not tested yet. For a job. */
  testNew(): Promise<void>;
  /** Refuses with `provider_not_found` what isn't the actor's, with `model_not_found` a model that it doesn't sell. */
  requireSold(actor: Actor, id: string, model: string): Promise<void>;
  /** Why it has the work that it has. Refuses with `provider_not_found`. */
  explain(actor: Actor, id: string): Promise<ExplainedProvider>;

  /** For operators: registrations of all tenants in this state. */
  listInState(
    actor: Actor,
    state: RegistrationState,
    after: ProviderId | null,
    limit: number,
  ): Promise<Page<RegistrationToDecide, ProviderId>>;
  /** For operators: approves or refuses one. Refuses with `provider_not_found`. */
  decide(
    actor: Actor,
    id: ProviderId,
    outcome: 'approved' | 'refused',
    reason: string,
  ): Promise<RegistrationToDecide>;
}

/** Makes the registrations' service. */
export function createRegistrationService(
  options: RegistrationOptions,
  dependencies: RegistrationDependencies,
): RegistrationService {
  const reading = createReading(dependencies);
  const untested = new Map<DeviceId, StoredRegistration>();
  const noteUntested = (stored: StoredRegistration) => {
    if (stored.origin === 'owner' && stored.lastTest === null) untested.set(stored.deviceId, stored);
    else untested.delete(stored.deviceId);
  };
  return {
    ...createTermsOf(options, noteUntested, dependencies),
    ...createChanging(options, reading, dependencies),
    ...createTesting(untested, reading, dependencies),
    ...createDeciding(dependencies),
    list: reading.list,
    get: reading.get,
    find: reading.find,
    requireSold: reading.requireSold,
    explain: reading.explain,
  };
}

type Reading = ReturnType<typeof createReading>;

/** What owners see. */
function createReading({ store, market, clock }: RegistrationDependencies) {
  const requireOwn = async (actor: Actor, id: string): Promise<[AccountActor, StoredRegistration]> => {
    const owner = requirePermission(actor, 'market.sell');
    const found = isUuid(id) ? await store.find(owner, id) : null;
    if (found === null) throw notFound('provider');
    return [owner, found];
  };
  const shown = (stored: StoredRegistration, decisions: readonly Decision[]): Registration => {
    const { hours } = stored.terms;
    const next = hours === null ? null : nextChangeMs(hours, clock.nowMs());
    return { ...stored, ...market.saleOf(stored.deviceId), decisions, nextChangeMs: next };
  };
  const withDecisions = async (owner: AccountActor, stored: StoredRegistration): Promise<Registration> =>
    shown(stored, await store.decisionsOf(owner, stored.providerId, DECISIONS_SHOWN_MAX));
  const get = async (actor: Actor, id: string): Promise<Registration> =>
    withDecisions(...(await requireOwn(actor, id)));

  return {
    requireOwn,
    withDecisions,
    get,
    requireSold: async (actor: Actor, id: string, model: string): Promise<void> => {
      const [, { state, terms }] = await requireOwn(actor, id);
      const isSold = state === 'approved' && terms.models.some(({ name }) => name === model);
      if (!isSold) throw notSold();
    },
    find: async (actor: Actor, id: string): Promise<Registration | null> => {
      if (!may(actor, 'market.sell') || actor.kind !== 'account' || !isUuid(id)) return null;
      const found = await store.find(actor, id);
      return found === null ? null : withDecisions(actor, found);
    },
    list: async (actor: Actor, after: ProviderId | null, limit: number) => {
      const page = await store.page(requirePermission(actor, 'market.sell'), after, limit);
      // When each opens next is asked of it alone: a page of them would be counted for long.
      return {
        ...page,
        items: page.items.map((stored) => ({
          ...stored,
          ...market.saleOf(stored.deviceId),
          decisions: [],
          nextChangeMs: null,
        })),
      };
    },
    explain: async (actor: Actor, id: string): Promise<ExplainedProvider> => {
      requirePermission(actor, 'market.read');
      if (!isUuid(id)) throw notFound('provider');
      const stored =
        actor.kind === 'account' && may(actor, 'market.sell') ? await store.find(actor, id) : null;
      const withheld = stored === null ? null : market.saleOf(stored.deviceId).withheld;
      if (stored === null || withheld === null) return market.explainProvider(actor, id);
      return {
        providerId: stored.providerId,
        declaredSlots: stored.terms.slots,
        slots: 0,
        running: 0,
        successRate: null,
        quality: null,
        availability: null,
        pausedForMs: null,
        withheld,
        models: [],
      };
    },
  };
}

/** What binds a program that connects. */
function createTermsOf(
  { approval }: RegistrationOptions,
  noteUntested: (stored: StoredRegistration) => void,
  { store, clock, random }: RegistrationDependencies,
): SellingRegistrations {
  return {
    async termsOf(device, announced): Promise<SellingTerms> {
      const stored = await store.change(device, random.uuid(), clock.nowMs(), (before, count) => {
        if (before?.removedAtMs != null) throw unregistered();
        const isWaiting = before?.state === 'waiting';
        if (before?.state === 'refused') return null;
        // The rule may have changed since it was asked.
        if (before?.origin === 'owner' && !isWaiting) return null;
        if (before === null) requireRoom(count);
        const terms = before?.origin === 'owner' ? before.terms : announcedTerms(announced);
        const next = changeOf(
          before,
          { terms, origin: before?.origin ?? 'device', isActive: before?.isActive ?? true },
          approval,
        );
        return next.decision === null && before !== null && isSame(before, next) ? null : next;
      });
      noteUntested(stored);
      return {
        id: stored.providerId,
        declared: { dataPolicy: stored.terms.dataPolicy, hardware: stored.terms.hardware },
        bind: (offer, nowMs, shown) => bindOffer(stored, offer, nowMs, shown),
      };
    },
  };
}

/** What owners change. */
function createChanging(
  { approval }: RegistrationOptions,
  { requireOwn, withDecisions }: Reading,
  { store, market, devices, clock, random, logger }: RegistrationDependencies,
): Pick<RegistrationService, 'register' | 'update' | 'setActive' | 'unregister'> {
  const write = async (
    owner: AccountActor,
    deviceId: DeviceId,
    change: (before: BeforeChange | null, count: number) => RegistrationChange,
  ): Promise<Registration> => {
    const device = { tenantId: owner.tenantId, deviceId };
    const stored = await store.change(device, random.uuid(), clock.nowMs(), change);
    await market.termsChanged(deviceId);
    const { providerId, state } = stored;
    logger.info({ operation: 'marketplace.providers.change', providerId, state }, 'a registration changed');
    return withDecisions(owner, stored);
  };
  const requireThere = (before: BeforeChange | null): BeforeChange => {
    if (before === null || before.removedAtMs !== null) throw notFound('provider');
    return before;
  };
  return {
    async register(actor, deviceId, input, isActive) {
      const owner = requirePermission(actor, 'market.sell');
      const terms = checkTerms(input);
      await devices.requireOwn(owner, deviceId);
      return write(owner, deviceId, (before, count) => {
        if (before?.origin === 'owner' && before.removedAtMs === null) throw alreadyRegistered();
        if (before === null || before.removedAtMs !== null) requireRoom(count);
        return changeOf(before, { terms, origin: 'owner', isActive }, approval);
      });
    },
    async update(actor, id, input, isActive) {
      const [owner, { deviceId }] = await requireOwn(actor, id);
      const terms = checkTerms(input);
      return write(owner, deviceId, (before) =>
        changeOf(requireThere(before), { terms, origin: 'owner', isActive }, approval),
      );
    },
    async setActive(actor, id, isActive) {
      const [owner, { deviceId }] = await requireOwn(actor, id);
      return write(owner, deviceId, (before) => ({ ...requireThere(before), isActive, decision: null }));
    },
    async unregister(actor, id) {
      const [owner, { deviceId }] = await requireOwn(actor, id);
      await write(owner, deviceId, (before) => ({
        ...requireThere(before),
        removedAtMs: clock.nowMs(),
        decision: null,
      }));
    },
  };
}

/** Tests by real requests. */
function createTesting(
  untested: Map<DeviceId, StoredRegistration>,
  { requireOwn, withDecisions }: Reading,
  { store, market, tokens, clock, logger }: RegistrationDependencies,
): Pick<RegistrationService, 'test' | 'testNew'> {
  const testing = new Set<DeviceId>();
  const run = async (stored: StoredRegistration, model: string | null): Promise<TestResult> => {
    const { deviceId, providerId, tenantId } = stored;
    testing.add(deviceId);
    try {
      const { text, textMs, ...tried } = await market.tryOut(deviceId, model);
      const counted = await tokens.countText(tenantId, text);
      const test = { ...tried, atMs: clock.nowMs(), tokensPerSecond: rateOf(counted, textMs) };
      await store.saveTest(providerId, test);
      return test;
    } finally {
      testing.delete(deviceId);
    }
  };
  return {
    async test(actor, id, model) {
      const [owner, stored] = await requireOwn(actor, id);
      const { deviceId, lastTest } = stored;
      const sinceMs = lastTest === null ? TEST_INTERVAL_MS : clock.nowMs() - lastTest.atMs;
      // A clock that was set back says nothing about the last test.
      const isLately = sinceMs >= 0 && sinceMs < TEST_INTERVAL_MS;
      if (isLately || testing.has(deviceId))
        throw testedLately(isLately ? Math.ceil((TEST_INTERVAL_MS - sinceMs) / 1_000) : 1);
      return withDecisions(owner, { ...stored, lastTest: await run(stored, model) });
    },
    async testNew() {
      for (const [deviceId, stored] of [...untested]) {
        const { isConnected, withheld } = market.saleOf(deviceId);
        if (!isConnected) untested.delete(deviceId);
        if (withheld !== null || testing.has(deviceId)) continue;
        untested.delete(deviceId);
        run(stored, null).catch((error: unknown) => {
          const fields = { operation: 'marketplace.providers.test', providerId: stored.providerId, error };
          logger.warn(fields, 'a new provider could not be tested');
        });
      }
    },
  };
}

/** What operators decide. */
function createDeciding({
  store,
  market,
  clock,
}: RegistrationDependencies): Pick<RegistrationService, 'listInState' | 'decide'> {
  return {
    async listInState(actor, state, after, limit) {
      requirePermission(actor, 'platform.operate');
      return store.pageInState(state, after, limit);
    },
    async decide(actor, id, outcome, reason) {
      const { accountId: decidedBy } = requirePermission(actor, 'platform.operate');
      const decision = { outcome, rule: 'operator', reason, decidedBy };
      const nowMs = clock.nowMs();
      const decided = await store.decide(id, decision, nowMs);
      if (decided === null) throw notFound('provider');
      await market.termsChanged(decided.deviceId);
      return { ...decided, decision: { ...decision, decidedAtMs: nowMs } };
    },
  };
}

/** The change to new terms, with what is decided about them. What was taken off the market comes back. */
function changeOf(
  before: BeforeChange | null,
  next: Pick<StoredRegistration, 'terms' | 'origin' | 'isActive'>,
  approval: Approval,
): RegistrationChange {
  const judged = judgeTerms(next.terms, before, approval);
  const state = judged?.outcome ?? before?.state ?? 'waiting';
  // Who waits already is not told so again.
  const decision = state === before?.state ? null : judged;
  return { ...next, state, removedAtMs: null, decision };
}

function isSame(before: StoredRegistration, next: RegistrationChange): boolean {
  const text = ({ terms, state }: Pick<StoredRegistration, 'terms' | 'state'>) =>
    JSON.stringify([terms, state], (_, value) => (typeof value === 'bigint' ? `${value}` : value));
  return text(before) === text(next);
}

function rateOf(tokens: number, textMs: number): TestResult['tokensPerSecond'] {
  return tokens > 1 && textMs > 0 ? ((tokens - 1) * 1_000) / textMs : null;
}
