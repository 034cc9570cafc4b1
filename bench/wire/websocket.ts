import { randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';

const HEADER_BYTES_MAX = 14;
const OPCODE_BINARY = 0x82;
const OPCODE_CLOSE = 0x8;
const OPCODE_PING = 0x9;
const OPCODE_PONG = 0x8a;
const MASKED = 0x80;
/** From this length on, a frame says its length in two bytes more. */
const LENGTH_16 = 126;

/** Where to connect. */
export interface WebSocketTarget {
  readonly port: number;
  readonly path: string;
  readonly subprotocol?: string;
  readonly token?: string;
}

/**
 * A WebSocket client that costs next to nothing: what it sends was encoded before, many messages in one write, and what it
 * gets is only cut into messages. Masks with zero, which RFC 6455 lets a client choose.
 */
export class WebSocketWire {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #isOpen = false;
  /** The messages of one read, as views that hold until it returns. */
  onMessages: (messages: readonly Buffer[]) => void = () => {};
  onClosed: (reason: string) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Resolves once the server has agreed. */
  static connect({ port, path, subprotocol, token }: WebSocketTarget): Promise<WebSocketWire> {
    return new Promise((resolve, reject) => {
      const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true });
      const wire = new WebSocketWire(socket);
      socket.on('error', (error) => reject(error));
      socket.on('close', () => {
        reject(new Error(`${path}: the connection was closed`));
        wire.onClosed('the connection was closed');
      });
      const lines = [
        `GET ${path} HTTP/1.1`,
        `Host: 127.0.0.1:${port}`,
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
        ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
      ];
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      socket.on('data', (data) => wire.#arrived(data, () => resolve(wire), reject));
    });
  }

  /** Sends frames that were encoded with `writeMessage`. */
  send(frames: Uint8Array): void {
    this.#socket.write(frames);
  }

  close(): void {
    this.onClosed = () => {};
    this.#socket.destroy();
  }

  #arrived(data: Buffer, opened: () => void, refused: (error: Error) => void): void {
    let bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    if (!this.#isOpen) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) {
        this.#rest = bytes;
        return;
      }
      const head = bytes.toString('latin1', 0, end);
      if (!head.startsWith('HTTP/1.1 101')) {
        refused(new Error(`no WebSocket: ${head.split('\r\n')[0]}`));
        return;
      }
      this.#isOpen = true;
      bytes = bytes.subarray(end + 4);
      opened();
    }
    this.#rest = this.#cut(bytes);
  }

  // Gives the whole messages away and returns what is left.
  #cut(bytes: Buffer): Buffer {
    const messages: Buffer[] = [];
    let at = 0;
    while (bytes.length - at >= 2) {
      let length = (bytes[at + 1] as number) & 0x7f;
      let start = at + 2;
      if (length === LENGTH_16) {
        if (bytes.length - at < 4) break;
        length = bytes.readUInt16BE(at + 2);
        start = at + 4;
      } else if (length > LENGTH_16) {
        if (bytes.length - at < 10) break;
        length = Number(bytes.readBigUInt64BE(at + 2));
        start = at + 10;
      }
      if (bytes.length - start < length) break;
      const opcode = (bytes[at] as number) & 0x0f;
      const content = bytes.subarray(start, start + length);
      if (opcode === OPCODE_PING) this.#pong(content);
      else if (opcode === OPCODE_CLOSE) this.onClosed(content.toString('utf8', 2));
      else messages.push(content);
      at = start + length;
    }
    if (messages.length > 0) this.onMessages(messages);
    return bytes.subarray(at);
  }

  #pong(content: Buffer): void {
    this.#socket.write(
      Buffer.concat([Buffer.from([OPCODE_PONG, MASKED | content.length, 0, 0, 0, 0]), content]),
    );
  }
}

/** Bytes that a message of this length needs at most. */
export function messageBytesMax(length: number): number {
  return length + HEADER_BYTES_MAX;
}

/** Writes the head of a client's binary message of `length` bytes, up to 65,535; where its content begins. */
export function writeMessageHead(out: Buffer, at: number, length: number): number {
  out[at] = OPCODE_BINARY;
  let position = at + 2;
  if (length < LENGTH_16) out[at + 1] = MASKED | length;
  else {
    out[at + 1] = MASKED | LENGTH_16;
    position = out.writeUInt16BE(length, position);
  }
  return out.writeUInt32BE(0, position);
}

/** One message, encoded. */
export function encodeMessage(content: Uint8Array): Buffer {
  const out = Buffer.alloc(messageBytesMax(content.length));
  const start = writeMessageHead(out, 0, content.length);
  out.set(content, start);
  return out.subarray(0, start + content.length);
}
