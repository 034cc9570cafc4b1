import { Readable } from 'node:stream';
import { INCOMING_QOS2_MAX } from './limits.ts';

/** A packet as far as its identifier matters. */
interface Identified {
  readonly messageId?: number;
}

/** The client of a broker's packet, as the key of what is remembered about it. */
type ClientKey = object;

const nothing = async (): Promise<void> => undefined;

/** Open QoS 2 handshakes of one connection, no more than it may have. */
export class Handshakes {
  readonly #open = new WeakMap<ClientKey, Set<number>>();

  has(client: ClientKey, messageId: number): boolean {
    return this.#open.get(client)?.has(messageId) === true;
  }

  /** Refuses one too many: the connection ends. */
  add(client: ClientKey, messageId: number): void {
    const open = this.#open.get(client) ?? new Set<number>();
    this.#open.set(client, open.add(messageId));
    if (open.size > INCOMING_QOS2_MAX) throw new Error('too many open QoS 2 handshakes');
  }

  delete(client: ClientKey, messageId: number): void {
    this.#open.get(client)?.delete(messageId);
  }
}

/**
 * The storage of a broker without a tree, which keeps nothing but the ids of open QoS 2 handshakes, and those no longer than the
 * connection: sessions, retained messages and wills don't exist here (the relay's stream is what survives).
 * An acknowledged packet is handed back as it came, so that the broker's `ack` event carries its id.
 */
export function createBrokerStorage() {
  const handshakes = new Handshakes();
  const find = async (client: ClientKey, packet: Identified): Promise<Identified> => {
    if (!handshakes.has(client, packet.messageId ?? 0)) throw new Error('no such packet');
    return packet;
  };
  return {
    setup: async (_broker: unknown): Promise<void> => undefined,
    storeRetained: nothing,
    createRetainedStreamCombi: () => Readable.from([]),
    addSubscriptions: nothing,
    removeSubscriptions: nothing,
    cleanSubscriptions: nothing,
    subscriptionsByClient: async () => [],
    subscriptionsByTopic: async () => [],
    outgoingEnqueue: nothing,
    outgoingEnqueueCombi: nothing,
    outgoingUpdate: nothing,
    outgoingClearMessageId: async (_client: ClientKey, packet: Identified) => packet,
    outgoingStream: () => Readable.from([]),
    incomingStorePacket: async (client: ClientKey, packet: Identified) => {
      handshakes.add(client, packet.messageId ?? 0);
    },
    incomingGetPacket: find,
    incomingDelPacket: async (client: ClientKey, packet: Identified) => {
      handshakes.delete(client, packet.messageId ?? 0);
    },
    putWill: nothing,
    delWill: nothing,
    streamWill: () => Readable.from([]),
    /** True while a QoS 2 publication with this id waits for the client's PUBREL. */
    hasHandshake: (client: ClientKey, messageId: number): boolean => handshakes.has(client, messageId),
  };
}

/**
 * The broker's inner routing, which leads nowhere: what one client publishes can't reach another through it, whatever
 * filter it subscribed to, and `$SYS` has no readers.
 */
export function createDeadEndRouting() {
  type Done = (() => void) | undefined;
  const answer = (done: Done) => done?.();
  return {
    on: (_topic: string, _deliver: unknown, done: Done) => answer(done),
    removeListener: (_topic: string, _deliver: unknown, done: Done) => answer(done),
    emit: (_packet: unknown, done: Done) => answer(done),
    close: (done: Done) => answer(done),
  };
}
