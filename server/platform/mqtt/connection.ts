import type { PacketGate } from './packet-gate.ts';
import { encodePublish } from './publish-packet.ts';
import type { MqttConnection } from './types.ts';

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
}

/** Packet identifiers are 1 to 65,535 [MQTT-2.3.1-1]. */
const MESSAGE_ID_MAX = 65_535;

/** One client of the broker, from the proof of who it is to the end of its connection. */
export class BrokerConnection implements MqttConnection {
  readonly clientId: string;
  readonly remoteAddress: string;
  readonly #gate: PacketGate;
  readonly #limits: ConnectionLimits;
  readonly #events: ConnectionEvents;
  /** Granted QoS by topic. */
  readonly #subscriptions = new Map<string, number>();
  /** Tokens by packet identifier, for messages not yet acknowledged. */
  readonly #unacknowledged = new Map<number, number>();
  #lastMessageId = 0;
  /** Runs while messages wait to be written; every message that goes out begins it anew. */
  #drainTimer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(
    gate: PacketGate,
    shown: { readonly clientId: string; readonly remoteAddress: string },
    limits: ConnectionLimits,
    events: ConnectionEvents,
  ) {
    this.#gate = gate;
    this.clientId = shown.clientId;
    this.remoteAddress = shown.remoteAddress;
    this.#limits = limits;
    this.#events = events;
  }

  get closed(): boolean {
    return this.#closed;
  }

  deliver(topic: string, payload: Uint8Array, token?: number): boolean {
    const grantedQos = this.#subscriptions.get(topic);
    if (this.#closed || grantedQos === undefined) return false;
    if (this.#gate.writableLength > this.#limits.outgoingBytesMax) {
      this.#cutSlow();
      return false;
    }
    if (token === undefined || grantedQos === 0) {
      this.#write(encodePublish(topic, payload, null), () => {
        if (token !== undefined) this.#events.acknowledged(token);
      });
      return true;
    }
    if (this.#unacknowledged.size >= this.#limits.unacknowledgedMessagesMax) return false;
    const messageId = this.#takeMessageId();
    this.#unacknowledged.set(messageId, token);
    this.#write(encodePublish(topic, payload, messageId), () => undefined);
    return true;
  }

  close(): void {
    this.#gate.destroy();
  }

  /** The connection is over. */
  markClosed(): void {
    this.#closed = true;
    this.#stopDrainTimer();
  }

  subscribed(topic: string, qos: number): void {
    this.#subscriptions.set(topic, qos);
  }

  /** False: there was no such subscription. */
  unsubscribed(topic: string): boolean {
    return this.#subscriptions.delete(topic);
  }

  /** A PUBACK came. One that answers nothing we sent is of no consequence. */
  confirmed(messageId: number): void {
    const token = this.#unacknowledged.get(messageId);
    if (token === undefined) return;
    this.#unacknowledged.delete(messageId);
    this.#events.acknowledged(token);
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

  #stopDrainTimer(): void {
    if (this.#drainTimer) clearTimeout(this.#drainTimer);
    this.#drainTimer = null;
  }

  #cutSlow(): void {
    this.#events.tooSlow(this.#gate.writableLength);
    this.close();
  }

  /** The next identifier that no unacknowledged message has; there is one, their number is limited. */
  #takeMessageId(): number {
    do this.#lastMessageId = this.#lastMessageId >= MESSAGE_ID_MAX ? 1 : this.#lastMessageId + 1;
    while (this.#unacknowledged.has(this.#lastMessageId));
    return this.#lastMessageId;
  }
}
