import { connect as connectTcp, type Socket } from 'node:net';

/** Messages to or from a subject of a NATS server. */
export interface NatsSpec {
  readonly kind: 'nats';
  readonly port: number;
  readonly subject: string;
  /** The stream that keeps the subject, in a file, and acknowledges each message; null: nothing is kept. */
  readonly stream: string | null;
}

const INBOX = 'bench.inbox';
const CRLF_BYTES = 2;
const CR = 0x0d;
const SPACE = 0x20;
/** The first byte of MSG. */
const MSG = 0x4d;
/** The first byte of -ERR. */
const ERROR = 0x2d;
/** The first byte of PING, whose second tells it from PONG. */
const PING = 'PI';

/** A client of NATS that costs next to nothing: its messages are encoded before, those that come are only counted. */
export class NatsWire {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  onMessages: (count: number) => void = () => {};
  onClosed: (reason: string) => void = () => {};
  #ponged: () => void = () => {};
  #answered: ((payload: string) => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Resolves once the server has answered. */
  static async connect(port: number): Promise<NatsWire> {
    const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true });
    const wire = new NatsWire(socket);
    socket.on('data', (data) => wire.#arrived(data));
    socket.on('error', ({ message }) => wire.onClosed(message));
    socket.on('close', () => wire.onClosed('the connection was closed'));
    socket.write('CONNECT {"verbose":false,"pedantic":false}\r\n');
    await wire.#flush();
    return wire;
  }

  async subscribe(subject: string): Promise<void> {
    this.#socket.write(`SUB ${subject} 1\r\n`);
    await this.#flush();
  }

  /** Makes the stream that keeps this subject. */
  async createStream(name: string, subject: string): Promise<void> {
    const body = JSON.stringify({ name, subjects: [subject], storage: 'file', discard: 'old' });
    const answer = new Promise<string>((resolve) => {
      this.#answered = resolve;
    });
    this.#socket.write(`PUB $JS.API.STREAM.CREATE.${name} ${INBOX} ${body.length}\r\n${body}\r\n`);
    const text = await answer;
    this.#answered = null;
    if (text.includes('"error"')) throw new Error(`NATS: ${text}`);
  }

  send(messages: Uint8Array): void {
    this.#socket.write(messages);
  }

  close(): void {
    this.onClosed = () => {};
    this.#socket.destroy();
  }

  #flush(): Promise<void> {
    return new Promise((resolve) => {
      this.#ponged = resolve;
      this.#socket.write('PING\r\n');
    });
  }

  #arrived(data: Buffer): void {
    const bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    let messages = 0;
    let at = 0;
    for (;;) {
      const lineEnd = bytes.indexOf(CR, at);
      if (lineEnd < 0 || lineEnd + CRLF_BYTES > bytes.length) break;
      let end = lineEnd + CRLF_BYTES;
      if (bytes[at] === MSG) {
        const length = Number(bytes.toString('latin1', bytes.lastIndexOf(SPACE, lineEnd) + 1, lineEnd));
        const payloadAt = end;
        end += length + CRLF_BYTES;
        if (end > bytes.length) break;
        messages++;
        this.#answered?.(bytes.toString('utf8', payloadAt, payloadAt + length));
      } else if (bytes[at] === ERROR) throw new Error(`NATS: ${bytes.toString('latin1', at, lineEnd)}`);
      else if (bytes.toString('latin1', at, at + PING.length) === PING) this.#socket.write('PONG\r\n');
      else this.#ponged();
      at = end;
    }
    this.#rest = bytes.subarray(at);
    if (messages > 0) this.onMessages(messages);
  }
}

/** A client that publishes; `onAcknowledged` is told of what its stream keeps. */
export async function openNatsSource({ port, subject, stream }: NatsSpec, messageBytes: number) {
  const wire = await NatsWire.connect(port);
  const reply = `${INBOX}.${subject}`;
  if (stream !== null) {
    await wire.subscribe(INBOX);
    await wire.createStream(stream, subject);
    wire.close();
    return openKeptSource(port, subject, reply, messageBytes);
  }
  return sourceOf(wire, `PUB ${subject} ${messageBytes}\r\n`, messageBytes);
}

async function openKeptSource(port: number, subject: string, reply: string, messageBytes: number) {
  const wire = await NatsWire.connect(port);
  await wire.subscribe(reply);
  return sourceOf(wire, `PUB ${subject} ${reply} ${messageBytes}\r\n`, messageBytes);
}

function sourceOf(wire: NatsWire, head: string, messageBytes: number) {
  const message = Buffer.from(`${head}${'a'.repeat(messageBytes)}\r\n`);
  const opened = {
    send: (count: number) => wire.send(Buffer.concat(Array.from({ length: count }, () => message))),
    onAcknowledged: (_count: number) => {},
    close: () => wire.close(),
  };
  wire.onMessages = (count) => opened.onAcknowledged(count);
  wire.onClosed = (reason) => {
    throw new Error(`a source: ${reason}`);
  };
  return opened;
}

/** A client that is subscribed. */
export async function openNatsSink({ port, subject }: NatsSpec) {
  const wire = await NatsWire.connect(port);
  await wire.subscribe(subject);
  const sink = { onReceived: (_count: number) => {}, close: () => wire.close() };
  wire.onMessages = (count) => sink.onReceived(count);
  wire.onClosed = (reason) => {
    throw new Error(`a sink: ${reason}`);
  };
  return sink;
}
