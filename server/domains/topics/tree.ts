import { Readable } from 'node:stream';
import type { Clock } from '../../kernel/clock.ts';
import { ChangeWriter } from './changes.ts';
import { contentOf } from './content.ts';
import { DroppedMessages, waitingOn } from './dropped.ts';
import type { TreeEvents, TreeStore } from './ports.ts';
import type { QueueRoom } from './queue-limits.ts';
import { RetainedMessages } from './retained.ts';
import { expiryOf, newMessage, queuedIncoming, queuedPacket } from './rules.ts';
import type { Session } from './session.ts';
import { Sessions } from './sessions.ts';
import type {
  ClientOfTree,
  Kept,
  Packet,
  QueuedMessage,
  Subscription,
  SubscriptionOfClient,
  TreeOwner,
  Will,
} from './types.ts';
import { type VisitedTree, Visits } from './visits.ts';

interface TreeDependencies<Store> {
  readonly store: Store;
  readonly clock: Pick<Clock, 'nowMs' | 'after'>;
  readonly events?: TreeEvents;
  readonly room?: QueueRoom;
}

type Sink = (message: QueuedMessage) => void;

/**
 * What is kept of one network's topics, in memory and in the database: retained messages, lasting sessions, their queues,
 * wills. Its methods with the library's names are those of the library's storage (`aedes-persistence`), and pass its tests.
 * Each resolves when the change is in the database; acknowledgements of clients, which may be forgotten, are written soon.
 */
export class Tree {
  readonly owner: TreeOwner;
  readonly #clock: TreeDependencies<unknown>['clock'];
  readonly #retained: RetainedMessages;
  readonly #sessions: Sessions;
  readonly #changes: ChangeWriter;
  /** Its clients as they come and go. */
  readonly visits: Visits;
  /** Who is told of new messages, of those clients that are connected. */
  readonly #sinks = new Map<string, Sink>();
  #broker: { readonly id: string } = { id: '' };
  /** Called when the tree is of no more use. */
  ended: (() => void) | null = null;
  readonly #events: TreeEvents | undefined;
  readonly #dropped: DroppedMessages;
  /** Sends a publication of the server's to those who are connected; set by who serves them. */
  emit: ((packet: Packet) => void) | null = null;
  #position = 0;

  constructor(owner: TreeOwner, dependencies: TreeDependencies<Pick<TreeStore, 'save'>>) {
    this.owner = owner;
    this.#sessions = new Sessions(dependencies.room);
    this.#retained = new RetainedMessages(dependencies.room?.ofTenant);
    this.#clock = dependencies.clock;
    this.#events = dependencies.events;
    this.#dropped = new DroppedMessages(owner, dependencies.events);
    this.#changes = new ChangeWriter(owner, dependencies.store, contentOf(this.#retained, this.#sessions));
    this.visits = new Visits(this.#visited(), dependencies.clock);
  }

  /** A tree with all that is kept of it. */
  static async load(owner: TreeOwner, dependencies: TreeDependencies<TreeStore>): Promise<Tree> {
    const tree = new Tree(owner, dependencies);
    const stored = await dependencies.store.load(owner);
    for (const packet of stored.retained) tree.#retained.set(packet);
    tree.#position = tree.#sessions.load(stored, dependencies.clock.nowMs());
    return tree;
  }

  hasHandshake(clientId: string, messageId: number): boolean {
    return this.#sessions.find(clientId)?.handshakes.has(messageId) === true;
  }

  will(clientId: string): Will | undefined {
    return this.#sessions.find(clientId)?.will;
  }

  // Publications.

  /**
   * Keeps a publication before it is acknowledged: as the retained message of its topic, in the queues of lasting sessions,
   * and (QoS 2) the handshake of a lasting session, all or nothing. Then tells the sinks.
   */
  async keep(packet: Packet, publisher: { clientId: string; messageId: number } | null): Promise<Kept> {
    const messageExpiry = expiryOf(packet, this.#clock.nowMs());
    const kept = messageExpiry === undefined ? packet : { ...packet, messageExpiry };
    const isRetained = packet.retain && this.#retain(kept);
    const { queued, droppedFor } = this.#enqueue(kept);
    if (packet.qos === 2 && publisher !== null)
      this.#openHandshake(publisher.clientId, publisher.messageId, packet);
    if (isRetained || queued.length > 0 || (packet.qos === 2 && publisher !== null))
      await this.#changes.save();
    for (const [clientId, message] of queued) this.#sinks.get(clientId)?.(message);
    this.#dropped.withoutRoom(packet, { isRetained, droppedFor });
    return { isRetained, droppedFor };
  }

  /** Publishes what the server says itself. */
  async publish(message: Pick<Packet, 'topic' | 'payload' | 'qos' | 'retain' | 'isNotice'>): Promise<void> {
    const packet = { ...message, cmd: 'publish' };
    await this.keep(packet, null);
    this.emit?.(packet);
  }

  /** The retained messages of topics that match, of those that are not over. */
  *retainedMatching(filter: string): Generator<Packet> {
    const nowMs = this.#clock.nowMs();
    for (const packet of this.#retained.matching(filter)) {
      if ((packet.messageExpiry ?? Number.POSITIVE_INFINITY) > nowMs) yield packet;
    }
  }

  async storeRetained(packet: Packet): Promise<void> {
    if (this.#retain({ ...packet })) await this.#changes.save();
  }

  createRetainedStream(pattern: string): Readable {
    return Readable.from(this.retainedMatching(pattern));
  }

  createRetainedStreamCombi(patterns: readonly string[]): Readable {
    const found = new Set(patterns.flatMap((pattern) => [...this.retainedMatching(pattern)]));
    return Readable.from(found);
  }

  // Subscriptions of lasting sessions.

  /** False: the network has as many as it may. */
  hasRoomForSubscription(): boolean {
    return this.#sessions.hasRoomForSubscription;
  }

  async addSubscriptions(
    client: ClientOfTree,
    subscriptions: readonly Subscription[],
  ): Promise<ClientOfTree> {
    const session = this.#sessionOf(client.id);
    for (const subscription of subscriptions) {
      this.#sessions.subscribe(session, subscription);
      this.#changes.subscription(client.id, subscription.topic);
    }
    this.#changes.session(client.id);
    await this.#changes.save();
    return client;
  }

  async removeSubscriptions(client: ClientOfTree, topics: readonly string[]): Promise<ClientOfTree> {
    const session = this.#sessions.find(client.id);
    for (const topic of topics) {
      if (session === undefined || !this.#sessions.unsubscribe(session, topic)) continue;
      this.#changes.subscription(client.id, topic);
    }
    if (session !== undefined) {
      this.#settle(session);
      await this.#changes.save();
    }
    return client;
  }

  async subscriptionsByClient(client: ClientOfTree): Promise<Subscription[]> {
    return [...(this.#sessions.find(client.id)?.subscriptions.values() ?? [])];
  }

  async subscriptionsByTopic(topic: string): Promise<SubscriptionOfClient[]> {
    return this.#sessions.matching(topic);
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    return this.#sessions.counts;
  }

  getClientList(topic: string): Readable {
    return Readable.from(this.#sessions.clientsWith(topic));
  }

  /** Ends the session: subscriptions, queue and handshakes. */
  async cleanSubscriptions(client: ClientOfTree): Promise<void> {
    const session = this.#sessions.find(client.id);
    if (session === undefined) return;
    for (const topic of [...session.subscriptions.keys()]) {
      this.#sessions.unsubscribe(session, topic);
      this.#changes.subscription(client.id, topic);
    }
    for (const message of [...session.queue.values()]) this.#remove(session, message);
    for (const messageId of session.handshakes.keys()) this.#changes.handshake(client.id, messageId);
    session.handshakes.clear();
    session.expirySeconds = null;
    this.#settle(session);
    await this.#changes.save();
  }

  /** Ends every session that `isMeant` knows by its client's id, and takes its will. */
  async forget(isMeant: (clientId: string) => boolean): Promise<void> {
    for (const { clientId } of this.#sessions.all()) {
      if (!isMeant(clientId)) continue;
      await this.delWill({ id: clientId });
      await this.cleanSubscriptions({ id: clientId });
    }
  }

  // Queues of lasting sessions.

  /** `sink` is told of every message that comes from now on. What waits already, in order, to be sent anew. */
  attach(clientId: string, sink: Sink): QueuedMessage[] {
    this.#sinks.set(clientId, sink);
    return this.waitingFor(clientId);
  }

  waitingFor(clientId: string): QueuedMessage[] {
    return [...(this.#sessions.find(clientId)?.queue.values() ?? [])];
  }

  detach(clientId: string, sink: Sink): void {
    if (this.#sinks.get(clientId) === sink) this.#sinks.delete(clientId);
  }

  /**
   * The message is sent under this id. With QoS 2 the id is kept before, so that the client knows the message again; with
   * QoS 1 it is kept in memory.
   */
  async identify(clientId: string, message: QueuedMessage, messageId: number): Promise<void> {
    this.#sessions.find(clientId)?.identify(message, messageId);
    if (message.packet.qos < 2) return;
    this.#changes.queued(clientId, message.position);
    await this.#changes.save();
  }

  /** Takes a message out that will never be sent. */
  drop(clientId: string, message: QueuedMessage): void {
    const session = this.#sessions.find(clientId);
    if (session === undefined) return;
    this.#remove(session, message);
    this.#changes.saveSoon();
  }

  outgoingEnqueue(subscription: { clientId: string }, packet: Packet): Promise<void> {
    return this.outgoingEnqueueCombi([subscription], packet);
  }

  async outgoingEnqueueCombi(subscriptions: readonly { clientId: string }[], packet: Packet): Promise<void> {
    for (const { clientId } of subscriptions) {
      const message = newMessage(++this.#position, queuedPacket(packet, packet.qos, packet.retain));
      this.#sessions.add(this.#sessionOf(clientId), message);
      this.#changes.queued(clientId, message.position);
      this.#changes.session(clientId);
    }
    await this.#changes.save();
  }

  async outgoingUpdate(client: ClientOfTree, packet: Packet): Promise<void> {
    const session = this.#sessions.find(client.id);
    const { messageId = 0 } = packet;
    const found = session?.findByBroker(packet);
    const released = found ?? session?.findByMessageId(messageId);
    if (session === undefined || released === undefined) throw new Error('no such packet');
    if (found !== undefined) session.identify(found, messageId);
    else released.packet = packet;
    this.#changes.queued(client.id, released.position);
    await this.#changes.save();
  }

  async outgoingClearMessageId(
    client: ClientOfTree,
    { messageId }: Pick<Packet, 'messageId'>,
  ): Promise<Packet | undefined> {
    const session = this.#sessions.find(client.id);
    const message = messageId === undefined ? undefined : session?.findByMessageId(messageId);
    if (session === undefined || message === undefined) return undefined;
    this.#remove(session, message);
    this.#changes.saveSoon();
    return message.packet;
  }

  outgoingStream(client: ClientOfTree): Readable {
    return Readable.from(this.waitingFor(client.id).map(({ packet }) => packet));
  }

  // QoS 2 from clients.

  async incomingStorePacket(client: ClientOfTree, packet: Packet): Promise<void> {
    this.#openHandshake(client.id, packet.messageId ?? 0, packet);
    await this.#changes.save();
  }

  async incomingGetPacket(
    client: ClientOfTree,
    { messageId = 0 }: Pick<Packet, 'messageId'>,
  ): Promise<Packet> {
    const packet = this.#sessions.find(client.id)?.handshakes.get(messageId);
    if (packet === undefined) throw new Error('no such packet');
    return packet;
  }

  async incomingDelPacket(client: ClientOfTree, { messageId = 0 }: Pick<Packet, 'messageId'>): Promise<void> {
    const session = this.#sessions.find(client.id);
    if (session?.handshakes.delete(messageId) !== true) throw new Error('no such packet');
    this.#changes.handshake(client.id, messageId);
    this.#settle(session);
    // Before PUBCOMP: a client may use the id anew after it.
    await this.#changes.save();
  }

  // Wills.

  async putWill(client: ClientOfTree, will: Will): Promise<ClientOfTree> {
    will.brokerId = this.#broker.id;
    will.clientId = client.id;
    this.#sessionOf(client.id).will = will;
    this.#changes.will(client.id);
    await this.#changes.save();
    return client;
  }

  async getWill(client: ClientOfTree): Promise<Will | undefined> {
    return this.will(client.id);
  }

  async delWill(client: ClientOfTree): Promise<Will | undefined> {
    const session = this.#sessions.find(client.id);
    const will = session?.will;
    if (session === undefined || will === undefined) return undefined;
    session.will = undefined;
    this.#changes.will(client.id);
    this.#settle(session);
    await this.#changes.save();
    return will;
  }

  /** A will was published: whoever is to know beside the tree is told. */
  saidWill(will: Packet): void {
    this.#events?.willSaid(this.owner, will);
  }

  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    return Readable.from(this.wills().filter(({ brokerId = '' }) => !Object.hasOwn(brokers, brokerId)));
  }

  /** All wills that are kept. */
  wills(): Will[] {
    return this.#sessions.all().flatMap(({ will }) => will ?? []);
  }

  async setup(broker: { readonly id: string }): Promise<void> {
    this.#broker = broker;
  }

  /** The library's server; its tests look at it. */
  get broker(): { readonly id: string } {
    return this.#broker;
  }

  /** A client comes that belongs to the network since then: a session from before is not its. */
  async begin(clientId: string, joinedAtMs: number): Promise<void> {
    const session = this.#sessions.find(clientId);
    if (session === undefined || session.beganAtMs >= joinedAtMs) return;
    await this.cleanSubscriptions({ id: clientId });
    await this.delWill({ id: clientId });
  }

  /** Resolves when everything is written; the tree is of no more use. */
  async destroy(): Promise<void> {
    this.visits.stop();
    await this.#changes.drain();
    this.#sessions.leave();
    this.#retained.leave();
    this.ended?.();
  }

  #visited(): VisitedTree {
    return {
      hasRoomForSession: () => this.#sessions.hasRoomForSession,
      sessions: () => this.#sessions.all(),
      findSession: (clientId) => this.#sessions.find(clientId),
      takeSession: (clientId) => this.#sessionOf(clientId),
      changed: ({ clientId }) => this.#changes.session(clientId),
      willChanged: (session) => {
        this.#changes.will(session.clientId);
        this.#settle(session);
      },
      cleanSession: (clientId) => this.cleanSubscriptions({ id: clientId }),
      expireSession: (session) => {
        this.#dropped.sessionExpired(session);
        return this.cleanSubscriptions({ id: session.clientId });
      },
      publish: async (packet) => {
        const kept = this.keep(packet, null);
        await this.#changes.save();
        await kept;
        this.emit?.(packet);
      },
      saidWill: (will) => this.saidWill(will),
      save: () => this.#changes.save(),
    };
  }

  #sessionOf(clientId: string): Session {
    return this.#sessions.take(clientId, this.#clock.nowMs());
  }

  /** After something was taken from it: a session that has nothing more is none. */
  #settle(session: Session): void {
    if (session.isKept) return;
    this.#changes.session(session.clientId);
    // How long that of a client that is here lasts is known for what it may subscribe to yet.
    if (session.will === undefined && !session.isVisited) this.#sessions.remove(session.clientId);
  }

  /** False: there is no room for it. */
  #retain(packet: Packet): boolean {
    const isTaken = this.#retained.take(packet);
    if (isTaken) this.#changes.retained(packet.topic);
    return isTaken;
  }

  #enqueue(packet: Packet): { queued: [string, QueuedMessage][]; droppedFor: string[] } {
    const hasRoom = (session: Session): boolean =>
      this.#sessions.hasRoomFor(session) || (packet.isNotice === true && this.#replace(session, packet));
    const { queued, droppedFor } = this.#sessions.enqueue(packet, hasRoom, () => ++this.#position);
    for (const [clientId, { position }] of queued) this.#changes.queued(clientId, position);
    return { queued, droppedFor };
  }

  /** Takes out the notice on this topic that waits for a client that is away; true: there may be this one. */
  #replace(session: Session, { topic }: Packet): boolean {
    if (this.#sinks.has(session.clientId)) return false;
    for (const message of waitingOn(session, topic)) this.#remove(session, message);
    return true;
  }

  #remove(session: Session, message: QueuedMessage): void {
    this.#sessions.dequeue(session, message);
    this.#changes.queued(session.clientId, message.position);
    this.#settle(session);
  }

  #openHandshake(clientId: string, messageId: number, packet: Packet): void {
    this.#sessionOf(clientId).handshakes.set(messageId, queuedIncoming(packet, messageId));
    this.#changes.session(clientId);
    this.#changes.handshake(clientId, messageId);
  }
}
