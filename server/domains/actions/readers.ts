import { AppError } from '../../kernel/errors.ts';
import { Groups } from '../../kernel/groups.ts';
import { EVENTS_PAGE, READERS_MAX, READERS_PER_PRINCIPAL_MAX, READERS_PER_TENANT_MAX } from './limits.ts';
import type { ActionStore } from './ports.ts';
import type { ActingDevice, Action, ActionEvent, ActionKey } from './types.ts';

/** Who reads. */
export interface ReadingPrincipal {
  readonly id: string;
  readonly tenantId: string;
}

interface Reader {
  hasNews: boolean;
  isOver: boolean;
  wake: () => void;
}

const keyOf = ({ tenantId, id }: ActionKey) => `action:${tenantId}:${id}`;
const deviceKeyOf = ({ networkId, deviceId }: Pick<ActingDevice, 'networkId' | 'deviceId'>) =>
  `device:${networkId}:${deviceId}`;

/** Those who read the events of actions as they happen. What they haven't read is in the database, and never waits here. */
export class ActionReaders {
  readonly #store: Pick<ActionStore, 'events'>;
  readonly #readers = new Groups<string, Reader>();
  #count = 0;

  constructor(store: Pick<ActionStore, 'events'>) {
    this.#store = store;
  }

  /** Refuses with `limit_reached` where as many read already as may. */
  requireRoom({ id, tenantId }: ReadingPrincipal): void {
    const isFull =
      this.#readers.countOf(`principal:${id}`) >= READERS_PER_PRINCIPAL_MAX ||
      this.#readers.countOf(`tenant:${tenantId}`) >= READERS_PER_TENANT_MAX ||
      this.#count >= READERS_MAX;
    if (isFull) throw new AppError('conflict', 'limit_reached', 'As many read live as may at the same time.');
  }

  /**
   * The events of an action behind `after` (at most its last one), each as it happens, until its end, the signal's, or that of the
   * device's membership. Whoever has the end reads nothing.
   * Refuses as `requireRoom` does.
   */
  async *read(
    action: Action,
    principal: ReadingPrincipal,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<ActionEvent> {
    let last = Math.min(after, action.lastEvent);
    if (action.endedAtMs !== null && last === action.lastEvent) return;
    this.requireRoom(principal);
    const reader: Reader = { hasNews: false, isOver: signal.aborted, wake: () => undefined };
    const end = () => {
      reader.isOver = true;
      reader.wake();
    };
    const leave = this.#join(reader, [
      keyOf(action),
      deviceKeyOf(action),
      `principal:${principal.id}`,
      `tenant:${principal.tenantId}`,
    ]);
    signal.addEventListener('abort', end, { once: true });
    try {
      while (!reader.isOver) {
        // Before it is read: what happens meanwhile is looked at again.
        reader.hasNews = false;
        const page = await this.#store.events(action, last, EVENTS_PAGE);
        for (const event of page) {
          if (reader.isOver) return;
          last = event.number;
          yield event;
          if (event.kind === 'end') return;
        }
        if (page.length === 0) await newsOf(reader);
      }
    } finally {
      signal.removeEventListener('abort', end);
      leave();
    }
  }

  /** Something happened to the action, and is kept. */
  happened(key: ActionKey): void {
    for (const reader of this.#readers.of(keyOf(key))) {
      reader.hasNews = true;
      reader.wake();
    }
  }

  /** A device left a network: its actions there are gone. */
  left(device: Pick<ActingDevice, 'networkId' | 'deviceId'>): void {
    this.#end([...this.#readers.of(deviceKeyOf(device))]);
  }

  /** Nobody reads any more. */
  close(): void {
    this.#end([...this.#readers.all()]);
  }

  #end(readers: readonly Reader[]): void {
    for (const reader of readers) {
      reader.isOver = true;
      reader.wake();
    }
  }

  #join(reader: Reader, keys: readonly string[]): () => void {
    for (const key of keys) this.#readers.add(key, reader);
    this.#count++;
    return () => {
      for (const key of keys) this.#readers.remove(key, reader);
      this.#count--;
    };
  }
}

async function newsOf(reader: Reader): Promise<void> {
  if (reader.hasNews || reader.isOver) return;
  await new Promise<void>((resolve) => {
    reader.wake = resolve;
  });
}
