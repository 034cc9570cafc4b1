import type { AppError } from '../../kernel/errors.ts';
import { ActiveMeasures } from './active-measures.ts';
import { createAlerts } from './alerts.ts';
import { keyOf, OffenceCounts } from './counts.ts';
import { MEASURES_MAX, type Step } from './limits.ts';
import { createMeasureWriter } from './measure-writer.ts';
import type { AbuseDependencies } from './ports.ts';
import { refusalOf, stepFor, strengthOf, throttled } from './rules.ts';
import { ABUSE_KINDS, type AbuseMeasure, type Offence, type Subject } from './types.ts';

/** Counts offences, begins measures and keeps them. */
export class Measuring {
  readonly #answers: boolean;
  readonly #dependencies: AbuseDependencies;
  readonly #counts = new OffenceCounts();
  readonly #active = new ActiveMeasures();
  /** What was told already of those that are never measured. */
  readonly #told = new ActiveMeasures();
  readonly #alerts: ReturnType<typeof createAlerts>;
  readonly #writer: ReturnType<typeof createMeasureWriter>;

  /** `answers: false` counts and tells, and answers nothing. */
  constructor(answers: boolean, dependencies: AbuseDependencies) {
    this.#answers = answers;
    this.#dependencies = dependencies;
    this.#alerts = createAlerts(dependencies);
    this.#writer = createMeasureWriter(dependencies);
  }

  /** True while nothing is done about anybody. */
  get isIdle(): boolean {
    return this.#active.size === 0;
  }

  get #nowMs(): number {
    return this.#dependencies.clock.nowMs();
  }

  find(subject: Subject): AbuseMeasure | null {
    return this.#active.find(subject, this.#nowMs);
  }

  list(): readonly AbuseMeasure[] {
    return this.#active.list(this.#nowMs);
  }

  note(offence: Offence): void {
    this.#dependencies.outlets.counted(offence.kind);
    const count = this.#counts.add(offence, this.#nowMs);
    const step = count === null ? null : stepFor(offence.kind, count);
    if (count !== null && step !== null) this.#answer(offence, count, step);
  }

  #answer({ subject, kind, isOperator }: Offence, count: number, { measure, forMs }: Step): void {
    const nowMs = this.#nowMs;
    const isAnswered = this.#answers && !isOperator;
    const known = (isAnswered ? this.#active : this.#told).find(subject, nowMs);
    if (known !== null && strengthOf(known.measure) >= strengthOf(measure)) return;
    const begun: AbuseMeasure = {
      id: this.#dependencies.random.uuid(),
      subject,
      measure,
      kind,
      count,
      beganAtMs: nowMs,
      endsAtMs: nowMs + forMs,
    };
    if (isAnswered) this.#begin(begun);
    else this.#told.set(begun);
    this.#alerts.raise({ subject, kind, count, measure: isAnswered ? begun : null });
  }

  #begin(measure: AbuseMeasure): void {
    const dropped = this.#active.set(measure);
    if (dropped !== null) this.#writer.remove(dropped.id);
    this.#writer.put(measure);
    if (measure.measure !== 'throttle') this.#dependencies.live.end(measure.subject, measure);
  }

  /** What somebody is refused with under a measure; null: not yet. Guesses take nothing of the calls that others at an address may make. */
  refusalFor(measure: AbuseMeasure, what: 'call' | 'guess'): AppError | null {
    if (measure.measure !== 'throttle') return refusalOf(measure, this.#nowMs);
    const { throttle } = this.#dependencies;
    const { isTaken, limit, resetSeconds } = throttle.take(`${what} ${keyOf(measure.subject)}`);
    return isTaken ? null : throttled(limit, resetSeconds);
  }

  /** Undoes a measure and what led to it. False: none of this id holds. */
  async lift(id: string): Promise<boolean> {
    const lifted = this.list().find((measure) => measure.id === id);
    if (lifted === undefined) return false;
    await this.#writer.settled();
    await this.#dependencies.store.remove(id);
    this.#forget(lifted);
    return true;
  }

  #forget({ id, subject }: AbuseMeasure): void {
    this.#active.remove(id);
    this.#counts.forget(subject, ABUSE_KINDS);
  }

  async load(): Promise<void> {
    for (const measure of await this.#dependencies.store.list(this.#nowMs, MEASURES_MAX)) {
      this.#active.set(measure);
      this.#writer.markWritten(measure.id);
    }
  }

  /** Removes what has ended, and lets go who was let go in the database. */
  async refresh(): Promise<void> {
    const { store } = this.#dependencies;
    const nowMs = this.#nowMs;
    this.#told.removeEnded(nowMs);
    this.#active.removeEnded(nowMs);
    await store.removeEnded(nowMs);
    const before = this.list().filter(({ id }) => this.#writer.isWritten(id));
    if (before.length === 0) return;
    const kept = new Set((await store.list(nowMs, MEASURES_MAX)).map(({ id }) => id));
    for (const measure of before) if (!kept.has(measure.id)) this.#forget(measure);
  }

  async stop(): Promise<void> {
    this.#alerts.stop();
    await this.#writer.settled();
  }
}
