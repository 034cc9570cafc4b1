import type { Packet, QueuedMessage, Subscription, Will } from './types.ts';

/** What is kept of one client, whether it is connected or not. */
export class Session {
  readonly clientId: string;
  readonly beganAtMs: number;
  /** Whose it is. */
  readonly device: string;
  /** By filter. */
  readonly subscriptions = new Map<string, Subscription>();
  /** QoS 2 publications of the client whose PUBREL has not come, by message id. */
  readonly handshakes = new Map<number, Packet>();
  /** In the order of delivery, by position. */
  readonly queue = new Map<number, QueuedMessage>();
  /** Positions by message id, of what was sent. */
  readonly #positions = new Map<number, number>();
  will: Will | undefined;
  /** How long it lasts once its client left; null: not of MQTT 5, it lasts as long as it has anything. */
  expirySeconds: number | null = null;
  /** When its client left; null: it is connected, or the session is not of MQTT 5. */
  leftAtMs: number | null = null;
  queuedBytes = 0;

  constructor(clientId: string, beganAtMs: number, device: string) {
    this.clientId = clientId;
    this.beganAtMs = beganAtMs;
    this.device = device;
  }

  /** True: there is something of it to keep, beside a will. */
  get isKept(): boolean {
    const isPromised = this.expirySeconds !== null && this.expirySeconds > 0;
    return isPromised || this.subscriptions.size > 0 || this.queue.size > 0 || this.handshakes.size > 0;
  }

  /** True: it is of MQTT 5, and its client is here. */
  get isVisited(): boolean {
    return this.expirySeconds !== null && this.leftAtMs === null;
  }

  add(message: QueuedMessage): void {
    this.queue.set(message.position, message);
    this.queuedBytes += message.bytes;
    if (message.packet.messageId !== undefined)
      this.#positions.set(message.packet.messageId, message.position);
  }

  /** The message is known by this id from now on. */
  identify(message: QueuedMessage, messageId: number): void {
    message.packet = { ...message.packet, messageId };
    this.#positions.set(messageId, message.position);
  }

  findByMessageId(messageId: number): QueuedMessage | undefined {
    const position = this.#positions.get(messageId);
    const message = position === undefined ? undefined : this.queue.get(position);
    return message?.packet.messageId === messageId ? message : undefined;
  }

  /** The message that a broker counted so. */
  findByBroker({ brokerId, brokerCounter }: Packet): QueuedMessage | undefined {
    if (brokerId === undefined) return undefined;
    return [...this.queue.values()].find(
      ({ packet }) => packet.brokerId === brokerId && packet.brokerCounter === brokerCounter,
    );
  }

  remove(message: QueuedMessage): void {
    if (!this.queue.delete(message.position)) return;
    this.queuedBytes -= message.bytes;
    const { messageId } = message.packet;
    if (messageId !== undefined && this.#positions.get(messageId) === message.position) {
      this.#positions.delete(messageId);
    }
  }
}
