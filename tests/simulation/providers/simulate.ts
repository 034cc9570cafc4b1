import { readFileSync } from 'node:fs';
import type { ServerCore } from '../../../assembly/host/index.ts';
import { loadServerCore } from '../../../assembly/host/node.ts';
import { afterFailure, afterSuccess } from '../../../server/domains/providers/health.ts';
import { LiveProvider, ProviderStanding } from '../../../server/domains/providers/live-provider.ts';
import type { Eligible, Selection } from '../../../server/domains/providers/selection.ts';
import type { ProviderQuality } from '../../../server/domains/quality/index.ts';
import { HALF_LIFE_MS } from '../../../server/domains/quality/index.ts';
import { neutralQuality, observationOf } from '../../../server/domains/quality/rules.ts';
import { asId, type DeviceId, type TenantId } from '../../../server/kernel/ids.ts';
import type { Random } from '../../../server/kernel/random.ts';
import { createSeededRandom } from '../../support/random.ts';
import { POLICIES, type PolicyName } from './policies.ts';

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
const TOKENS_PER_PIECE = 5;
const ATTEMPTS_MAX = 3;
/** This provider takes ten times as long in the middle third. */
const SLOW = 3;
/** This one fails half of its requests in the middle third. */
const FLAKY = 7;
/** And this one all of them. */
const DEAD = 11;

interface Machine {
  readonly live: LiveProvider;
  readonly priceCents: number;
  readonly firstTokenMs: number;
  readonly tokenMs: number;
  servedTokens: number;
}

interface Job {
  readonly arrivedMs: number;
  readonly tokens: number;
  readonly tried: Set<number>;
}

type Event = { readonly atMs: number; readonly order: number; readonly run: () => void };

/** A heap of events by time. */
class Agenda {
  readonly #heap: Event[] = [];
  #order = 0;
  nowMs = 0;

  at(atMs: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ atMs, order: this.#order++, run });
    for (let child = heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!before(heap[child] as Event, heap[parent] as Event)) break;
      [heap[child], heap[parent]] = [heap[parent] as Event, heap[child] as Event];
      child = parent;
    }
  }

  runOne(): boolean {
    const heap = this.#heap;
    const first = heap[0];
    if (!first) return false;
    const last = heap.pop() as Event;
    if (heap.length > 0) {
      heap[0] = last;
      for (let parent = 0; ; ) {
        let least = parent;
        for (const child of [parent * 2 + 1, parent * 2 + 2]) {
          if (child < heap.length && before(heap[child] as Event, heap[least] as Event)) least = child;
        }
        if (least === parent) break;
        [heap[parent], heap[least]] = [heap[least] as Event, heap[parent] as Event];
        parent = least;
      }
    }
    this.nowMs = first.atMs;
    first.run();
    return true;
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

let core: ServerCore | null = null;
function serverCore(): ServerCore {
  core ??= loadServerCore(readFileSync(new URL('../../../build/core.wasm', import.meta.url)));
  return core;
}

/** Runs one world by its seed: the real selection, health, pace and core on providers that only pretend to compute. */
export function simulate(options: SimulationOptions): SimulationResult {
  const { seed, load, policy, durationMs } = options;
  const random = createSeededRandom(seed);
  const agenda = new Agenda();
  const machines = Array.from({ length: PROVIDERS }, (_, index) => createMachine(index, random));
  const qualities = new Map<string, ProviderQuality>(
    machines.map(({ live }) => [live.id, neutralQuality(0)]),
  );
  const capacity = machines.map(({ live, tokenMs }) => live.slots / tokenMs);
  const meanTokens = 220;
  const serviceMs = (machine: Machine) => machine.firstTokenMs + meanTokens * machine.tokenMs;
  const requestsPerMs =
    load * machines.reduce((sum, machine) => sum + machine.live.slots / serviceMs(machine), 0);
  const troubleFromMs = durationMs / 3;
  const troubleToMs = (durationMs * 2) / 3;
  const inTrouble = () => agenda.nowMs >= troubleFromMs && agenda.nowMs < troubleToMs;
  const slowness = (index: number) => (index === SLOW && inTrouble() ? 10 : 1);

  const waiting: Job[] = [];
  const latencies: number[] = [];
  let requests = 0;
  let failed = 0;
  let retries = 0;
  let costCents = 0;
  let tokensServed = 0;
  let dispatchedLate = 0;
  let dispatchedLateToSlow = 0;

  const select = POLICIES[policy]({
    core: serverCore(),
    random,
    qualityOf: (id) => qualities.get(id) as ProviderQuality,
  });
  const choose = (job: Job): Selection => {
    const eligible = machines.flatMap((machine, index): Eligible[] => {
      const model = machine.live.findModel('m');
      return model && !job.tried.has(index) ? [{ provider: machine.live, model }] : [];
    });
    return select(eligible, agenda.nowMs);
  };

  const start = (job: Job): boolean => {
    const selection = choose(job);
    if (!selection.ok) return false;
    const index = Number(selection.chosen.provider.id);
    if (agenda.nowMs >= troubleFromMs + 10_000 && inTrouble()) {
      dispatchedLate++;
      if (index === SLOW) dispatchedLateToSlow++;
    }
    serve(machines[index] as Machine, index, job, selection.isProbe);
    return true;
  };

  const serve = (machine: Machine, index: number, job: Job, isProbe: boolean) => {
    const { live } = machine;
    const { standing } = live;
    const running = { startedMs: agenda.nowMs, lastTextMs: null as number | null };
    live.running.add(running);
    if (isProbe) live.probe = running;
    standing.addDebt(job.tokens, agenda.nowMs);
    const finish = (ok: boolean) => {
      live.running.delete(running);
      if (live.probe === running) live.probe = null;
      const quality = qualities.get(live.id) as ProviderQuality;
      const outcome = ok
        ? ({ kind: 'completed', firstTokenMs: 300, tokenMs: standing.pace.tokenMs() ?? 50 } as const)
        : ({ kind: 'unavailable' } as const);
      const updated = serverCore().updateQuality(
        quality,
        { ...observationOf(quality, outcome), timeMs: agenda.nowMs },
        HALF_LIFE_MS,
      );
      if (updated.ok) qualities.set(live.id, updated.assessment);
      if (ok) {
        standing.pace.observeEnd();
        standing.health = afterSuccess(standing.health, isProbe);
      } else {
        standing.addDebt(-job.tokens, agenda.nowMs);
        standing.health = afterFailure(standing.health, isProbe, agenda.nowMs, random.fraction());
      }
      while (waiting.length > 0 && start(waiting[0] as Job)) waiting.shift();
    };
    const fails = index === DEAD || (index === FLAKY && random.fraction() < 0.5);
    if (fails && inTrouble()) {
      agenda.at(agenda.nowMs + machine.firstTokenMs, () => {
        job.tried.add(index);
        finish(false);
        retries++;
        if (job.tried.size >= ATTEMPTS_MAX) failed++;
        else if (!start(job)) waiting.push(job);
      });
      return;
    }
    let tokens = 0;
    const piece = () => {
      const isFirst = running.lastTextMs === null;
      standing.pace.observeText(
        isFirst,
        agenda.nowMs - (running.lastTextMs ?? running.startedMs),
        TOKENS_PER_PIECE * 4,
      );
      running.lastTextMs = agenda.nowMs;
      tokens += TOKENS_PER_PIECE;
      if (tokens < job.tokens) {
        agenda.at(agenda.nowMs + machine.tokenMs * TOKENS_PER_PIECE * slowness(index), piece);
        return;
      }
      latencies.push(agenda.nowMs - job.arrivedMs);
      machine.servedTokens += job.tokens;
      tokensServed += job.tokens;
      costCents += (job.tokens * machine.priceCents) / 1000;
      finish(true);
    };
    agenda.at(agenda.nowMs + machine.firstTokenMs * slowness(index), piece);
  };

  const arrive = () => {
    if (agenda.nowMs >= durationMs) return;
    requests++;
    const tokens = Math.max(5, Math.round(-Math.log(1 - random.fraction()) * meanTokens));
    const job: Job = { arrivedMs: agenda.nowMs, tokens, tried: new Set() };
    if (!start(job)) waiting.push(job);
    agenda.at(agenda.nowMs - Math.log(1 - random.fraction()) / requestsPerMs, arrive);
  };
  agenda.at(0, arrive);
  // A request also looks again when time has passed: a pause may be over.
  const retry = () => {
    while (waiting.length > 0 && start(waiting[0] as Job)) waiting.shift();
    if (agenda.nowMs < durationMs) agenda.at(agenda.nowMs + 100, retry);
  };
  agenda.at(100, retry);
  while (agenda.runOne());

  // Who is slow or failing offers less: fairness is measured among the others.
  const shares = machines.flatMap(({ servedTokens }, index) =>
    [SLOW, FLAKY, DEAD].includes(index) ? [] : [servedTokens / (capacity[index] as number)],
  );
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  latencies.sort((a, b) => a - b);
  return {
    requests,
    failed,
    retries,
    latencyP99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
    centsPer1000Tokens: (costCents * 1000) / tokensServed,
    jain: sum ** 2 / (shares.length * squares),
    smallestShare: Math.min(...shares) / (sum / shares.length),
    slowShareAfter10s: dispatchedLate === 0 ? 0 : dispatchedLateToSlow / dispatchedLate,
  };
}

function createMachine(index: number, random: Random): Machine {
  const slots = 2 + Math.floor(random.fraction() * 5);
  const tokenMs = 20 + random.fraction() * 60;
  const priceCents = 5 + Math.floor(random.fraction() * 26);
  const live = new LiveProvider(
    {
      id: String(index),
      deviceId: asId<DeviceId>(String(index)),
      tenantId: asId<TenantId>('t'),
      link: { request: () => true, tellsCredit: true, grant: () => true, cancel: () => true },
    },
    new ProviderStanding(),
    { slots, models: [{ name: 'm', prices: onePrice(priceCents), contextTokens: 10_000 }] },
  );
  return { live, priceCents, firstTokenMs: 150 + random.fraction() * 400, tokenMs, servedTokens: 0 };
}

/** One price for everything, in whole cents. */
function onePrice(cents: number) {
  const price = BigInt(cents) * 1_000_000n;
  return { prompt: price, cachedPrompt: price, completion: price };
}
