import { COUNTED_MAX, TRIED_MAX } from './limits.ts';
import { decayed } from './rules.ts';
import type { AbuseKind, Offence, Subject } from './types.ts';

interface Count {
  count: number;
  atMs: number;
  /** Of what was tried lately: numbers, so that no credential is kept. */
  readonly tried: number[];
}

/** One word for a subject. */
export const keyOf = ({ kind, id }: Subject): string => `${kind}:${id}`;

/** What each subject has done lately, by kind: halved as time passes, and bounded in memory whoever comes. */
export class OffenceCounts {
  /** The one that was silent for longest first. */
  readonly #counts = new Map<string, Count>();
  readonly #countedMax: number;

  constructor(countedMax = COUNTED_MAX) {
    this.#countedMax = countedMax;
  }

  /** Counts it, and gives how much there is now; null: it was tried before, and isn't counted again. */
  add({ kind, subject, tried }: Offence, nowMs: number): number | null {
    const key = `${kind} ${keyOf(subject)}`;
    const entry = this.#counts.get(key) ?? { count: 0, atMs: nowMs, tried: [] };
    this.#counts.delete(key);
    this.#counts.set(key, entry);
    this.#forgetOldest();
    if (tried !== null) {
      const known = fingerprintOf(tried);
      if (entry.tried.includes(known)) return null;
      entry.tried.push(known);
      if (entry.tried.length > TRIED_MAX) entry.tried.shift();
    }
    entry.count = decayed(entry.count, nowMs - entry.atMs) + 1;
    entry.atMs = nowMs;
    return entry.count;
  }

  /** Begins anew, as for who was let go. */
  forget(subject: Subject, kinds: readonly AbuseKind[]): void {
    for (const kind of kinds) this.#counts.delete(`${kind} ${keyOf(subject)}`);
  }

  get size(): number {
    return this.#counts.size;
  }

  #forgetOldest(): void {
    if (this.#counts.size <= this.#countedMax) return;
    const [oldest] = this.#counts.keys();
    if (oldest !== undefined) this.#counts.delete(oldest);
  }
}

/** FNV-1a, 32 bits (RFC 9923): enough to know the same thing again among sixteen. */
function fingerprintOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
