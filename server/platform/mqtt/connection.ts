import { WAITING_BYTES_MAX, WAITING_MESSAGES_MAX } from './limits.ts';
import { REASON } from './mqtt5/reason-codes.ts';
import type { PacketGate } from './packet-gate.ts';
import type { MqttReason } from './reason.ts';
import type { MqttTree, TreeMessage, TreePacket } from './tree-types.ts';
import type { MqttConnection } from './types.ts';
import type { Outgoing, SharedBytes, Wire } from './wire.ts';

export interface ConnectionLimits {
  readonly outgoingBytesMax: number;
  readonly unacknowledgedMessagesMax: number;
  readonly drainTimeoutMs: number;
}

export interface ConnectionEvents {
  /** The client confirmed, or was sent with QoS 0, what carried this token. */
  acknowledged(token: number): void;
  /** More is waiting than may, or for too long; the connection is closed. */
  tooSlow(waitingBytes: number): void;
  /** So many messages are waiting for the client already that this one is not kept for it. */
  dropped(topic: string): void;
}

/** Packet identifiers are 1 to 65,535 [MQTT-2.3.1-1]. */
const MESSAGE_ID_MAX = 65_535;
/** Messages that may wait before retained ones, which are kept elsewhere, wait their turn. */
const WAITING_BEFORE_RETAINED = 100;

const NOTHING_TO_DO = () => undefined;

/** A lasting session's queue, as its client's connection empties it. */
interface LastingQueue {
  readonly tree: MqttTree;
  /** The client as the tree knows it. */
  readonly clientId: string;
}

/** One client of the broker, from the proof of who it is to the end of its connection. */
export class BrokerConnection implements MqttConnection {
  readonly clientId: string;
  readonly remoteAddress: string;
  readonly #gate: PacketGate;
  readonly #wire: Wire;
  readonly #limits: ConnectionLimits;
  readonly #events: ConnectionEvents;
  /** Granted QoS by topic. */
  readonly #subscriptions = new Map<string, number>();
  /** Tokens by packet identifier, for messages not yet acknowledged; null for messages of the tree. */
  readonly #unacknowledged = new Map<number, number | null>();
  /** Identifiers that messages had on an earlier connection, until they are sent again; null: there were none. */
  #reserved: Set<number> | null = null;
  /** Messages that are not sent yet, from `#head` on; nothing is kept of those before. */
  #waiting: (TreeMessage | undefined)[] = [];
  #head = 0;
  /** Bytes of those of them that are in memory only. */
  #waitingBytes = 0;
  #lasting: LastingQueue | null = null;
  #lastMessageId = 0;
  /** Who waits for room. */
  #roomWaiters: (() => void)[] = [];
  /** Runs while messages wait to be written; every message that goes out begins it anew. */
  #drainTimer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(
    gate: PacketGate,
    shown: { readonly clientId: string; readonly remoteAddress: string },
    wire: Wire,
    limits: ConnectionLimits,
    events: ConnectionEvents,
  ) {
    this.#gate = gate;
    this.clientId = shown.clientId;
    this.remoteAddress = shown.remoteAddress;
    this.#wire = wire;
    this.#limits = limits;
    this.#events = events;
    gate.on('drain', () => this.#tellWaiters());
  }

  /** How many messages of QoS 1 and 2 may be on their way to the client. */
  get #window(): number {
    return Math.min(this.#limits.unacknowledgedMessagesMax, this.#wire.receiveMax);
  }

  get heardAtMs(): number {
    return this.#gate.heardAtMs;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** True: messages of QoS 1 and 2 come from a queue that outlasts the connection. */
  get isLasting(): boolean {
    return this.#lasting !== null;
  }

  deliver(topic: string, payload: Uint8Array, token?: number): boolean {
    const grantedQos = this.#subscriptions.get(topic);
    return grantedQos !== undefined && this.#deliver(topic, payload, grantedQos, token);
  }

  deliverMatching(topic: string, payload: Uint8Array, qos: 0 | 1 | 2, token?: number): boolean {
    return this.#deliver(topic, payload, qos, token);
  }

  #deliver(topic: string, payload: Uint8Array, grantedQos: number, token: number | undefined): boolean {
    if (this.#closed || !this.#mayWrite()) return false;
    if (token === undefined || grantedQos === 0) {
      const bytes = this.#wire.publish({ topic, payload }, null, {});
      const sent = () => {
        if (token !== undefined) this.#events.acknowledged(token);
      };
      // What the client takes in no case counts as sent.
      if (bytes === null) setImmediate(sent);
      else this.#write(bytes, sent);
      return true;
    }
    if (this.#head === this.#waiting.length && this.#unacknowledged.size < this.#window) {
      this.#sendDelivery({ topic, payload }, token);
      return true;
    }
    // Its bytes are bounded by who asks for acknowledgements, for each network.
    if (this.#waitingMessages >= WAITING_MESSAGES_MAX) return false;
    this.#waitingBytes += payload.length;
    const packet = { topic, payload, qos: 1, retain: false } as const;
    this.#queue({ packet, isRepetition: false, isVolatile: true, token });
    return true;
  }

  /** Sends an answer to what the client sent. */
  answer(packet: Buffer): void {
    if (!this.#closed && this.#mayWrite()) this.#write(packet, NOTHING_TO_DO);
  }

  /** Sends a message of the tree with QoS 0 and without RETAIN. */
  send(packet: TreePacket, shared: SharedBytes): void {
    if (this.#closed || !this.#mayWrite()) return;
    const bytes = this.#wire.publishShared(packet, shared);
    if (bytes !== null) this.#write(bytes, NOTHING_TO_DO);
  }

  /** Sends a message of the tree with this level of service. */
  sendTree(packet: TreePacket, qos: 0 | 1 | 2, retain: boolean): void {
    if (qos > 0) {
      this.offer({ ...packet, qos, retain, messageId: undefined });
      return;
    }
    if (this.#closed || !this.#mayWrite()) return;
    const bytes = this.#wire.publish(packet, null, { retain });
    if (bytes !== null) this.#write(bytes, NOTHING_TO_DO);
  }

  /** Sends a message of the tree with QoS 1 or 2 as soon as the client may have another one. */
  offer(packet: TreePacket): void {
    if (this.#closed) return;
    if (this.#isQueueFull()) {
      this.#events.dropped(packet.topic);
      return;
    }
    this.#waitingBytes += packet.payload.length;
    this.#queue({ packet, isRepetition: false, isVolatile: true });
  }

  /** Empties a lasting session's queue from now on. */
  attach(tree: MqttTree, clientId: string): void {
    this.#lasting = { tree, clientId };
    const messages = tree.attach(clientId, this.#sink);
    for (const { packet } of messages)
      if (packet.messageId !== undefined) {
        this.#reserved ??= new Set();
        this.#reserved.add(packet.messageId);
      }
    this.#waiting.push(...messages);
    this.#pump();
  }

  /** Resolves when there is room for more, or the connection is over. */
  async room(): Promise<void> {
    while (
      !this.#closed &&
      (this.#gate.writableNeedDrain || this.#waiting.length - this.#head > WAITING_BEFORE_RETAINED)
    ) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    }
  }

  close(end?: MqttReason): void {
    this.#gate.cut(end);
  }

  /** The connection is over. */
  markClosed(): void {
    this.#closed = true;
    this.#stopDrainTimer();
    this.#waiting = [];
    if (this.#lasting !== null) this.#lasting.tree.detach(this.#lasting.clientId, this.#sink);
    this.#tellWaiters();
  }

  subscribed(topic: string, qos: number): void {
    this.#subscriptions.set(topic, qos);
  }

  /** False: there was no such subscription. */
  unsubscribed(topic: string): boolean {
    return this.#subscriptions.delete(topic);
  }

  /** True: the client has not acknowledged a message with this identifier. */
  awaits(messageId: number): boolean {
    return this.#unacknowledged.has(messageId);
  }

  /** A PUBACK or PUBCOMP came. One that answers nothing we sent is of no consequence. */
  confirmed(messageId: number): void {
    const token = this.#unacknowledged.get(messageId);
    if (token === undefined) return;
    this.#unacknowledged.delete(messageId);
    if (token !== null) this.#events.acknowledged(token);
    this.#pump();
    this.#tellWaiters();
  }

  /** A PUBACK came. False: it is for no message of the endpoint that waits for it. */
  confirmedToken(messageId: number): boolean {
    if (typeof this.#unacknowledged.get(messageId) !== 'number') return false;
    this.confirmed(messageId);
    return true;
  }

  readonly #sink = (message: TreeMessage): void => this.#queue(message);

  #isQueueFull(): boolean {
    return this.#waitingMessages >= WAITING_MESSAGES_MAX || this.#waitingBytes >= WAITING_BYTES_MAX;
  }

  get #waitingMessages(): number {
    return this.#waiting.length - this.#head;
  }

  #queue(message: TreeMessage): void {
    this.#waiting.push(message);
    this.#pump();
  }

  /** Sends what waits, within what the client may have unacknowledged. */
  #pump(): void {
    while (!this.#closed && this.#head < this.#waiting.length) {
      if (this.#unacknowledged.size >= this.#window) return;
      const message = this.#waiting[this.#head] as TreeMessage;
      this.#waiting[this.#head++] = undefined;
      if (this.#head > 1_000 && this.#head * 2 > this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#head);
        this.#head = 0;
      }
      if (message.isVolatile) this.#waitingBytes -= message.packet.payload.length;
      if (message.token === undefined) this.#sendMessage(message);
      else if (this.#mayWrite()) this.#sendDelivery(message.packet, message.token);
    }
  }

  /** Sends a message of the endpoint with QoS 1. */
  #sendDelivery(message: Outgoing, token: number): void {
    const messageId = this.#takeMessageId();
    const bytes = this.#wire.publish(message, messageId, {});
    // What the client takes in no case counts as sent.
    if (bytes === null) {
      setImmediate(() => this.#events.acknowledged(token));
      return;
    }
    this.#unacknowledged.set(messageId, token);
    this.#write(bytes, NOTHING_TO_DO);
  }

  #sendMessage(message: TreeMessage): void {
    const { messageExpiry } = message.packet;
    if (messageExpiry !== undefined && messageExpiry <= Date.now() && !message.isRepetition) {
      this.#skip(message);
      return;
    }
    const messageId = message.packet.messageId ?? this.#takeMessageId();
    this.#reserved?.delete(messageId);
    this.#unacknowledged.set(messageId, null);
    const write = () => {
      if (this.#closed || !this.#mayWrite()) return;
      const bytes = this.#encode(message, messageId);
      if (bytes === null) {
        this.#unacknowledged.delete(messageId);
        this.#skip(message);
        setImmediate(() => this.#pump());
        return;
      }
      this.#write(bytes, NOTHING_TO_DO);
      message.isRepetition = true;
    };
    if (this.#lasting === null || message.isVolatile || message.packet.messageId !== undefined) write();
    else {
      const known = this.#lasting.tree.identify(this.#lasting.clientId, message, messageId);
      if (message.packet.qos === 2) known.then(write, () => this.close());
      else write();
    }
  }

  /** It is never sent: its time is over, or the client doesn't take packets of its size [MQTT-3.1.2-25]. */
  #skip(message: TreeMessage): void {
    if (!message.isVolatile) this.#lasting?.tree.drop(this.#lasting.clientId, message);
  }

  /** PUBLISH, or PUBREL where the client has received it already [MQTT-4.4.0-1]. Null: it is too large for the client. */
  #encode({ packet, isRepetition }: TreeMessage, messageId: number): Buffer | null {
    if (packet.cmd === 'pubrel') return Buffer.from([0x62, 2, messageId >> 8, messageId & 255]);
    const { qos, retain } = packet;
    return this.#wire.publish(packet, messageId, { qos, retain, dup: isRepetition });
  }

  /** False: too much is waiting already, and the connection is cut. */
  #mayWrite(): boolean {
    if (this.#gate.writableLength <= this.#limits.outgoingBytesMax) return true;
    this.#cutSlow();
    return false;
  }

  #write(packet: Buffer, written: () => void): void {
    this.#drainTimer ??= setTimeout(() => this.#cutSlow(), this.#limits.drainTimeoutMs).unref();
    this.#gate.write(packet, (error) => {
      if (error || this.#closed) return;
      if (this.#gate.writableLength === 0) this.#stopDrainTimer();
      else this.#drainTimer?.refresh();
      written();
    });
  }

  #tellWaiters(): void {
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const tell of waiters) tell();
  }

  #stopDrainTimer(): void {
    if (this.#drainTimer) clearTimeout(this.#drainTimer);
    this.#drainTimer = null;
  }

  #cutSlow(): void {
    if (this.#closed) return;
    this.#events.tooSlow(this.#gate.writableLength);
    this.close({ reasonCode: REASON.quotaExceeded, reason: 'the client does not read' });
  }

  /** The next identifier that no unacknowledged message has; there is one, their number is limited. */
  #takeMessageId(): number {
    do this.#lastMessageId = this.#lastMessageId >= MESSAGE_ID_MAX ? 1 : this.#lastMessageId + 1;
    while (
      this.#unacknowledged.has(this.#lastMessageId) ||
      this.#reserved?.has(this.#lastMessageId) === true
    );
    return this.#lastMessageId;
  }
}
