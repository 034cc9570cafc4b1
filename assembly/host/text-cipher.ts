import { type CipherExports, requireOk, Status } from './abi.ts';
import type { TextCipher } from './types.ts';

// Where a text's key, nonce, tag, associated data and bytes are, from the cipher's address on: see layout.ts.
const NONCE_OFFSET = 36;
const TAG_OFFSET = 48;
const ASSOCIATED_OFFSET = 144;
const TEXT_OFFSET = 160;
const TAG_BYTES = 16;

/** ChaCha20-Poly1305 in the module: a text is copied in, worked on in its place, and copied out. */
export class ModuleCipher implements TextCipher {
  readonly textBytesMax: number;
  readonly associatedBytesMax = TEXT_OFFSET - ASSOCIATED_OFFSET;
  readonly #bytes: Uint8Array;
  readonly #address: number;
  readonly #exports: CipherExports;

  constructor(memory: ArrayBuffer, exports: CipherExports) {
    this.textBytesMax = exports.cipherTextBytesMax;
    this.#bytes = new Uint8Array(memory);
    this.#address = exports.cipherAddress;
    this.#exports = exports;
  }

  encryptInto(
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    plaintext: Uint8Array,
    target: Uint8Array,
  ): void {
    const { length } = plaintext;
    this.#requireRoom(length, associated.length);
    const bytes = this.#bytes;
    const address = this.#address;
    const text = address + TEXT_OFFSET;
    this.#place(key, nonce, associated);
    bytes.set(plaintext, text);
    requireOk(this.#exports.sealText(length, associated.length));
    target.set(bytes.subarray(text, text + length));
    target.set(bytes.subarray(address + TAG_OFFSET, address + TAG_OFFSET + TAG_BYTES), length);
  }

  decrypt(
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array | null {
    const length = ciphertext.length - TAG_BYTES;
    this.#requireRoom(length, associated.length);
    const bytes = this.#bytes;
    const address = this.#address;
    const text = address + TEXT_OFFSET;
    this.#place(key, nonce, associated);
    bytes.set(ciphertext.subarray(0, length), text);
    bytes.set(ciphertext.subarray(length), address + TAG_OFFSET);
    const status = this.#exports.openText(length, associated.length);
    if (status === Status.TAG_MISMATCH) return null;
    requireOk(status);
    return bytes.slice(text, text + length);
  }

  #place(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array): void {
    const address = this.#address;
    this.#bytes.set(key, address);
    this.#bytes.set(nonce, address + NONCE_OFFSET);
    this.#bytes.set(associated, address + ASSOCIATED_OFFSET);
  }

  // Before anything is copied: what is longer would lie where something else is.
  #requireRoom(length: number, associatedLength: number): void {
    if (length < 0 || length > this.textBytesMax || associatedLength > this.associatedBytesMax) {
      throw new RangeError(`The cipher takes no text of ${length} bytes with ${associatedLength} beside it.`);
    }
  }
}
