import type { Client } from 'aedes';
import type { Logger } from '../../kernel/logger.ts';
import type { ClientSession } from './client-session.ts';
import type { BrokerConnection } from './connection.ts';
import { PACKET_PIECES_MAX } from './limits.ts';
import { loggedClient } from './logged-client.ts';
import { PACKET_TYPE } from './packet-rules.ts';
import type { MqttEndpoint } from './types.ts';

/** The library's client, as far as its types don't name it. */
type LibraryClient = Client & {
  /** Packets that it has begun and not ended. */
  readonly _parsingBatch: number;
  readonly _keepaliveTimer: NodeJS.Timeout | null;
};

interface Parts<Session> {
  readonly client: Client;
  readonly state: ClientSession<Session>;
  readonly session: Session;
  readonly connection: BrokerConnection;
  readonly endpoint: MqttEndpoint<Session>;
  readonly logger: Logger;
}

/** Bit 1 and 2 of a PUBLISH's first byte are its QoS (section 3.3.1.2). */
const qosOf = (first: number) => (first >> 1) & 3;
const PUBACK_BYTES = 4;

const NO_TOPIC: Buffer = Buffer.alloc(0);

/**
 * The packets that devices send most, read without the library, which takes several times as long for each: PUBLISH of QoS 0 and 1 to the
 * endpoint's own topics, and PUBACK of the endpoint's messages. All others go to the library, and none of ours overtakes them.
 * The bytes are of a client of 3.1.1 that is connected, and were looked at by `PacketFramer`.
 */
export class OwnPackets<Session> {
  readonly #parts: Parts<Session>;
  /** A packet of which the rest is still to come, in pieces. */
  #pieces: Buffer[] | null = null;
  #pieceBytes = 0;
  /** How many bytes must be there before it is worth looking again. */
  #neededBytes = 0;
  /** The last topic that is the endpoint's own and this client's, as text and as bytes. */
  #topic = '';
  #topicBytes = NO_TOPIC;
  /** Identifiers of publications that are to be acknowledged when what runs now has ended. */
  #acknowledged: number[] | null = null;

  constructor(parts: Parts<Session>) {
    this.#parts = parts;
  }

  /** True: the beginning of a packet is here, so that what follows belongs here. */
  get isWaiting(): boolean {
    return this.#pieceBytes > 0;
  }

  /** Takes bytes that begin a packet, or go on with the one that is waiting. */
  take(chunk: Buffer): void {
    const { gate } = this.#parts.state;
    this.#pieces ??= [];
    this.#pieces.push(chunk);
    this.#pieceBytes += chunk.length;
    if (this.#pieceBytes < this.#neededBytes) {
      if (this.#pieces.length === PACKET_PIECES_MAX) this.#pieces = [Buffer.concat(this.#pieces)];
      return;
    }
    const bytes = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces);
    const { end, libraryFrom } = this.#read(bytes);
    if (libraryFrom !== null && !gate.destroyed) gate.passOn(bytes.subarray(libraryFrom, end));
    const rest = bytes.subarray(end);
    this.#pieces = rest.length === 0 ? null : [rest];
    this.#pieceBytes = rest.length;
  }

  /** Serves what is ours. `end`: where the first packet begins that is not complete; `libraryFrom`: the first that is the library's. */
  #read(bytes: Buffer): { readonly end: number; readonly libraryFrom: number | null } {
    const client = this.#parts.client as LibraryClient;
    let position = 0;
    let libraryFrom: number | null = null;
    if (client._parsingBatch > 0 || this.#parts.state.gate.readableLength > 0) libraryFrom = 0;
    this.#neededBytes = 0;
    while (position < bytes.length) {
      const bodyAt = bodyOf(bytes, position);
      const end = bodyAt === null ? null : bodyAt + lengthOf(bytes, position + 1, bodyAt);
      if (bodyAt === null || end === null || end > bytes.length) {
        this.#neededBytes = end === null ? 0 : end - position;
        break;
      }
      if (libraryFrom === null && !this.#serve(bytes, position, bodyAt, end)) libraryFrom = position;
      position = end;
    }
    if (libraryFrom !== 0) client._keepaliveTimer?.refresh();
    return { end: position, libraryFrom };
  }

  /** False: the packet is for the library. */
  #serve(bytes: Buffer, at: number, bodyAt: number, end: number): boolean {
    const first = bytes[at] as number;
    const { connection } = this.#parts;
    if (first >> 4 === PACKET_TYPE.puback) return connection.confirmedToken(bytes.readUInt16BE(bodyAt));
    if (first >> 4 !== PACKET_TYPE.publish || qosOf(first) === 2) return false;
    const topicAt = bodyAt + 2;
    const topicEnd = topicAt + bytes.readUInt16BE(bodyAt);
    if (!this.#isOwnTopic(bytes, topicAt, topicEnd)) return false;
    const isAcknowledged = qosOf(first) === 1;
    const payload = bytes.subarray(isAcknowledged ? topicEnd + 2 : topicEnd, end);
    this.#publish(payload, isAcknowledged ? bytes.readUInt16BE(topicEnd) : null);
    return true;
  }

  #isOwnTopic(bytes: Buffer, from: number, to: number): boolean {
    const { endpoint, session } = this.#parts;
    const isKnown = this.#topicBytes.compare(bytes, from, to) === 0;
    const topic = isKnown ? this.#topic : bytes.toString('utf8', from, to);
    if (!endpoint.mayPublish(session, topic)) return false;
    if (!isKnown) {
      this.#topic = topic;
      this.#topicBytes = Buffer.from(topic);
    }
    return true;
  }

  /** `messageId` null: QoS 0. */
  #publish(payload: Buffer, messageId: number | null): void {
    const { state, endpoint, connection, session, logger } = this.#parts;
    const topic = this.#topic;
    state.begin(
      () => endpoint.published(connection, session, topic, payload),
      (outcome) => {
        if (messageId === null) return;
        const isTaken = typeof outcome === 'boolean' ? outcome : outcome.isTold;
        if (isTaken) this.#acknowledge(messageId);
        else state.gate.destroy(new Error('the publication was not taken'));
      },
      (error) => {
        logger.error({ ...loggedClient(state), error }, 'an MQTT publication could not be taken');
        state.gate.destroy(new Error('the publication could not be taken'));
      },
    );
  }

  /**
   * Acknowledgements come many at a time, when a transaction has ended: they leave in one write. In a microtask: the library writes those of
   * the publications behind them in a later one, and would overtake what waits for the next tick [MQTT-4.6.0-2].
   */
  #acknowledge(messageId: number): void {
    if (this.#acknowledged !== null) {
      this.#acknowledged.push(messageId);
      return;
    }
    const acknowledged = [messageId];
    this.#acknowledged = acknowledged;
    queueMicrotask(() => {
      const packets = Buffer.allocUnsafe(acknowledged.length * PUBACK_BYTES);
      for (const [index, id] of acknowledged.entries()) {
        packets.writeUInt16BE((PACKET_TYPE.puback << 12) | 2, index * PUBACK_BYTES);
        packets.writeUInt16BE(id, index * PUBACK_BYTES + 2);
      }
      this.#acknowledged = null;
      this.#parts.connection.answer(packets);
    });
  }
}

/** Where the packet's body begins; null: its length is not complete. */
function bodyOf(bytes: Buffer, at: number): number | null {
  for (let position = at + 1; position < bytes.length; position++) {
    if ((bytes[position] as number) < 0x80) return position + 1;
  }
  return null;
}

/** The remaining length (section 2.2.3): seven bits a byte, the lowest first. */
function lengthOf(bytes: Buffer, from: number, to: number): number {
  let length = 0;
  for (let position = to - 1; position >= from; position--) {
    length = length * 128 + ((bytes[position] as number) & 0x7f);
  }
  return length;
}
