import { messageBytesMax, WebSocketWire, writeMessageHead } from './websocket.ts';

/** Messages to or from a channel of Centrifugo, by its protocol of JSON lines. */
export interface CentrifugoSpec {
  readonly kind: 'centrifugo';
  readonly port: number;
  readonly channel: string;
}

const PATH = '/connection/websocket';
const LINE_FEED = 0x0a;
/** A ping of the server is an empty object, answered with one. */
const PING = '{}';

async function connect(port: number, commands: readonly object[]): Promise<WebSocketWire> {
  const wire = await WebSocketWire.connect({ port, path: PATH });
  for (const [index, command] of commands.entries()) {
    const answered = new Promise<string>((resolve) => {
      wire.onMessages = ([first]) => resolve(first?.toString() ?? '');
    });
    wire.send(encoded(JSON.stringify({ id: index + 1, ...command })));
    const answer = await answered;
    if (answer.includes('"error"')) throw new Error(`Centrifugo: ${answer}`);
  }
  return wire;
}

function encoded(text: string): Buffer {
  const out = Buffer.alloc(messageBytesMax(text.length));
  const at = writeMessageHead(out, 0, text.length);
  return out.subarray(0, at + out.write(text, at));
}

/** Calls `counted` with how many lines came, pings aside. */
function countLines(wire: WebSocketWire, counted: (count: number) => void): void {
  wire.onMessages = (messages) => {
    let lines = 0;
    for (const message of messages) {
      if (message.length === PING.length) {
        wire.send(encoded(PING));
        continue;
      }
      // A line feed between two; one behind the last as well in some versions.
      lines++;
      const last = message.at(-1) === LINE_FEED ? message.length - 1 : message.length;
      for (let at = message.indexOf(LINE_FEED); at >= 0 && at < last; at = message.indexOf(LINE_FEED, at + 1))
        lines++;
    }
    if (lines > 0) counted(lines);
  };
}

/** A client that publishes. */
export async function openCentrifugoSource({ port, channel }: CentrifugoSpec, messageBytes: number) {
  const wire = await connect(port, [{ connect: {} }]);
  const command = { id: 2, publish: { channel, data: 'a'.repeat(messageBytes) } };
  const message = encoded(JSON.stringify(command));
  const opened = {
    send: (count: number) => wire.send(Buffer.concat(Array.from({ length: count }, () => message))),
    onAcknowledged: (_count: number) => {},
    close: () => wire.close(),
  };
  countLines(wire, (count) => opened.onAcknowledged(count));
  wire.onClosed = (reason) => {
    throw new Error(`a source: ${reason}`);
  };
  return opened;
}

/** A client that is subscribed. */
export async function openCentrifugoSink({ port, channel }: CentrifugoSpec) {
  const wire = await connect(port, [{ connect: {} }, { subscribe: { channel } }]);
  const sink = { onReceived: (_count: number) => {}, close: () => wire.close() };
  countLines(wire, (count) => sink.onReceived(count));
  wire.onClosed = (reason) => {
    throw new Error(`a sink: ${reason}`);
  };
  return sink;
}
