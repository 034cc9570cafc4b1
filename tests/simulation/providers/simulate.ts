import {
  createProviderService,
  type DeltaMessage,
  type Eligible,
  PLAIN_CHAT,
  type ProviderLink,
  type ProviderOrder,
  type ProviderService,
} from '../../../server/domains/providers/index.ts';
import type { ProviderError } from '../../../server/domains/providers/types.ts';
import { createQualityService, type QualityService } from '../../../server/domains/quality/index.ts';
import type { DeviceActor } from '../../../server/kernel/actor.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import {
  type AccountId,
  asId,
  type DeviceId,
  type TenantId,
  type TransactionId,
} from '../../../server/kernel/ids.ts';
import type { Random } from '../../../server/kernel/random.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { createServerCore } from '../../support/core.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { createSeededRandom } from '../../support/random.ts';
import { POLICIES, type Policy, type PolicyName } from './policies.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly load: number;
  readonly policy: PolicyName;
  readonly durationMs: number;
}

export interface SimulationResult {
  readonly requests: number;
  readonly failed: number;
  readonly retries: number;
  readonly latencyP99Ms: number;
  readonly centsPer1000Tokens: number;
  readonly jain: number;
  readonly smallestShare: number;
  readonly slowShareAfter10s: number;
}

const PROVIDERS = 20;
const MEAN_TOKENS = 220;
const TOKENS_PER_PIECE = 40;
const CHARACTERS_PER_TOKEN = 4;
const ATTEMPTS_MAX = 3;
/** This provider takes ten times as long in the middle third. */
const SLOW = 3;
/** This one fails half of its requests in the middle third. */
const FLAKY = 7;
/** And this one all of them. */
const DEAD = 11;
const NO_LIMIT = 1e9;
const NEVER_ABORTED = new AbortController().signal;

/** A provider that only pretends to compute. */
interface Machine {
  readonly actor: DeviceActor;
  readonly slots: number;
  readonly priceCents: number;
  readonly firstTokenMs: number;
  readonly tokenMs: number;
  servedTokens: number;
}

interface Job {
  readonly id: TransactionId;
  readonly arrivedMs: number;
  readonly tokens: number;
  readonly tried: Set<string>;
}

const core = createServerCore();

/** One world by its seed: the real providers' service with its selection, health, pace, waiting room and quality. */
class World {
  readonly #options: SimulationOptions;
  readonly #clock = new FakeClock(0);
  readonly #random: Random;
  readonly #machines: readonly Machine[];
  readonly #providers: ProviderService;
  readonly #policy: Policy;
  readonly #tokensOf = new Map<string, number>();
  readonly #latenciesMs: number[] = [];
  readonly #counts = { requests: 0, failed: 0, retries: 0, late: 0, lateToSlow: 0 };
  /** Jobs that have no slot yet: while there are any, promises have to turn. */
  #asking = 0;
  /** An attempt has ended: what follows from it is in promises. */
  #mustTurn = false;
  #working = 0;

  constructor(options: SimulationOptions) {
    const clock = this.#clock;
    const random = createSeededRandom(options.seed);
    const surroundings = { core, clock, random, logger: silentLogger };
    const quality: QualityService = createQualityService({
      ...surroundings,
      store: { find: async () => null, save: async () => {} },
    });
    this.#options = options;
    this.#random = random;
    this.#machines = Array.from({ length: PROVIDERS }, (_, index) => createMachine(index, random));
    this.#providers = createProviderService({
      ...surroundings,
      store: { saveOffer: async ({ deviceId }) => deviceId },
      payoutStanding: { canBePaid: async () => true },
      quality,
    });
    const qualityOf = (id: string) => quality.assessmentOf(id);
    this.#policy = POLICIES[options.policy]({ core, random, qualityOf });
  }

  async run(): Promise<SimulationResult> {
    for (const [index, machine] of this.#machines.entries()) await this.#offer(machine, index);
    const serviceMs = ({ firstTokenMs, tokenMs }: Machine) => firstTokenMs + MEAN_TOKENS * tokenMs;
    const slotsPerMs = this.#machines.reduce((sum, machine) => sum + machine.slots / serviceMs(machine), 0);
    this.#arrive(this.#options.load * slotsPerMs);
    while (this.#clock.nowMs() < this.#options.durationMs || this.#working > 0) {
      if (!this.#clock.step()) break;
      if (this.#asking > 0 || this.#mustTurn) await promisesTurn();
      this.#mustTurn = false;
    }
    return this.#result();
  }

  async #offer(machine: Machine, index: number): Promise<void> {
    const link: ProviderLink = {
      request: (order) => {
        this.#serve(machine, index, order);
        return true;
      },
      grant: () => true,
      cancel: () => true,
    };
    const models = [{ name: 'm', prices: machine.priceCents, contextTokens: 10_000 }];
    await this.#providers.offer(machine.actor, link, { slots: machine.slots, models });
  }

  #isInTrouble(afterMs = 0): boolean {
    const third = this.#options.durationMs / 3;
    const nowMs = this.#clock.nowMs();
    return nowMs >= third + afterMs && nowMs < 2 * third;
  }

  #arrive(requestsPerMs: number): void {
    if (this.#clock.nowMs() >= this.#options.durationMs) return;
    const tokens = Math.max(5, Math.round(-Math.log(1 - this.#random.fraction()) * MEAN_TOKENS));
    const id = asId<TransactionId>(uuid(++this.#counts.requests));
    this.#tokensOf.set(id, tokens);
    void this.#carryOut({ id, arrivedMs: this.#clock.nowMs(), tokens, tried: new Set() });
    const nextMs = -Math.log(1 - this.#random.fraction()) / requestsPerMs;
    this.#clock.after(nextMs, () => this.#arrive(requestsPerMs));
  }

  async #carryOut(job: Job): Promise<void> {
    this.#working++;
    while (job.tried.size < ATTEMPTS_MAX) {
      this.#asking++;
      const attempt = await this.#takeSlot(job);
      this.#noteDispatch(attempt.provider.id);
      job.tried.add(attempt.provider.id);
      const ended = new Promise<boolean>((resolve) => {
        attempt.send({ delta: () => {}, ended: ({ kind }) => resolve(kind === 'answered') });
      });
      this.#asking--;
      const isAnswered = await ended;
      this.#providers.judge(attempt, isAnswered ? job.tokens : 0);
      if (isAnswered) {
        this.#latenciesMs.push(this.#clock.nowMs() - job.arrivedMs);
        break;
      }
      this.#counts.retries++;
      if (job.tried.size === ATTEMPTS_MAX) this.#counts.failed++;
    }
    this.#working--;
  }

  /** However long it takes. */
  async #takeSlot(job: Job) {
    for (;;) {
      try {
        const attempt = await this.#providers.takeSlot(this.#wishOf(job));
        if (attempt !== null) return attempt;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
      }
      await new Promise<void>((resolve) => this.#clock.after(100, resolve));
    }
  }

  #wishOf({ id, tokens, tried }: Job): Parameters<ProviderService['takeSlot']>[0] {
    return {
      waitMs: 10_000,
      signal: NEVER_ABORTED,
      rankOf: null,
      contextTokensOnly: null,
      isPriceItsOwn: false,
      order: {
        accountId: asId<AccountId>(id),
        tenantId: asId<TenantId>(id),
        requestId: id,
        model: 'm',
        body: new Uint8Array(),
        isContinuation: false,
        task: PLAIN_CHAT,
        promptTokens: 0,
        completionTokensMax: tokens,
        firstTokenTimeoutMs: NO_LIMIT,
        stallTimeoutMs: NO_LIMIT,
        creditBytes: NO_LIMIT,
        deadlineMs: NO_LIMIT,
      },
      narrow: (offers: readonly Eligible[]) =>
        this.#policy(
          offers.filter(({ provider }) => !tried.has(provider.id)),
          this.#clock.nowMs(),
        ),
    };
  }

  #noteDispatch(providerId: string): void {
    if (!this.#isInTrouble(10_000)) return;
    this.#counts.late++;
    if (providerId === this.#machines[SLOW]?.actor.deviceId) this.#counts.lateToSlow++;
  }

  #serve(machine: Machine, index: number, { requestId }: ProviderOrder): void {
    const slowness = () => (index === SLOW && this.#isInTrouble() ? 10 : 1);
    const isFailing = index === DEAD || (index === FLAKY && this.#random.fraction() < 0.5);
    const willFail = isFailing && this.#isInTrouble();
    const tokens = this.#tokensOf.get(requestId) ?? 0;
    let sent = 0;
    const piece = () => {
      if (willFail) {
        this.#end(machine, requestId, { fault: 'provider', reason: '', status: null, param: null });
        return;
      }
      this.#providers.delta(machine.actor, pieceOf(requestId, sent / TOKENS_PER_PIECE));
      sent += TOKENS_PER_PIECE;
      if (sent < tokens) {
        this.#clock.after(machine.tokenMs * TOKENS_PER_PIECE * slowness(), piece);
        return;
      }
      machine.servedTokens += tokens;
      this.#end(machine, requestId, null);
    };
    this.#clock.after(machine.firstTokenMs * slowness(), piece);
  }

  #end(machine: Machine, requestId: string, error: ProviderError | null): void {
    const finishReason = error === null ? 'stop' : '';
    this.#mustTurn = true;
    this.#providers.result(machine.actor, { requestId, finishReason, claim: null, error });
  }

  #result(): SimulationResult {
    const { requests, failed, retries, late, lateToSlow } = this.#counts;
    // Who is slow or failing offers less: fairness is measured among the others.
    const shares = this.#machines.flatMap(({ servedTokens, slots, tokenMs }, index) =>
      [SLOW, FLAKY, DEAD].includes(index) ? [] : [servedTokens / (slots / tokenMs)],
    );
    const sum = shares.reduce((total, share) => total + share, 0);
    const squares = shares.reduce((total, share) => total + share * share, 0);
    const served = this.#machines.reduce((total, { servedTokens }) => total + servedTokens, 0);
    const cost = this.#machines.reduce((total, each) => total + each.servedTokens * each.priceCents, 0);
    const latencies = this.#latenciesMs.sort((a, b) => a - b);
    return {
      requests,
      failed,
      retries,
      latencyP99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
      centsPer1000Tokens: cost / served,
      jain: sum ** 2 / (shares.length * squares),
      smallestShare: Math.min(...shares) / (sum / shares.length),
      slowShareAfter10s: late === 0 ? 0 : lateToSlow / late,
    };
  }
}

/** Runs one world to the end of its last request. */
export function simulate(options: SimulationOptions): Promise<SimulationResult> {
  return new World(options).run();
}

/** Lets a request that looks for a slot get one, or wait. */
async function promisesTurn(): Promise<void> {
  for (let count = 0; count < 16; count++) await null;
}

function pieceOf(requestId: string, index: number): DeltaMessage {
  const text = 'x'.repeat(TOKENS_PER_PIECE * CHARACTERS_PER_TOKEN);
  return { requestId, index, delta: { fields: { content: text }, text, bytes: text.length } };
}

function createMachine(index: number, random: Random): Machine {
  return {
    actor: {
      kind: 'device',
      credentialId: TEST_CREDENTIAL_ID,
      tenantId: asId<TenantId>(uuid(1)),
      deviceId: asId<DeviceId>(uuid(1_000_000 + index)),
    },
    slots: 2 + Math.floor(random.fraction() * 5),
    tokenMs: 20 + random.fraction() * 60,
    priceCents: 5 + Math.floor(random.fraction() * 26),
    firstTokenMs: 150 + random.fraction() * 400,
    servedTokens: 0,
  };
}
