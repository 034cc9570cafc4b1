import { isUtf8 } from 'node:buffer';
import { malformed } from './reason-codes.ts';

/** Reads the fields of a packet one after the other (MQTT 5 section 1.5). What isn't there is a malformed packet. */
export class FieldReader {
  readonly #bytes: Buffer;
  #position: number;
  readonly #end: number;

  constructor(bytes: Buffer, position = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#position = position;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#position;
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  twoBytes(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  fourBytes(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** Section 1.5.5: seven bits a byte, the lowest first, as few bytes as it takes [MQTT-1.5.5-1]. */
  variableByteInteger(): number {
    let value = 0;
    for (let index = 0; index < 4; index++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 128 ** index;
      if (byte >= 0x80) continue;
      if (byte === 0 && index > 0)
        throw malformed('a variable byte integer with bytes too many [MQTT-1.5.5-1]');
      return value;
    }
    throw malformed('a variable byte integer of more than four bytes');
  }

  binary(): Buffer {
    const length = this.twoBytes();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Section 1.5.4. */
  text(what: string): string {
    const bytes = this.binary();
    if (bytes.includes(0)) throw malformed(`${what} with U+0000 [MQTT-1.5.4-2]`);
    if (!isUtf8(bytes)) throw malformed(`${what} that is not UTF-8 [MQTT-1.5.4-1]`);
    return bytes.toString();
  }

  /** As many of the next bytes, to be read by themselves. */
  part(length: number): FieldReader {
    const start = this.#take(length);
    return new FieldReader(this.#bytes, start, start + length);
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#take(this.left), this.#end);
  }

  #take(length: number): number {
    if (this.left < length) throw malformed('a packet that ends before its fields do');
    this.#position += length;
    return this.#position - length;
  }
}
