import { TopicTrie } from '../../kernel/topic-trie.ts';
import { NETWORK_SESSIONS_MAX, NETWORK_SUBSCRIPTIONS_MAX } from './limits.ts';
import type { StoredTree } from './ports.ts';
import { eachItself, QUEUE_LIMITS, type QueueRoom } from './queue-limits.ts';
import { addMatch, type Delivery, deliveredPacket, newMessage } from './rules.ts';
import { Session } from './session.ts';
import type { Packet, QueuedMessage, Subscription, SubscriptionOfClient } from './types.ts';

/** The sessions of one tree, and which of their subscriptions match a topic. */
export class Sessions {
  readonly #byClient = new Map<string, Session>();
  /** The subscriptions of QoS 1 and 2. */
  readonly #filters = new TopicTrie<SubscriptionOfClient>();
  readonly #room: QueueRoom;
  /** What waits for each device, in bytes; a device for which nothing waits is not in it. */
  readonly #ofDevices = new Map<string, number>();
  #queuedBytes = 0;

  constructor(
    room: QueueRoom = {
      limits: QUEUE_LIMITS,
      ofTenant: { bytes: 0, retainedBytes: 0 },
      deviceOf: eachItself,
    },
  ) {
    this.#room = room;
  }

  /** Takes over what is kept. Returns the last position of a message. */
  load(stored: StoredTree, nowMs: number): number {
    let last = 0;
    for (const { clientId, session } of stored.sessions) {
      const { expirySeconds, leftAtMs } = session;
      Object.assign(this.take(clientId, session.beganAtMs), { expirySeconds, leftAtMs });
    }
    for (const { clientId, will } of stored.wills) this.take(clientId, nowMs).will = will;
    for (const { clientId, subscription } of stored.subscriptions) {
      this.subscribe(this.take(clientId, nowMs), subscription);
    }
    for (const { clientId, position, packet } of stored.queued) {
      last = Math.max(last, position);
      this.add(this.take(clientId, nowMs), newMessage(position, packet));
    }
    for (const { clientId, messageId } of stored.handshakes) {
      this.take(clientId, nowMs).handshakes.set(messageId, { messageId } as Packet);
    }
    return last;
  }

  find(clientId: string): Session | undefined {
    return this.#byClient.get(clientId);
  }

  /** The client's session; a new one that begins now where there is none. */
  take(clientId: string, nowMs: number): Session {
    const session =
      this.#byClient.get(clientId) ?? new Session(clientId, nowMs, this.#room.deviceOf(clientId));
    this.#byClient.set(clientId, session);
    return session;
  }

  /** Takes an empty session out. */
  remove(clientId: string): void {
    this.#byClient.delete(clientId);
  }

  all(): Session[] {
    return [...this.#byClient.values()];
  }

  /** True: one more client may have one. */
  get hasRoomForSession(): boolean {
    return this.#byClient.size < NETWORK_SESSIONS_MAX;
  }

  /** How many subscriptions of QoS 1 and 2 there are, and clients with any subscription. */
  get counts(): { readonly subsCount: number; readonly clientsCount: number } {
    const clientsCount = this.all().filter(({ subscriptions }) => subscriptions.size > 0).length;
    return { subsCount: this.#filters.size, clientsCount };
  }

  /** The clients that have this filter. */
  clientsWith(topic: string): string[] {
    const sessions = this.all().filter(({ subscriptions }) => subscriptions.has(topic));
    return sessions.map(({ clientId }) => clientId);
  }

  get hasRoomForSubscription(): boolean {
    return this.#filters.size < NETWORK_SUBSCRIPTIONS_MAX;
  }

  /** True: one more message may wait for the session. */
  hasRoomFor(session: Session): boolean {
    const { limits, ofTenant } = this.#room;
    return (
      session.queue.size < limits.sessionMessagesMax &&
      session.queuedBytes < limits.sessionBytesMax &&
      (this.#ofDevices.get(session.device) ?? 0) < limits.deviceBytesMax &&
      this.#queuedBytes < limits.networkBytesMax &&
      ofTenant.bytes < limits.tenantBytesMax
    );
  }

  subscribe(session: Session, subscription: Subscription): void {
    const { topic, qos, rh, rap, nl, subscriptionIdentifier: identifier } = subscription;
    const known = identifier === undefined ? {} : { subscriptionIdentifier: identifier };
    const kept = { topic, qos, rh, rap, nl, ...known };
    session.subscriptions.set(topic, kept);
    if (qos > 0) this.#filters.set(topic, session.clientId, { clientId: session.clientId, ...kept });
    else this.#filters.delete(topic, session.clientId);
  }

  /** False: there was no such subscription. */
  unsubscribe(session: Session, topic: string): boolean {
    this.#filters.delete(topic, session.clientId);
    return session.subscriptions.delete(topic);
  }

  add(session: Session, message: QueuedMessage): void {
    session.add(message);
    this.#count(message.bytes);
    this.#countOf(session, message.bytes);
  }

  dequeue(session: Session, message: QueuedMessage): void {
    session.remove(message);
    this.#count(-message.bytes);
    this.#countOf(session, -message.bytes);
  }

  #countOf({ device }: Session, bytes: number): void {
    const waiting = (this.#ofDevices.get(device) ?? 0) + bytes;
    if (waiting === 0) this.#ofDevices.delete(device);
    else this.#ofDevices.set(device, waiting);
  }

  #count(bytes: number): void {
    this.#queuedBytes += bytes;
    this.#room.ofTenant.bytes += bytes;
  }

  /** The tree is of no more use: what waits in it counts no more for its tenant. */
  leave(): void {
    this.#count(-this.#queuedBytes);
  }

  /** Puts a publication of QoS 1 or 2 into the queues of those it is for, as far as they have room. */
  enqueue(
    packet: Packet,
    hasRoom: (session: Session) => boolean,
    nextPosition: () => number,
  ): { queued: [clientId: string, QueuedMessage][]; droppedFor: string[] } {
    const queued: [string, QueuedMessage][] = [];
    const droppedFor: string[] = [];
    if (packet.qos === 0) return { queued, droppedFor };
    for (const [clientId, delivery] of this.deliveriesOf(packet)) {
      const session = this.#byClient.get(clientId);
      if (session === undefined || !hasRoom(session)) {
        droppedFor.push(clientId);
        continue;
      }
      const message = newMessage(nextPosition(), deliveredPacket(packet, delivery));
      this.add(session, message);
      queued.push([clientId, message]);
    }
    return { queued, droppedFor };
  }

  matching(topic: string): SubscriptionOfClient[] {
    return this.#filters.matchTopic(topic);
  }

  /** What each client gets of a publication. */
  deliveriesOf(packet: Packet): Map<string, Delivery> {
    const deliveries = new Map<string, Delivery>();
    for (const subscription of this.matching(packet.topic)) {
      const { clientId, nl } = subscription;
      if (nl === true && packet.clientId === clientId) continue;
      deliveries.set(clientId, addMatch(deliveries.get(clientId), subscription));
    }
    return deliveries;
  }
}
