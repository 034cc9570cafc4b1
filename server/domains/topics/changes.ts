import { BATCH_ROWS_MAX } from './limits.ts';
import type { TreeChanges, TreeStore } from './ports.ts';
import type { KeptSession, Packet, QueuedMessage, Subscription, TreeOwner, Will } from './types.ts';

/** What a tree has in memory, looked up by what a row is found by; undefined: the row is to go. */
export interface TreeContent {
  retained(topic: string): Packet | undefined;
  /** Undefined: the client has none any more. */
  keptSession(clientId: string): KeptSession | undefined;
  subscription(clientId: string, filter: string): Subscription | undefined;
  queued(clientId: string, position: number): QueuedMessage | undefined;
  hasHandshake(clientId: string, messageId: number): boolean;
  will(clientId: string): Will | undefined;
}

/** Keys of changed rows: of two parts, which no separator can confuse. */
class Keys<Part extends string | number> {
  #byClient = new Map<string, Set<Part>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(clientId: string, part: Part): void {
    const parts = this.#byClient.get(clientId) ?? new Set<Part>();
    this.#byClient.set(clientId, parts);
    if (parts.has(part)) return;
    parts.add(part);
    this.#size++;
  }

  /** Takes out as many as one transaction changes. */
  take(rowsMax = BATCH_ROWS_MAX): [clientId: string, part: Part][] {
    const taken: [string, Part][] = [];
    for (const [clientId, parts] of this.#byClient) {
      for (const part of parts) {
        if (taken.length === rowsMax) return taken;
        taken.push([clientId, part]);
        parts.delete(part);
        this.#size--;
      }
      this.#byClient.delete(clientId);
    }
    return taken;
  }
}

type Rows = {
  readonly retained: readonly string[];
  readonly sessions: readonly string[];
  readonly wills: readonly string[];
  readonly subscriptions: readonly (readonly [string, string])[];
  readonly queued: readonly (readonly [string, number])[];
  readonly handshakes: readonly (readonly [string, number])[];
};

/**
 * Writes a tree's changes, all that wait in one transaction, one transaction at a time. A change is noted as the key of its
 * row; what is written is the row as it is in memory by then: what came and went in between costs nothing.
 */
export class ChangeWriter {
  readonly #owner: TreeOwner;
  readonly #store: Pick<TreeStore, 'save'>;
  readonly #content: TreeContent;
  readonly #retained = new Keys<string>();
  readonly #sessions = new Keys<''>();
  readonly #wills = new Keys<''>();
  readonly #subscriptions = new Keys<string>();
  readonly #queued = new Keys<number>();
  readonly #handshakes = new Keys<number>();
  /** The write that takes what is noted now; null: nothing is. */
  #next: Promise<void> | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(owner: TreeOwner, store: Pick<TreeStore, 'save'>, content: TreeContent) {
    this.#owner = owner;
    this.#store = store;
    this.#content = content;
  }

  retained(topic: string): void {
    this.#retained.add('', topic);
  }

  session(clientId: string): void {
    this.#sessions.add(clientId, '');
  }

  will(clientId: string): void {
    this.#wills.add(clientId, '');
  }

  subscription(clientId: string, filter: string): void {
    this.#subscriptions.add(clientId, filter);
  }

  queued(clientId: string, position: number): void {
    this.#queued.add(clientId, position);
  }

  handshake(clientId: string, messageId: number): void {
    this.#handshakes.add(clientId, messageId);
  }

  /** Resolves when what was noted is kept. Rejects where nobody knows: it is written again with the next change. */
  save(): Promise<void> {
    if (this.#next !== null) return this.#next;
    const running = this.#running;
    this.#next = (async () => {
      await running;
      // The next turn of the event loop: whatever arrived in this one shares a transaction.
      await new Promise((resolve) => setImmediate(resolve));
      this.#next = null;
      await this.#write();
    })();
    this.#running = this.#next.catch(() => undefined);
    return this.#next;
  }

  /** Notes that there is something to write, which nobody waits for. */
  saveSoon(): void {
    this.save().catch(() => undefined);
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #write(): Promise<void> {
    do {
      const rows = this.#take();
      try {
        await this.#store.save(this.#owner, this.#changesOf(rows));
      } catch (error) {
        this.#putBack(rows);
        throw error;
      }
    } while (this.#size() > BATCH_ROWS_MAX);
    if (this.#size() > 0 && this.#next === null) this.saveSoon();
  }

  #size(): number {
    return (
      this.#retained.size +
      this.#sessions.size +
      this.#wills.size +
      this.#subscriptions.size +
      this.#queued.size +
      this.#handshakes.size
    );
  }

  #take(): Rows {
    return {
      retained: this.#retained.take().map(([, topic]) => topic),
      // All of them: other rows refer to them.
      sessions: this.#sessions.take(Number.POSITIVE_INFINITY).map(([clientId]) => clientId),
      wills: this.#wills.take().map(([clientId]) => clientId),
      subscriptions: this.#subscriptions.take(),
      queued: this.#queued.take(),
      handshakes: this.#handshakes.take(),
    };
  }

  #putBack(rows: Rows): void {
    for (const topic of rows.retained) this.retained(topic);
    for (const clientId of rows.sessions) this.session(clientId);
    for (const clientId of rows.wills) this.will(clientId);
    for (const [clientId, filter] of rows.subscriptions) this.subscription(clientId, filter);
    for (const [clientId, position] of rows.queued) this.queued(clientId, position);
    for (const [clientId, messageId] of rows.handshakes) this.handshake(clientId, messageId);
  }

  #changesOf(rows: Rows): TreeChanges {
    const content = this.#content;
    return {
      retained: rows.retained.map((topic) => ({ topic, packet: content.retained(topic) })),
      sessions: rows.sessions.map((clientId) => ({
        clientId,
        session: content.keptSession(clientId),
      })),
      wills: rows.wills.map((clientId) => ({ clientId, will: content.will(clientId) })),
      subscriptions: rows.subscriptions.map(([clientId, filter]) => ({
        clientId,
        filter,
        subscription: content.subscription(clientId, filter),
      })),
      queued: rows.queued.map(([clientId, position]) => ({
        clientId,
        position,
        message: content.queued(clientId, position),
      })),
      handshakes: rows.handshakes.map(([clientId, messageId]) => ({
        clientId,
        messageId,
        isOpen: content.hasHandshake(clientId, messageId),
      })),
    };
  }
}
