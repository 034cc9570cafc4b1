import { connect as connectTcp, type Socket } from 'node:net';

/** A kept-alive HTTP connection that sends one request again and again, and only finds the ends of its answers. */
export class HttpWire {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  onAnswered: (count: number) => void = () => {};
  onClosed: (reason: string) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data) => this.#arrived(data));
    socket.on('error', (error) => this.onClosed(error.message));
    socket.on('close', () => this.onClosed('the connection was closed'));
  }

  static connect(port: number): Promise<HttpWire> {
    return new Promise((resolve, reject) => {
      const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new HttpWire(socket)));
    });
  }

  send(request: Uint8Array): void {
    this.#socket.write(request);
  }

  close(): void {
    this.onClosed = () => {};
    this.#socket.destroy();
  }

  #arrived(data: Buffer): void {
    let bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    let answered = 0;
    for (;;) {
      const headEnd = bytes.indexOf('\r\n\r\n');
      if (headEnd < 0) break;
      const head = bytes.toString('latin1', 0, headEnd);
      if (!head.startsWith('HTTP/1.1 200')) throw new Error(`refused: ${bytes.toString('utf8', 0, 500)}`);
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1]);
      const end = headEnd + 4 + length;
      if (bytes.length < end) break;
      bytes = bytes.subarray(end);
      answered++;
    }
    this.#rest = bytes;
    if (answered > 0) this.onAnswered(answered);
  }
}
