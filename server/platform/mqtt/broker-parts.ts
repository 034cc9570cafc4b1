import { Readable } from 'node:stream';

/** A packet as far as its identifier matters. */
interface Identified {
  readonly messageId?: number;
}

/** The client of a broker's packet, as the key of what is remembered about it. */
type ClientKey = object;

const nothing = async (): Promise<void> => undefined;

/**
 * The broker's storage, which keeps nothing but the ids of open QoS 2 handshakes, and those no longer than the
 * connection: sessions, retained messages and wills don't exist here (the relay's stream is what survives).
 * An acknowledged packet is handed back as it came, so that the broker's `ack` event carries its id.
 */
export function createBrokerStorage() {
  const handshakes = new WeakMap<ClientKey, Set<number>>();
  const open = (client: ClientKey): Set<number> => {
    const known = handshakes.get(client) ?? new Set<number>();
    handshakes.set(client, known);
    return known;
  };
  const find = async (client: ClientKey, packet: Identified): Promise<Identified> => {
    if (!open(client).has(packet.messageId ?? 0)) throw new Error('no such packet');
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
      open(client).add(packet.messageId ?? 0);
    },
    incomingGetPacket: find,
    incomingDelPacket: async (client: ClientKey, packet: Identified) => {
      open(client).delete(packet.messageId ?? 0);
    },
    cleanIncoming: async (client: ClientKey) => {
      handshakes.delete(client);
    },
    putWill: nothing,
    delWill: nothing,
    streamWill: () => Readable.from([]),
    /** True while a QoS 2 publication with this id waits for the client's PUBREL. */
    hasHandshake: (client: ClientKey, messageId: number): boolean =>
      handshakes.get(client)?.has(messageId) ?? false,
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
