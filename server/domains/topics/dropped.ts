import type { TreeEvents } from './ports.ts';
import type { Session } from './session.ts';
import type { DroppedMessage, Kept, Packet, QueuedMessage, TreeOwner } from './types.ts';

/** Tells of messages that their clients don't get. */
export class DroppedMessages {
  readonly #owner: TreeOwner;
  readonly #events: Pick<TreeEvents, 'dropped'> | undefined;

  constructor(owner: TreeOwner, events: Pick<TreeEvents, 'dropped'> | undefined) {
    this.#owner = owner;
    this.#events = events;
  }

  /** Tells of a publication for which queues have no room, or who subscribes later. */
  withoutRoom(packet: Packet, { isRetained, droppedFor }: Kept): void {
    for (const clientId of droppedFor) this.#tell('queue_full', clientId, packet);
    if (packet.retain && !isRetained) this.#tell('retained_full', null, packet);
  }

  /** The time of a session is over: what waits for its client is dropped. */
  sessionExpired({ clientId, queue }: Session): void {
    for (const { packet } of queue.values()) {
      if (packet.cmd !== 'pubrel') this.#tell('session_expired', clientId, packet);
    }
  }

  #tell(
    cause: DroppedMessage['cause'],
    clientId: string | null,
    { topic, clientId: publisherId }: Packet,
  ): void {
    this.#events?.dropped(this.#owner, { cause, clientId, publisherId: publisherId ?? null, topic });
  }
}

/** What waits for a session on this topic. */
export function waitingOn({ queue }: Session, topic: string): QueuedMessage[] {
  return [...queue.values()].filter(({ packet }) => packet.topic === topic);
}
