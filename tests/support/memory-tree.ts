import type { StoredTree, TreeChanges, TreeStore } from '../../server/domains/topics/ports.ts';
import type { KeptSession, Packet, Subscription, Will } from '../../server/domains/topics/types.ts';

/** Where a crash is: before a transaction, or between its commit and the answer. */
export type CrashPoint = 'before' | 'after';

const never = () => new Promise<never>(() => undefined);

/** A tree's rows in memory. After a crash nothing is written or answered any more, until somebody loads it anew. */
export class TreeStoreInMemory implements TreeStore {
  readonly #sessions = new Map<string, KeptSession>();
  readonly #retained = new Map<string, Packet>();
  readonly #wills = new Map<string, Will>();
  readonly #subscriptions = new Map<string, Map<string, Subscription>>();
  readonly #queued = new Map<string, Map<number, Packet>>();
  readonly #handshakes = new Map<string, Set<number>>();
  /** Who loaded it last: what others write is of a server that is dead. */
  #generation = 0;
  #crash: CrashPoint | null = null;
  #isDead = false;

  /** The next transaction is the last one. */
  crashAt(point: CrashPoint): void {
    this.#crash = point;
  }

  /** The store as one start of a server has it. */
  open(): TreeStore {
    const generation = ++this.#generation;
    this.#crash = null;
    this.#isDead = false;
    return {
      load: () => this.load(),
      save: (_, changes) => (generation === this.#generation ? this.save(_, changes) : never()),
    };
  }

  async load(): Promise<StoredTree> {
    const subscriptions = flat(this.#subscriptions, (parts) => [...parts.values()]);
    const queued = flat(this.#queued, (parts) => [...parts]);
    const handshakes = flat(this.#handshakes, (parts) => [...parts]);
    return {
      retained: [...this.#retained.values()],
      sessions: [...this.#sessions].map(([clientId, session]) => ({ clientId, session })),
      wills: [...this.#wills].map(([clientId, will]) => ({ clientId, will })),
      subscriptions: subscriptions.map(([clientId, subscription]) => ({ clientId, subscription })),
      queued: queued
        .map(([clientId, [position, packet]]) => ({ clientId, position, packet }))
        .sort((one, other) => one.position - other.position),
      handshakes: handshakes.map(([clientId, messageId]) => ({ clientId, messageId })),
    };
  }

  async save(_owner: unknown, changes: TreeChanges): Promise<void> {
    if (this.#isDead || this.#crash === 'before') return this.#die();
    this.#apply(changes);
    if (this.#crash === 'after') return this.#die();
  }

  #die(): Promise<never> {
    this.#isDead = true;
    return never();
  }

  #apply(changes: TreeChanges): void {
    for (const { clientId, session } of changes.sessions) {
      if (session !== undefined) {
        const { beganAtMs, expirySeconds, leftAtMs } = session;
        this.#sessions.set(clientId, { beganAtMs, expirySeconds, leftAtMs });
        continue;
      }
      // What belongs to the session goes with it.
      for (const rows of [this.#sessions, this.#subscriptions, this.#queued, this.#handshakes])
        rows.delete(clientId);
    }
    for (const { topic, packet } of changes.retained) put(this.#retained, topic, packet);
    for (const { clientId, will } of changes.wills) put(this.#wills, clientId, will);
    for (const { clientId, filter, subscription } of changes.subscriptions)
      put(partsOf(this.#subscriptions, clientId), filter, subscription);
    for (const { clientId, position, message } of changes.queued)
      put(partsOf(this.#queued, clientId), position, message?.packet);
    for (const { clientId, messageId, isOpen } of changes.handshakes) {
      const open = this.#handshakes.get(clientId) ?? new Set();
      this.#handshakes.set(clientId, open);
      if (isOpen) open.add(messageId);
      else open.delete(messageId);
    }
  }
}

function put<Key, Value>(rows: Map<Key, Value>, key: Key, value: Value | undefined): void {
  if (value === undefined) rows.delete(key);
  else rows.set(key, value);
}

function partsOf<Key, Value>(rows: Map<string, Map<Key, Value>>, clientId: string): Map<Key, Value> {
  const parts = rows.get(clientId) ?? new Map<Key, Value>();
  rows.set(clientId, parts);
  return parts;
}

const flat = <Parts, Part>(rows: ReadonlyMap<string, Parts>, list: (parts: Parts) => Part[]) =>
  [...rows].flatMap(([clientId, parts]) => list(parts).map((part) => [clientId, part] as const));
