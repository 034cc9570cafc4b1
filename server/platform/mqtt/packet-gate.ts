import { Duplex } from 'node:stream';
import { canonicalAddress } from '../listening/client-addresses.ts';
import type { ConnectionPlace } from '../listening/connection-budget.ts';
import type { PacketFramer } from './packet-framer.ts';
import type { PacketFault } from './packet-rules.ts';
import type { MqttReason } from './reason.ts';

/** What a client sent is not MQTT, or more than it may send. The connection is cut. */
export class ProtocolViolation extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'ProtocolViolation';
  }
}

/** Unsent bytes after which a writer is told to wait. */
const HIGH_WATER_BYTES = 65_536;

/** Who reads some packets instead of the library. */
export interface PacketReader {
  /** True: it has the beginning of a packet, so that what follows belongs there. */
  readonly isWaiting: boolean;
  /** Takes bytes that begin a packet, or go on with the one that is waiting. */
  take(chunk: Buffer): void;
}

/** A connection of bytes: TCP, TLS, or a WebSocket. */
export type ByteStream = Duplex & { readonly remoteAddress?: string | undefined };

/**
 * A connection as the broker sees it. Its first packet says which version of MQTT it speaks. Of 3.1.1 bytes pass only while every
 * packet has a permitted length and is one of that version; those of MQTT 5 go to its reader. Reading can be held back.
 */
export class PacketGate extends Duplex {
  /** An IPv4 address on an IPv6 socket is in its usual form. */
  readonly remoteAddress: string;
  /** Its share of what the server may have open; null before it is let in. */
  place: ConnectionPlace | null = null;
  /** When bytes came last, in milliseconds since 1970. */
  heardAtMs = Date.now();
  /** What tells a client of MQTT 5 why its connection ends. */
  farewell: ((end: MqttReason) => Uint8Array) | null = null;
  readonly #socket: ByteStream;
  /** Who reads MQTT 5. */
  #reader: ((chunk: Buffer) => void) | null = null;
  /** Who reads a client of 3.1.1 that is connected, and passes on what is the library's. */
  #packetReader: PacketReader | null = null;
  /** What came before the whole of CONNECT. */
  #early: Buffer[] | null = [];
  #held = false;
  #collects = false;

  /** `opened` is called once, with the version of a CONNECT that is complete; with 5, it has to say who reads (`readWith`). */
  constructor(socket: ByteStream, framer: PacketFramer, opened: (level: 4 | 5, gate: PacketGate) => void) {
    super({
      allowHalfOpen: false,
      readableHighWaterMark: HIGH_WATER_BYTES,
      writableHighWaterMark: HIGH_WATER_BYTES,
    });
    this.#socket = socket;
    this.remoteAddress = canonicalAddress(socket.remoteAddress ?? 'unknown');
    socket.on('data', (chunk) => {
      this.heardAtMs = Date.now();
      if (this.#reader !== null) {
        this.#reader(chunk);
        return;
      }
      const beginsPacket = framer.isBetweenPackets;
      const fault = framer.findFault(chunk);
      if (fault !== null) this.#end(fault);
      else if (this.#packetReader !== null && (beginsPacket || this.#packetReader.isWaiting))
        this.#packetReader.take(chunk);
      else if (this.#early === null) this.passOn(chunk);
      else {
        this.#early.push(chunk);
        if (framer.level === null) return;
        const early = Buffer.concat(this.#early);
        this.#early = null;
        opened(framer.level, this);
        this.passOn(early);
      }
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** From now on, and with CONNECT first, bytes are read here and not as a stream. */
  readWith(reader: (chunk: Buffer) => void): void {
    this.#reader = reader;
  }

  /** From the next packet on, this one reads first. */
  readPacketsWith(reader: PacketReader): void {
    this.#packetReader = reader;
  }

  /** Ends the connection; a client of MQTT 5 is told why. */
  cut(end?: MqttReason): void {
    if (this.destroyed) return;
    if (end !== undefined && this.farewell !== null) this.#socket.write(this.farewell(end));
    this.destroy();
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

  /** Hands bytes to the library, or to the reader of MQTT 5. */
  passOn(chunk: Buffer): void {
    if (this.#reader !== null) this.#reader(chunk);
    else if (!this.push(chunk)) this.#socket.pause();
  }

  #end({ reason, answer }: PacketFault): void {
    // The socket is still written to when it is destroyed: what fits into the system's buffer goes out.
    if (answer !== undefined) this.#socket.write(Uint8Array.from(answer));
    this.destroy(new ProtocolViolation(reason));
  }

  override _read(): void {
    if (!this.#held) this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#collect();
    if (this.#socket.write(chunk)) done();
    else this.#socket.once('drain', done);
  }

  override _writev(
    chunks: readonly { readonly chunk: Uint8Array }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#collect();
    let room = true;
    for (const { chunk } of chunks) room = this.#socket.write(chunk);
    if (room) done();
    else this.#socket.once('drain', done);
  }

  /** What is written from here to the end of what runs now leaves in one call of the system: acknowledgements come many at a time. */
  #collect(): void {
    if (this.#collects) return;
    this.#collects = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#collects = false;
      this.#socket.uncork();
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // What was collected fits into the system's buffer, and goes out.
    this.#socket.uncork();
    this.#socket.destroy();
    done(error);
  }
}
