import { PACKET_PIECES_MAX } from '../limits.ts';
import { checkFirstByte, type Mqtt5Packet, readPacket } from './read-packet.ts';
import { Mqtt5Fault, malformed, REASON } from './reason-codes.ts';

/** Section 2.1.4: the remaining length takes four bytes at most. */
const LENGTH_BYTES_MAX = 4;

/** Makes packets of a stream of bytes, at any split. What a packet announces is known before it is collected. */
export class PacketStream {
  readonly #packetBytesMax: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** How many bytes must be there before it is worth looking again. */
  #neededBytes = 2;

  /** `packetBytesMax` is what the server announces: the whole packet (section 3.2.2.3.6). */
  constructor(packetBytesMax: number) {
    this.#packetBytesMax = packetBytesMax;
  }

  /** The packets that are complete with these bytes, one after the other. Throws `Mqtt5Fault`. */
  *read(chunk: Buffer): Generator<Mqtt5Packet> {
    if (this.#waitingBytes === 0 && chunk.length > 0) checkFirstByte(chunk[0] as number);
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes < this.#neededBytes) {
      if (this.#waiting.length === PACKET_PIECES_MAX) this.#waiting = [Buffer.concat(this.#waiting)];
      return;
    }
    const bytes = this.#waiting.length === 1 ? chunk : Buffer.concat(this.#waiting);
    let position = 0;
    this.#neededBytes = 2;
    while (position < bytes.length) {
      const first = bytes[position] as number;
      checkFirstByte(first);
      const head = this.#readLength(bytes, position + 1);
      if (head === null) {
        this.#neededBytes = bytes.length - position + 1;
        break;
      }
      const end = head.bodyAt + head.length;
      if (end > bytes.length) {
        this.#neededBytes = end - position;
        break;
      }
      yield readPacket(first, bytes.subarray(head.bodyAt, end));
      position = end;
    }
    const rest = bytes.subarray(position);
    this.#waiting = rest.length === 0 ? [] : [rest];
    this.#waitingBytes = rest.length;
  }

  /** Null: it isn't there yet. */
  #readLength(bytes: Buffer, start: number): { readonly length: number; readonly bodyAt: number } | null {
    let length = 0;
    for (let index = 0; index < LENGTH_BYTES_MAX; index++) {
      const byte = bytes[start + index];
      if (byte === undefined) return null;
      length += (byte & 0x7f) * 128 ** index;
      const bodyAt = start + index + 1;
      if (length + index + 2 > this.#packetBytesMax)
        throw new Mqtt5Fault(REASON.packetTooLarge, `a packet of more than ${this.#packetBytesMax} bytes`);
      if (byte < 0x80) return { length, bodyAt };
    }
    throw malformed('a packet length of more than four bytes');
  }
}
