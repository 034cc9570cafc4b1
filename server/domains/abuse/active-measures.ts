import { keyOf } from './counts.ts';
import { MEASURES_MAX } from './limits.ts';
import type { AbuseMeasure, Subject } from './types.ts';

/** The measures that hold at this moment. Asked at every call, so it is in memory; one for each subject, the strongest. */
export class ActiveMeasures {
  /** In the order in which they began. */
  readonly #bySubject = new Map<string, AbuseMeasure>();
  readonly #max: number;

  constructor(max = MEASURES_MAX) {
    this.#max = max;
  }

  get size(): number {
    return this.#bySubject.size;
  }

  /** The one that holds for a subject; one whose time is over is forgotten. */
  find(subject: Subject, nowMs: number): AbuseMeasure | null {
    if (this.#bySubject.size === 0) return null;
    const key = keyOf(subject);
    const found = this.#bySubject.get(key) ?? null;
    if (found === null || nowMs < found.endsAtMs) return found;
    this.#bySubject.delete(key);
    return null;
  }

  /** Takes the place of the subject's earlier one. Gives the one that had to go for it; null: there was room. */
  set(measure: AbuseMeasure): AbuseMeasure | null {
    const key = keyOf(measure.subject);
    this.#bySubject.delete(key);
    this.#bySubject.set(key, measure);
    return this.#bySubject.size > this.#max ? this.#dropOne(measure) : null;
  }

  /** The measure of this id; null: none holds. */
  remove(id: string): AbuseMeasure | null {
    for (const [key, measure] of this.#bySubject) {
      if (measure.id !== id) continue;
      this.#bySubject.delete(key);
      return measure;
    }
    return null;
  }

  /** The newest first. */
  list(nowMs: number): AbuseMeasure[] {
    return [...this.#bySubject.values()].filter(({ endsAtMs }) => nowMs < endsAtMs).reverse();
  }

  /** Forgets those whose time is over. */
  removeEnded(nowMs: number): void {
    for (const [key, { endsAtMs }] of this.#bySubject) if (endsAtMs <= nowMs) this.#bySubject.delete(key);
  }

  /** There are more addresses than principals: one of those goes. */
  #dropOne(kept: AbuseMeasure): AbuseMeasure | null {
    const all = [...this.#bySubject.values()].filter((measure) => measure !== kept);
    const dropped = all.find(({ subject }) => subject.kind === 'address') ?? all[0] ?? null;
    if (dropped !== null) this.#bySubject.delete(keyOf(dropped.subject));
    return dropped;
  }
}
