/** MQTT 3.1.1 section 2.2.1: the packet type in the first byte's upper half. */
const TYPE_CONNECT = 1;
/** Section 2.2.3: the remaining length takes four bytes at most. */
const LENGTH_BYTES_MAX = 4;

/**
 * Follows the borders of MQTT packets in a stream of bytes, at any split, so that a packet's announced length is known
 * before it is collected.
 */
export class PacketFramer {
  readonly #connectBytesMax: number;
  readonly #packetBytesMax: number;
  #type = 0;
  #packets = 0;
  /** Bytes of the remaining length read so far; -1 while a packet's first byte is awaited. */
  #lengthBytes = -1;
  #length = 0;
  /** Bytes of the packet's body still to come. */
  #missing = 0;

  constructor(connectBytesMax: number, packetBytesMax: number) {
    this.#connectBytesMax = connectBytesMax;
    this.#packetBytesMax = packetBytesMax;
  }

  /** The reason why these bytes must not be read on, or null. After a reason the framer is of no more use. */
  violation(bytes: Uint8Array): string | null {
    let position = 0;
    while (position < bytes.length) {
      if (this.#missing > 0) {
        const skipped = Math.min(this.#missing, bytes.length - position);
        this.#missing -= skipped;
        position += skipped;
        continue;
      }
      const byte = bytes[position++] as number;
      if (this.#lengthBytes < 0) {
        this.#type = byte >> 4;
        this.#lengthBytes = 0;
        this.#length = 0;
        // [MQTT-3.1.0-1]
        if (this.#packets === 0 && this.#type !== TYPE_CONNECT) return 'the first packet is not CONNECT';
        continue;
      }
      this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes++;
      const limit = this.#packets === 0 ? this.#connectBytesMax : this.#packetBytesMax;
      if (this.#length > limit) return `a packet of more than ${limit} bytes`;
      if (byte >= 0x80) {
        if (this.#lengthBytes === LENGTH_BYTES_MAX) return 'a packet length of more than four bytes';
        continue;
      }
      this.#packets++;
      this.#missing = this.#length;
      this.#lengthBytes = -1;
    }
    return null;
  }
}
