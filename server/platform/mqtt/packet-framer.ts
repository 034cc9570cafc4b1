import { CONTROL_BYTES_MAX } from './limits.ts';
import {
  checkedBytes,
  findFirstByteFault,
  findPacketFault,
  isOfMqtt5,
  PACKET_TYPE,
  type PacketFault,
} from './packet-rules.ts';

/** Section 2.2.3: the remaining length takes four bytes at most. */
const LENGTH_BYTES_MAX = 4;

/**
 * Follows MQTT packets in a stream of bytes, at any split: a packet's announced length is known before it is collected, and
 * whether it is one of MQTT 3.1.1 before its last byte has passed. Of MQTT 5 it reads CONNECT, as far as it is its version's.
 */
export class PacketFramer {
  readonly #connectBytesMax: number;
  readonly #packetBytesMax: number;
  #first = 0;
  #packets = 0;
  /** Bytes of the remaining length read so far; -1 while a packet's first byte is awaited. */
  #lengthBytes = -1;
  #length = 0;
  /** Bytes of the packet's body still to come. */
  #missing = 0;
  #level: 4 | 5 | null = null;
  /** The body as far as it came in several pieces, while it is still to be checked; null: it was. */
  #partial: PartialPacket | null = null;

  constructor(connectBytesMax: number, packetBytesMax: number) {
    this.#connectBytesMax = connectBytesMax;
    this.#packetBytesMax = packetBytesMax;
  }

  /** The version of MQTT that CONNECT asks for; null before all of it has passed. What follows in MQTT 5 is not looked at here. */
  get level(): 4 | 5 | null {
    return this.#level;
  }

  /** True: the next byte begins a packet. */
  get isBetweenPackets(): boolean {
    return this.#missing === 0 && this.#lengthBytes < 0;
  }

  /** The reason why these bytes must not be read on, or null. After a reason the framer is of no more use. */
  findFault(bytes: Uint8Array): PacketFault | null {
    let position = 0;
    while (position < bytes.length && this.#level !== 5) {
      if (this.#missing > 0) {
        const taken = Math.min(this.#missing, bytes.length - position);
        const fault = this.#checkBody(bytes.subarray(position, position + taken));
        if (fault !== null) return fault;
        this.#missing -= taken;
        position += taken;
        continue;
      }
      const fault = this.#takeHeadByte(bytes[position++] as number);
      if (fault !== null) return fault;
    }
    return null;
  }

  /** The most that the packet at hand may announce. */
  #bytesMax(): number {
    if (this.#packets === 0) return this.#connectBytesMax;
    const isPublish = this.#first >> 4 === PACKET_TYPE.publish;
    return isPublish ? this.#packetBytesMax : Math.min(CONTROL_BYTES_MAX, this.#packetBytesMax);
  }

  /** A byte of the fixed header (section 2.2). */
  #takeHeadByte(byte: number): PacketFault | null {
    if (this.#lengthBytes < 0) {
      this.#first = byte;
      this.#lengthBytes = 0;
      this.#length = 0;
      const isConnect = byte >> 4 === PACKET_TYPE.connect;
      if (this.#packets === 0 && !isConnect)
        return { reason: 'the first packet is not CONNECT [MQTT-3.1.0-1]' };
      if (this.#packets > 0 && isConnect) return { reason: 'a second CONNECT [MQTT-3.1.0-2]' };
      const reason = findFirstByteFault(byte);
      return reason === null ? null : { reason };
    }
    this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes++;
    const limit = this.#bytesMax();
    if (this.#length > limit) return { reason: `a packet of more than ${limit} bytes` };
    if (byte >= 0x80) {
      return this.#lengthBytes === LENGTH_BYTES_MAX
        ? { reason: 'a packet length of more than four bytes' }
        : null;
    }
    this.#packets++;
    this.#missing = this.#length;
    this.#lengthBytes = -1;
    this.#partial = new PartialPacket();
    return this.#length === 0 ? this.#checkBody(NOTHING) : null;
  }

  /** Looks at the body as soon as there is enough of it. Copies only what came in several pieces. */
  #checkBody(more: Uint8Array): PacketFault | null {
    if (this.#partial === null) return null;
    const known = this.#partial.length === 0 ? more : this.#partial.append(more);
    const needed = checkedBytes(this.#first >> 4, this.#length, known);
    if (known.length < needed) {
      if (this.#partial.length === 0) this.#partial.append(more);
      return null;
    }
    this.#partial = null;
    const body = known.subarray(0, needed);
    if (this.#level === null) {
      this.#level = isOfMqtt5(body) ? 5 : 4;
      if (this.#level === 5) return null;
    }
    return findPacketFault(this.#first, body);
  }
}

const NOTHING = new Uint8Array(0);
/** Room for what most packets need at all. */
const PARTIAL_BYTES = 64;

/** Bytes that are put together; doubles its room, so that one byte at a time costs no more than all at once. */
class PartialPacket {
  #room = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** All so far. */
  append(more: Uint8Array): Uint8Array {
    const length = this.#length + more.length;
    if (length > this.#room.length) {
      const room = new Uint8Array(Math.max(length, this.#room.length * 2, PARTIAL_BYTES));
      room.set(this.#room.subarray(0, this.#length));
      this.#room = room;
    }
    this.#room.set(more, this.#length);
    this.#length = length;
    return this.#room.subarray(0, length);
  }
}
