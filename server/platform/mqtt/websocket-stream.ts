import { Duplex } from 'node:stream';
import type { Socket, SocketHandler } from '../websocket/types.ts';
import { UNREAD_BYTES_MAX, WRITTEN_BYTES_HIGH } from './limits.ts';

/** RFC 6455 section 7.4.1: normal closure, a message of a type that isn't taken, and more than is taken. */
const CLOSE_NORMAL = 1000;
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_TOO_MUCH = 1009;

/** MQTT over one WebSocket (MQTT 3.1.1 section 6) as a stream of bytes: packets and messages needn't have the same borders. */
export class WebSocketStream extends Duplex {
  /** What becomes of the WebSocket's messages. */
  readonly handler: SocketHandler = {
    received: (message, isBinary) => this.#receive(message, isBinary),
    drained: () => this.#drain(),
    closed: () => void this.destroy(),
  };
  readonly remoteAddress: string;
  readonly #socket: Socket;
  #drained: (() => void) | null = null;

  constructor(socket: Socket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress;
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(Buffer.from(chunk), done);
  }

  override _writev(
    chunks: readonly { readonly chunk: Uint8Array }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.close(CLOSE_NORMAL, '');
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#drained = null;
    this.#socket.close(CLOSE_NORMAL, '');
    done(error);
  }

  #receive(message: Uint8Array, isBinary: boolean): void {
    if (this.destroyed) return;
    // [MQTT-6.0.0-1]
    if (!isBinary) this.#cut(CLOSE_UNSUPPORTED, 'MQTT is binary');
    // The client can't be told to wait.
    else if (this.readableLength + message.length > UNREAD_BYTES_MAX)
      this.#cut(CLOSE_TOO_MUCH, 'too much at once');
    else this.push(Buffer.from(message));
  }

  #drain(): void {
    const done = this.#drained;
    this.#drained = null;
    done?.();
  }

  #send(bytes: Buffer, done: (error?: Error | null) => void): void {
    if (this.#socket.send(bytes) === 'dropped') {
      done(new Error('the client does not read'));
      return;
    }
    // It goes out at the end of this turn: only then is known how much of it waits.
    setImmediate(() => {
      if (this.#socket.unsentBytes <= WRITTEN_BYTES_HIGH) done();
      else this.#drained = done;
    });
  }

  #cut(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.destroy();
  }
}
