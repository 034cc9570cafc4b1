import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { ConnectionPlace } from '../listening/connection-budget.ts';
import type { PacketFramer } from './packet-framer.ts';
import type { PacketFault } from './packet-rules.ts';

/** What a client sent is not MQTT, or more than it may send. The connection is cut. */
export class ProtocolViolation extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'ProtocolViolation';
  }
}

/** Unsent bytes after which a writer is told to wait. */
const HIGH_WATER_BYTES = 65_536;

/**
 * A TCP connection as the broker sees it: bytes pass only while every packet has a permitted length and is one of
 * MQTT 3.1.1, and reading can be held back.
 */
export class PacketGate extends Duplex {
  /** An IPv4 address on an IPv6 socket is in its usual form. */
  readonly remoteAddress: string;
  /** Its share of what the server may have open; null before it is let in. */
  place: ConnectionPlace | null = null;
  readonly #socket: Socket;
  #held = false;

  constructor(socket: Socket, framer: PacketFramer) {
    super({
      allowHalfOpen: false,
      readableHighWaterMark: HIGH_WATER_BYTES,
      writableHighWaterMark: HIGH_WATER_BYTES,
    });
    this.#socket = socket;
    this.remoteAddress = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
    socket.on('data', (chunk) => {
      const fault = framer.findFault(chunk);
      if (fault !== null) this.#end(fault);
      else if (!this.push(chunk)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** Stops reading from the client: TCP tells it to wait. */
  hold(): void {
    this.#held = true;
    this.#socket.pause();
  }

  /** Reads on. */
  release(): void {
    this.#held = false;
    this.#socket.resume();
  }

  #end({ reason, returnCode }: PacketFault): void {
    // The socket is still written to when it is destroyed: what fits into the system's buffer goes out.
    if (returnCode !== undefined) this.#socket.write(Uint8Array.of(0x20, 2, 0, returnCode));
    this.destroy(new ProtocolViolation(reason));
  }

  override _read(): void {
    if (!this.#held) this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket.write(chunk)) done();
    else this.#socket.once('drain', done);
  }

  override _writev(
    chunks: readonly { readonly chunk: Uint8Array }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.cork();
    let room = true;
    for (const { chunk } of chunks) room = this.#socket.write(chunk);
    this.#socket.uncork();
    if (room) done();
    else this.#socket.once('drain', done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
