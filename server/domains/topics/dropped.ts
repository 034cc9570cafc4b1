import type { TreeEvents } from './ports.ts';
import type { Session } from './session.ts';
import type { DroppedMessage, Packet, QueuedMessage, TreeOwner } from './types.ts';

/** Tells of messages that their clients don't get. */
export class DroppedMessages {
  readonly #owner: TreeOwner;
  readonly #events: Pick<TreeEvents, 'dropped'> | undefined;

  constructor(owner: TreeOwner, events: Pick<TreeEvents, 'dropped'> | undefined) {
    this.#owner = owner;
    this.#events = events;
  }

  /** The queues of these clients have no room for it. */
  queuesFull(clientIds: readonly string[], packet: Packet): void {
    for (const clientId of clientIds) this.#tell('queue_full', clientId, packet);
  }

  /** The time of a session is over: what waits for its client is dropped. */
  sessionExpired({ clientId, queue }: Session): void {
    for (const { packet } of queue.values()) {
      if (packet.cmd !== 'pubrel') this.#tell('session_expired', clientId, packet);
    }
  }

  #tell(cause: DroppedMessage['cause'], clientId: string, { topic, clientId: publisherId }: Packet): void {
    this.#events?.dropped(this.#owner, { cause, clientId, publisherId: publisherId ?? null, topic });
  }
}

/** What waits for a session on this topic. */
export function waitingOn({ queue }: Session, topic: string): QueuedMessage[] {
  return [...queue.values()].filter(({ packet }) => packet.topic === topic);
}
