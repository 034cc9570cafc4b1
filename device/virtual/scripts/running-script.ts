import { CALLS_PER_SECOND_MAX, TIMERS_MAX } from '../../scripts/limits.ts';
import type { ScriptManifest } from '../../scripts/manifest.ts';
import { ScriptEvent } from '../../sdk/natives.ts';
import { type CallOutcome, ScriptInstance, type StopReason } from './instance.ts';
import type { ScriptBoard, ScriptEffect, ScriptHost, ScriptTimer } from './script-host.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** `no_memory`: V8 refused the module. */
export type ScriptFault = StopReason | 'no_memory';

export type ScriptState =
  | { readonly kind: 'running' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly fault: ScriptFault };

/** How often something may happen in a span of time; spans begin where the clock is at a whole one. */
class Allowance {
  readonly #most: number;
  readonly #spanMs: number;
  #span = -1;
  #used = 0;

  constructor(most: number, spanMs: number) {
    this.#most = most;
    this.#spanMs = spanMs;
  }

  take(nowMs: number, count: number): boolean {
    const span = Math.floor(nowMs / this.#spanMs);
    if (span !== this.#span) {
      this.#span = span;
      this.#used = 0;
    }
    if (this.#used + count > this.#most) return false;
    this.#used += count;
    return true;
  }
}

/** A script on its device: its module in V8 while it runs, its timers, and what of its limits is used up. */
export class RunningScript {
  readonly manifest: ScriptManifest;
  readonly imports: readonly string[];
  readonly #module: Uint8Array;
  readonly #host: ScriptHost;
  readonly #apply: (effects: readonly ScriptEffect[]) => void;
  readonly #calls: Allowance;
  #instance: ScriptInstance | null = null;
  #state: ScriptState = { kind: 'stopped' };
  #callCount = 0;

  constructor(
    script: {
      readonly manifest: ScriptManifest;
      readonly module: Uint8Array;
      readonly imports: readonly string[];
      readonly numbers: Map<string, number>;
    },
    device: {
      readonly board: ScriptBoard;
      readonly nowMs: () => number;
      readonly apply: (effects: readonly ScriptEffect[]) => void;
    },
  ) {
    const { manifest } = script;
    const bytes = new Allowance(manifest.bytesPerMinuteMax, MINUTE_MS);
    this.manifest = manifest;
    this.imports = script.imports;
    this.#module = script.module;
    this.#apply = device.apply;
    this.#calls = new Allowance(Math.min(manifest.callsPerSecondMax, CALLS_PER_SECOND_MAX), SECOND_MS);
    this.#host = {
      board: device.board,
      timers: new Array<ScriptTimer | null>(TIMERS_MAX).fill(null),
      numbers: script.numbers,
      outputs: new Set(),
      arguments: new Map(),
      answers: new Map(),
      effects: [],
      nowMs: device.nowMs,
      spend: (count) => bytes.take(device.nowMs(), count),
    };
  }

  get state(): ScriptState {
    return this.#state;
  }

  get callCount(): number {
    return this.#callCount;
  }

  get numbers(): ReadonlyMap<string, number> {
    return this.#host.numbers;
  }

  /** When its next timer ends; Infinity for never. */
  get dueAtMs(): number {
    if (this.#state.kind !== 'running') return Number.POSITIVE_INFINITY;
    return Math.min(...this.#host.timers.map((timer) => timer?.dueAtMs ?? Number.POSITIVE_INFINITY));
  }

  /** Loads the module and lets it begin. Afterwards it runs, or has failed. */
  start(): void {
    this.#host.timers.fill(null);
    this.#host.outputs.clear();
    this.#state = { kind: 'running' };
    try {
      this.#instance = new ScriptInstance(this.manifest, this.#module, this.#host);
    } catch {
      this.#fail('no_memory');
      return;
    }
    this.#call(ScriptEvent.START, 0);
  }

  /** Lets it end, if it runs. */
  stop(): void {
    if (this.#state.kind === 'running') this.#call(ScriptEvent.STOP, 0);
    this.#instance = null;
    this.#state = { kind: 'stopped' };
  }

  /** Calls it for a timer that has ended. One that is called too often is put off to the next second. */
  tick(): void {
    const nowMs = this.#host.nowMs();
    const id = this.#host.timers.findIndex((timer) => timer !== null && timer.dueAtMs <= nowMs);
    const timer = this.#host.timers[id];
    if (timer === null || timer === undefined) return;
    if (!this.#calls.take(nowMs, 1)) {
      timer.dueAtMs = (Math.floor(nowMs / SECOND_MS) + 1) * SECOND_MS;
      return;
    }
    if (timer.periodMs === 0) this.#host.timers[id] = null;
    else timer.dueAtMs = nowMs + timer.periodMs;
    this.#call(ScriptEvent.TICK, id);
  }

  /** Whether one more command may be given in this second. */
  mayBeCalled(): boolean {
    return this.#calls.take(this.#host.nowMs(), 1);
  }

  /** Gives it a command. Its answers count only where it returned 0. */
  command(args: ReadonlyMap<string, number>): CallOutcome & { answers: ReadonlyMap<string, number> } {
    this.#host.arguments = args;
    this.#host.answers = new Map();
    const outcome = this.#call(ScriptEvent.COMMAND, 0);
    return { ...outcome, answers: this.#host.answers };
  }

  #call(event: number, a: number): CallOutcome {
    if (this.#instance === null) return { ok: false, reason: 'trapped' };
    this.#callCount++;
    const outcome = this.#instance.call(event, a);
    const effects = this.#host.effects.splice(0);
    if (!outcome.ok) this.#fail(outcome.reason);
    this.#apply(effects);
    return outcome;
  }

  #fail(fault: ScriptFault): void {
    this.#instance = null;
    this.#state = { kind: 'failed', fault };
  }
}
