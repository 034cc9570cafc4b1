/** A PUBLISH that was larger than may be, as much of it as is needed to acknowledge it. */
export interface LargePublication {
  readonly topic: string;
  readonly bytes: number;
  /** 0: QoS 0, which nobody acknowledges. */
  readonly messageId: number;
}

/** The beginning of a packet that is thrown away. */
interface Thrown {
  readonly first: number;
  readonly bytes: number;
  kept: Buffer;
}

const PUBLISH = 3;
/** Section 2.2.3 of MQTT 3.1.1: the remaining length takes four bytes at most. */
const LENGTH_BYTES_MAX = 4;

/**
 * Lets packets of a broker through but for PUBLISH packets that are too large: of these it keeps the topic and the message id, and throws the
 * rest away as it comes. A broker of MQTT 3.1.1 can't be told how much we take, and may pass on 256 MB.
 */
export class LargePackets {
  readonly #bytesMax: number;
  readonly #found: (publication: LargePublication) => void;
  /** The beginning of a packet whose length isn't known yet. */
  #head: number[] = [];
  /** Bytes of the packet at work that are still to come. */
  #left = 0;
  /** Null: the packet at work is let through. */
  #thrown: Thrown | null = null;

  constructor(bytesMax: number, found: (publication: LargePublication) => void) {
    this.#bytesMax = bytesMax;
    this.#found = found;
  }

  /** What goes on of these bytes. Throws an Error for a packet that is too large and no PUBLISH, or has no length. */
  pass(chunk: Buffer): Buffer {
    const passed: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        this.#head.push(chunk[at++] as number);
        const begun = this.#beginPacket();
        if (begun !== null) passed.push(begun);
        continue;
      }
      const part = chunk.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      if (this.#thrown === null) passed.push(part);
      else this.#throwAway(part);
    }
    return passed.length === 1 ? (passed[0] as Buffer) : Buffer.concat(passed);
  }

  /** The fixed header, where it is whole and its packet goes on. */
  #beginPacket(): Buffer | null {
    const [first = 0, ...lengths] = this.#head;
    const last = lengths.at(-1);
    if (last === undefined) return null;
    if (last >= 0x80) {
      if (lengths.length === LENGTH_BYTES_MAX) throw new Error('a packet without a length');
      return null;
    }
    const length = lengths.reduce((sum, byte, index) => sum + (byte & 0x7f) * 128 ** index, 0);
    const head = Buffer.from(this.#head);
    this.#head = [];
    this.#left = length;
    const bytes = head.length + length;
    if (bytes <= this.#bytesMax) return head;
    if (first >> 4 !== PUBLISH) throw new Error(`a packet of ${bytes} bytes`);
    this.#thrown = { first, bytes, kept: Buffer.alloc(0) };
    return null;
  }

  #throwAway(part: Buffer): void {
    const thrown = this.#thrown as Thrown;
    const { kept } = thrown;
    const topicBytes = kept.length < 2 ? 0xffff : kept.readUInt16BE(0);
    // Length, topic and message id: at most 65,539 bytes.
    const needed = 2 + topicBytes + 2;
    if (kept.length < needed) thrown.kept = Buffer.concat([kept, part.subarray(0, needed - kept.length)]);
    if (this.#left > 0) return;
    this.#thrown = null;
    const end = 2 + thrown.kept.readUInt16BE(0);
    const hasId = (thrown.first & 0x06) !== 0;
    this.#found({
      topic: thrown.kept.subarray(2, end).toString(),
      bytes: thrown.bytes,
      messageId: hasId ? thrown.kept.readUInt16BE(end) : 0,
    });
  }
}
