import { Readable } from 'node:stream';
import { Aedes, type Client, type PublishPacket } from 'aedes';
import { Handshakes } from './broker-parts.ts';
import type { BrokerConnection } from './connection.ts';
import { LIBRARY_HEARTBEAT_MS } from './limits.ts';
import { type ClientSubscription, LiveSubscriptions, withIdentifiers } from './live-subscriptions.ts';
import type { MqttTree, TreePacket } from './tree-types.ts';

/** The hooks and limits that all brokers of one server share. */
export type SharedOptions = ConstructorParameters<typeof Aedes>[0];

/** Where the connection of a client of the library is looked up. */
export type ConnectionOf = (client: Client) => BrokerConnection | null;

/** A client of MQTT 5, as long as it is connected. */
export interface Visitor {
  /** Its session is taken over. Resolves when it is gone. */
  replace(): Promise<void>;
}

/** Packets of no tree: the endpoint has taken them. */
export const NOWHERE = '';

/**
 * The library's broker for one tree. It speaks the protocol: CONNECT, SUBSCRIBE, the handshakes of publications, wills. Who gets a
 * publication, when and in which order is decided here, and what is kept by the tree: the library would acknowledge before it
 * stores, deliver with the level of service of the publication and past the client's window, and wait for frozen clients.
 */
export class TreeBroker {
  readonly tree: MqttTree;
  readonly live = new LiveSubscriptions();
  readonly #aedes: Promise<Aedes>;
  readonly #storage: ReturnType<typeof storageOf>;
  /** Clients of MQTT 5, which the library doesn't know, by their ids. */
  readonly #visitors = new Map<string, Visitor>();
  #subscriber: { client: Client; granted: readonly ClientSubscription[] } | null = null;

  constructor(
    tree: MqttTree,
    options: SharedOptions,
    connectionOf: ConnectionOf,
    listen: (aedes: Aedes) => void,
  ) {
    this.tree = tree;
    this.#storage = storageOf(tree, (filters) => this.#sendRetained(filters, connectionOf));
    this.#aedes = Aedes.createBroker({
      ...options,
      heartbeatInterval: LIBRARY_HEARTBEAT_MS,
      persistence: this.#storage,
      mq: routingTo((packet) => this.live.emit(packet)),
    } as SharedOptions).then((aedes) => {
      listen(aedes);
      return aedes;
    });
  }

  /** The library's broker, once it is made. */
  ready(): Promise<Aedes> {
    return this.#aedes;
  }

  /** A client of MQTT 5 is the one with this id from now on; whoever was it before is gone when this resolves [MQTT-3.1.4-3]. */
  async enter(clientId: string, visitor: Visitor): Promise<void> {
    const before = this.#visitors.get(clientId);
    this.#visitors.set(clientId, visitor);
    await before?.replace();
    const known = (await this.#aedes) as unknown as { clients: Readonly<Record<string, Client>> };
    const client = known.clients[clientId];
    if (client !== undefined) await new Promise<void>((resolve) => client.close(() => resolve()));
  }

  /** The client of MQTT 5 is gone. */
  left(clientId: string, visitor: Visitor): void {
    if (this.#visitors.get(clientId) === visitor) this.#visitors.delete(clientId);
  }

  /** Ends the connection of a client of MQTT 5 with this id: the library has another one. */
  async takeOver(clientId: string): Promise<void> {
    await this.#visitors.get(clientId)?.replace();
  }

  /** Retained messages are asked for next, in this turn, for this client. */
  subscribing(client: Client, granted: readonly ClientSubscription[]): void {
    this.#subscriber = { client, granted };
  }

  /** True: the client sends a publication of QoS 2 again that was taken already. */
  isRepeated(client: Client, messageId: number): boolean {
    return this.#storage.isOpen(client, messageId);
  }

  /** The publication is taken: the library is to tell others of it, though its handshake is kept already. */
  taken(packet: PublishPacket): void {
    this.#storage.taken(packet);
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    const aedes = await this.#aedes;
    await new Promise<void>((resolve) => aedes.close(resolve));
  }

  #sendRetained(filters: readonly string[], connectionOf: ConnectionOf): void {
    const subscriber = this.#subscriber;
    this.#subscriber = null;
    const connection = subscriber === null ? null : connectionOf(subscriber.client);
    if (subscriber === null || connection === null) return;
    for (const filter of filters) {
      const qos = subscriber.granted.find(({ topic }) => topic === filter)?.qos ?? 0;
      void sendRetained(connection, this.tree, { topic: filter, qos });
    }
  }
}

/** A client that reads slowly makes retained messages wait in the tree, where they take no more memory. */
export async function sendRetained(
  connection: BrokerConnection,
  tree: MqttTree,
  {
    topic,
    qos,
    subscriptionIdentifier,
  }: Pick<ClientSubscription, 'topic' | 'qos' | 'subscriptionIdentifier'>,
): Promise<void> {
  for (const packet of tree.retainedMatching(topic)) {
    await connection.room();
    if (connection.closed) return;
    const marked = withIdentifiers(packet, subscriptionIdentifier);
    connection.sendTree(marked, Math.min(qos, packet.qos) as 0 | 1 | 2, true);
  }
}

type Key = { readonly id: string; readonly clean?: boolean };

/** The tree as the library's storage: it asks, and what it would do too early or too late is left out. */
function storageOf(tree: MqttTree, sendRetained: (filters: readonly string[]) => void) {
  const handshakes = new Handshakes();
  const fresh = new WeakSet<object>();
  const isOpen = (client: Key, messageId: number): boolean =>
    client.clean === false ? tree.hasHandshake(client.id, messageId) : handshakes.has(client, messageId);
  const nothing = async (): Promise<void> => undefined;
  const own = {
    isOpen,
    taken: (packet: object) => void fresh.add(packet),
    // Kept before the publication was acknowledged.
    storeRetained: nothing,
    outgoingEnqueue: nothing,
    outgoingEnqueueCombi: nothing,
    subscriptionsByTopic: async () => [],
    createRetainedStreamCombi: (filters: readonly string[]) => {
      sendRetained(filters);
      return Readable.from([]);
    },
    // Emptied by the connection, within the client's window.
    outgoingStream: () => Readable.from([]),
    // Wills of an earlier run are published when the tree is opened.
    streamWill: () => Readable.from([]),
    async outgoingUpdate(client: Key, packet: TreePacket): Promise<void> {
      await tree.outgoingUpdate(client, packet).catch(() => undefined);
    },
    async outgoingClearMessageId(client: Key, packet: TreePacket) {
      await tree.outgoingClearMessageId(client, packet);
      return packet;
    },
    async incomingGetPacket(client: Key, packet: TreePacket): Promise<TreePacket> {
      if (fresh.has(packet) || !isOpen(client, packet.messageId ?? 0)) throw new Error('no such packet');
      return packet;
    },
    async incomingStorePacket(client: Key, packet: TreePacket): Promise<void> {
      handshakes.add(client, packet.messageId ?? 0);
      if (client.clean === false && !isOpen(client, packet.messageId ?? 0))
        await tree.incomingStorePacket(client, packet);
    },
    async incomingDelPacket(client: Key, packet: TreePacket): Promise<void> {
      handshakes.delete(client, packet.messageId ?? 0);
      if (client.clean === false) await tree.incomingDelPacket(client, packet);
    },
  };
  return new Proxy(tree, {
    get: (target, name) => {
      if (Object.hasOwn(own, name)) return Reflect.get(own, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  }) as unknown as MqttTree & typeof own;
}

/** The library's inner routing, in one direction: what it has published goes to subscribers. */
function routingTo(emit: (packet: TreePacket) => void) {
  type Done = (() => void) | undefined;
  const answer = (_topic: string, _deliver: unknown, done: Done) => done?.();
  return {
    on: answer,
    removeListener: answer,
    emit: (packet: TreePacket, done: Done) => {
      // `$SYS` is the library talking to itself.
      if (packet.topic !== NOWHERE && !packet.topic.startsWith('$')) emit(packet);
      done?.();
    },
    close: (done: Done) => done?.(),
  };
}
