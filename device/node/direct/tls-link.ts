import type { TLSSocket } from 'node:tls';
import { FRAME_BYTES_MAX } from '../../../proto/index.ts';
import type { DirectLink } from '../../client/index.ts';

/** Bytes before each frame: its length. */
const LENGTH_BYTES = 4;
/** What both ends derive from the handshake (RFC 9266 has a channel's own; this is a key of ours, RFC 8446 section 7.5). */
const EXPORTER_LABEL = 'EXPORTER-yggdrasil-direct-1';
const KEY_BYTES = 32;

/** Frames over TLS, each behind its length. */
export class TlsLink implements DirectLink {
  readonly key: Uint8Array;
  readonly #socket: TLSSocket;
  #parts: Buffer[] = [];
  #partBytes = 0;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.key = socket.exportKeyingMaterial(KEY_BYTES, EXPORTER_LABEL, Buffer.alloc(0));
    socket.setNoDelay(true);
    socket.pause();
    // Every error is followed by `close`.
    socket.on('error', () => undefined);
  }

  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  start({ frame, closed }: Parameters<DirectLink['start']>[0]): void {
    this.#socket.on('data', (data: Buffer) => {
      this.#parts.push(data);
      this.#partBytes += data.length;
      this.#cut(frame);
    });
    this.#socket.once('close', closed);
    if (this.#socket.destroyed) closed();
    else this.#socket.resume();
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.destroyed) return;
    const length = Buffer.allocUnsafe(LENGTH_BYTES);
    length.writeUInt32BE(bytes.length);
    this.#socket.cork();
    this.#socket.write(length);
    this.#socket.write(bytes);
    this.#socket.uncork();
  }

  close(): void {
    this.#socket.destroy();
  }

  #cut(frame: (bytes: Uint8Array) => void): void {
    while (this.#partBytes >= LENGTH_BYTES && !this.#socket.destroyed) {
      if ((this.#parts[0] as Buffer).length < LENGTH_BYTES) this.#parts = [Buffer.concat(this.#parts)];
      const length = (this.#parts[0] as Buffer).readUInt32BE(0);
      if (length > FRAME_BYTES_MAX) {
        this.close();
        return;
      }
      if (this.#partBytes < LENGTH_BYTES + length) return;
      const all = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
      this.#parts = all.length > LENGTH_BYTES + length ? [all.subarray(LENGTH_BYTES + length)] : [];
      this.#partBytes -= LENGTH_BYTES + length;
      frame(all.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
    }
  }
}
