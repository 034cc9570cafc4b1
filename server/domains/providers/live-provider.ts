import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import { AnswerStatistics } from './answer-statistics.ts';
import { HEALTHY, type ProviderHealth, trustOf } from './health.ts';
import { DEBT_HALF_LIFE_MS, FAILED_ACCOUNTS_MIN, OFFERED_MODELS_MAX } from './limits.ts';
import { ModelPace, type RunningRequest } from './pace.ts';
import { SlotLimit } from './slot-limit.ts';
import type {
  DeclaredByOwner,
  ModelOffer,
  Offer,
  ProviderId,
  ProviderLink,
  PublishedCheck,
} from './types.ts';

/** What keeps something that follows from a standing. */
export interface StandingReader {
  /** Something about it has changed. */
  changed(): void;
}

/** An endpoint that has no room for a model, and accounts that were told so: as many as count for everybody. */
interface Rest {
  readonly untilMs: number;
  readonly accounts: readonly string[];
}

/** What a provider has shown, and what it works on. Outlives its connection and its offer. */
export class ProviderStanding {
  /** Whose it is. */
  readonly tenantId: TenantId;
  /** Requests it works on, given to it under whatever offer. */
  readonly running = new Set<RunningRequest>();
  readonly slotLimit = new SlotLimit();
  readonly readers = new Set<StandingReader>();
  /** The request that decides whether it comes back from a pause. */
  probe: RunningRequest | null = null;
  health: ProviderHealth = HEALTHY;
  /** When it was given a request last, in monotonic milliseconds; null: never. */
  givenAtMs: number | null = null;
  readonly #paces = new Map<string, ModelPace>();
  readonly #answers = new Map<string, AnswerStatistics>();
  /** How its endpoint wants to be left alone, by model. */
  readonly #rests = new Map<string, Rest>();
  /** What checks have found, and until when nobody asks for the model because of it, by model. */
  readonly #checks = new Map<string, { readonly check: PublishedCheck; readonly pausedUntilMs: number }>();
  #debtTokens = 0;
  #debtAtMs = 0;

  constructor(tenantId: TenantId) {
    this.tenantId = tenantId;
  }

  /** Tells whoever reads it that it has changed. */
  touch(): void {
    for (const reader of this.readers) reader.changed();
  }

  /** How fast it is with a model. */
  paceOf(model: string): ModelPace {
    let pace = this.#paces.get(model);
    if (pace === undefined) {
      pace = new ModelPace();
      this.#paces.set(model, pace);
    }
    return pace;
  }

  /** What its answers with a model were like. */
  answersOf(model: string): AnswerStatistics {
    let answers = this.#answers.get(model);
    if (answers === undefined) {
      answers = new AnswerStatistics();
      this.#answers.set(model, answers);
    }
    return answers;
  }

  /**
   * Its endpoint has no room for a model until then, as an account was told. That may be about what this one asks: for everybody it has none
   * once several accounts were told so.
   */
  rest(model: string, untilMs: number, accountId: string): void {
    const { accounts = [], untilMs: earlierMs = 0 } = this.#rests.get(model) ?? {};
    const told = [...new Set([...accounts, accountId])].slice(-FAILED_ACCOUNTS_MIN);
    this.#rests.set(model, { untilMs: Math.max(untilMs, earlierMs), accounts: told });
    this.touch();
  }

  /** Checks have found this of a model: nobody asks for it until then, in monotonic milliseconds. */
  noteCheck(check: PublishedCheck, pausedUntilMs: number): void {
    const { check: before, pausedUntilMs: pausedBeforeMs = 0 } = this.#checks.get(check.model) ?? {};
    this.#checks.set(check.model, { check, pausedUntilMs });
    if (before?.verdict !== check.verdict || pausedBeforeMs !== pausedUntilMs) this.touch();
  }

  /** What checks have found of a model; null: it wasn't checked. */
  checkOf(model: string): PublishedCheck | null {
    return this.#checks.get(model)?.check ?? null;
  }

  /** True while nobody asks for the model because of what checks have found. */
  isDoubted(model: string, nowMs: number): boolean {
    return (this.#checks.get(model)?.pausedUntilMs ?? 0) > nowMs;
  }

  /** Whom its endpoint wants to be left alone by with the model: everybody, or one account alone; null: nobody. */
  restsFor(model: string, nowMs: number): 'everybody' | { readonly accountId: string } | null {
    if (this.isDoubted(model, nowMs)) return 'everybody';
    const rest = this.#rests.get(model);
    if (rest === undefined) return null;
    if (rest.untilMs <= nowMs) {
      this.#rests.delete(model);
      return null;
    }
    const [accountId = ''] = rest.accounts;
    return rest.accounts.length >= FAILED_ACCOUNTS_MIN ? 'everybody' : { accountId };
  }

  /** Forgets how it was with models other than `offered`, as many as any offer has: a list of names that grows is no history. */
  keepModels(offered: ReadonlySet<string>): void {
    const atWork = new Set([...this.running].map(({ modelName }) => modelName));
    for (const kept of [this.#paces, this.#answers, this.#rests, this.#checks]) {
      for (const name of kept.keys()) {
        if (kept.size <= OFFERED_MODELS_MAX) break;
        if (!offered.has(name) && !atWork.has(name)) kept.delete(name);
      }
    }
  }

  /** Expected latency with a model in milliseconds; null where it has shown nothing. */
  latencyMs(model: string, nowMs: number): number | null {
    const running: RunningRequest[] = [];
    for (const request of this.running) if (request.modelName === model) running.push(request);
    return this.paceOf(model).latencyMs(running, nowMs);
  }

  /** Looks at those that wait for their first token: with too many of them it has fewer slots than it is given. */
  watchWaiting(nowMs: number): void {
    for (const request of this.running) {
      if (request.lastTextMs === null) this.slotLimit.observeWait(request, nowMs - request.startedMs, nowMs);
    }
  }

  /** Tokens it was given lately: half of it is forgotten every minute. */
  debtTokens(nowMs: number): number {
    return this.#debtTokens * 2 ** (-(nowMs - this.#debtAtMs) / DEBT_HALF_LIFE_MS);
  }

  /** Adds tokens it was given, or takes back (negative) what it was expected to do and didn't. */
  addDebt(tokens: number, nowMs: number): void {
    this.#debtTokens = Math.max(0, this.debtTokens(nowMs) + tokens);
    this.#debtAtMs = nowMs;
    this.touch();
  }
}

/** A provider that is connected now. */
export class LiveProvider {
  readonly id: ProviderId;
  readonly deviceId: DeviceId;
  /** Who is paid. */
  readonly tenantId: TenantId;
  readonly link: ProviderLink;
  readonly standing: ProviderStanding;
  /** False: only its owner's tenant is served. */
  isShared = true;
  /** What its owner says of it. */
  declared: DeclaredByOwner = { dataPolicy: null, hardware: null };
  #models = new Map<string, ModelOffer>();
  #declaredSlots = 0;

  constructor(
    identity: { id: ProviderId; deviceId: DeviceId; tenantId: TenantId; link: ProviderLink },
    standing: ProviderStanding,
    offer: Offer,
  ) {
    this.id = identity.id;
    this.deviceId = identity.deviceId;
    this.tenantId = identity.tenantId;
    this.link = identity.link;
    this.standing = standing;
    this.replaceOffer(offer);
  }

  get running(): Set<RunningRequest> {
    return this.standing.running;
  }

  /** Requests it says that it serves at a time. */
  get declaredSlots(): number {
    return this.#declaredSlots;
  }

  /** Requests it is given at a time: of those that it says as many as it has shown. */
  get slots(): number {
    return this.standing.slotLimit.slotsOf(this.#declaredSlots);
  }

  get models(): readonly ModelOffer[] {
    return [...this.#models.values()];
  }

  /** True: this tenant may be served. */
  serves(tenantId: TenantId | null): boolean {
    return this.isShared || this.tenantId === tenantId;
  }

  hasFreeSlot(): boolean {
    return this.running.size < this.slots;
  }

  /** True when the next request could get a slot: a free one, of a provider that isn't put aside. */
  takesRequests(nowMs: number): boolean {
    if (!this.hasFreeSlot()) return false;
    const trust = trustOf(this.standing.health, nowMs);
    return trust === 'ready' || (trust === 'probe' && this.standing.probe === null);
  }

  findModel(name: string): ModelOffer | null {
    return this.#models.get(name) ?? null;
  }

  /** From now on it serves this. Running requests go on. */
  replaceOffer(offer: Offer): void {
    this.#declaredSlots = offer.slots;
    this.#models = new Map(offer.models.map((model) => [model.name, model]));
    this.standing.keepModels(new Set(this.#models.keys()));
    this.standing.touch();
  }
}
