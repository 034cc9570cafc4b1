import { randomUUID } from 'node:crypto';
import { type Delivery, FrameType, readFrame } from '../../proto/index.ts';
import type { Credentials } from '../processes/product.ts';
import { encodeAcknowledgement, FrameMint, openBifrost, typeOf } from '../wire/bifrost.ts';
import { type CentrifugoSpec, openCentrifugoSink, openCentrifugoSource } from '../wire/centrifugo.ts';
import { HttpWire } from '../wire/http.ts';
import { MqttWire, publishTemplate } from '../wire/mqtt.ts';
import { type NatsSpec, openNatsSink, openNatsSource } from '../wire/nats.ts';
import { openRatatoskr, type RatatoskrSpec } from '../wire/ratatoskr.ts';
import { messageBytesMax, WebSocketWire, writeMessageHead } from '../wire/websocket.ts';

/** Where messages of a lane come from. */
export type SourceSpec =
  | {
      readonly kind: 'bifrost';
      readonly port: number;
      readonly credentials: Credentials;
      readonly delivery: Delivery;
      readonly destinationId: string | null;
    }
  | { readonly kind: 'websocket'; readonly port: number; readonly path: string }
  | {
      readonly kind: 'bifrost-mqtt';
      readonly port: number;
      readonly credentials: Credentials;
      readonly delivery: Delivery;
      readonly destinationId: string | null;
      readonly qos: 0 | 1;
    }
  | {
      readonly kind: 'mqtt';
      readonly port: number;
      readonly topic: string;
      readonly qos: 0 | 1;
      /** Of a device that is a plain client; without them nobody signs in. */
      readonly credentials?: Credentials;
    }
  | RatatoskrSpec
  | NatsSpec
  | CentrifugoSpec
  | {
      readonly kind: 'http';
      readonly port: number;
      readonly path: string;
      readonly token: string | null;
      readonly headers?: Readonly<Record<string, string>>;
    };

/** Where they arrive; `away` is nobody. */
export type SinkSpec =
  | { readonly kind: 'bifrost'; readonly port: number; readonly credentials: Credentials }
  | { readonly kind: 'websocket'; readonly port: number; readonly path: string }
  | { readonly kind: 'bifrost-mqtt'; readonly port: number; readonly credentials: Credentials }
  | {
      readonly kind: 'mqtt';
      readonly port: number;
      readonly topic: string;
      readonly qos: 0 | 1;
      readonly clientId?: string;
      readonly credentials?: Credentials;
      /** How many subscribe; a message has arrived when all have it. */
      readonly subscribers?: number;
    }
  | NatsSpec
  | CentrifugoSpec
  | { readonly kind: 'away' };

/** Messages from one client to another, all of one size. */
export interface LaneSpec {
  readonly source: SourceSpec;
  readonly sink: SinkSpec;
  readonly messageBytes: number;
  /** What makes room for the next message: its acknowledgement to the source, or its arrival. */
  readonly progress: 'acknowledged' | 'received';
}

/** A lane whose clients are connected. */
export interface Lane {
  /** Sends the next messages, in one write. */
  send(count: number): void;
  onProgress: (count: number) => void;
  onReceived: (count: number) => void;
  close(): void;
}

interface Source {
  send(count: number): void;
  onAcknowledged: (count: number) => void;
  close(): void;
}

interface Sink {
  onReceived: (count: number) => void;
  close(): void;
}

/** Connects both ends, the sink first. Throws into the process when a connection is lost later. */
export async function openLane(spec: LaneSpec): Promise<Lane> {
  const sink = await openSink(spec.sink);
  const source = await openSource(spec);
  const lane: Lane = {
    send: (count) => source.send(count),
    onProgress: () => {},
    onReceived: () => {},
    close: () => {
      source.close();
      sink.close();
    },
  };
  source.onAcknowledged = (count) => {
    if (spec.progress === 'acknowledged') lane.onProgress(count);
  };
  sink.onReceived = (count) => {
    lane.onReceived(count);
    if (spec.progress === 'received') lane.onProgress(count);
  };
  return lane;
}

const failed = (what: string) => (reason: string) => {
  throw new Error(`${what}: ${reason}`);
};

async function openSource({ source, messageBytes }: LaneSpec): Promise<Source> {
  if (source.kind === 'websocket') return openWebSocketSource(source.port, source.path, messageBytes);
  if (source.kind === 'bifrost') {
    const wire = await openBifrost(source.port, source.credentials);
    const mint = new FrameMint({ ...source, frameBytes: messageBytes });
    const opened: Source = {
      send: (count) =>
        wire.send(encodeMessages(count, mint.frameBytes, (out, at) => mint.writeInto(out, at))),
      onAcknowledged: () => {},
      close: () => wire.close(),
    };
    wire.onClosed = failed('a source');
    wire.onMessages = (messages) => {
      let acknowledged = 0;
      for (const message of messages) {
        if (typeOf(message) === FrameType.ACK) acknowledged++;
        else if (typeOf(message) === FrameType.ERROR) failed('a source')('the server refused a frame');
      }
      opened.onAcknowledged(acknowledged);
    };
    return opened;
  }
  if (source.kind === 'ratatoskr') return openRatatoskr(source);
  if (source.kind === 'nats') return openNatsSource(source, messageBytes);
  if (source.kind === 'centrifugo') return openCentrifugoSource(source, messageBytes);
  if (source.kind === 'http') return openHttpSource(source);
  return openMqttSource(source, messageBytes);
}

async function openHttpSource(spec: Extract<SourceSpec, { kind: 'http' }>): Promise<Source> {
  const { port, path, token, headers = {} } = spec;
  const wire = await HttpWire.connect(port);
  const given = { ...headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
  const lines = Object.entries(given).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${lines.join('')}\r\n`;
  const opened: Source = {
    send: (count) => wire.send(Buffer.from(request.repeat(count))),
    onAcknowledged: () => {},
    close: () => wire.close(),
  };
  wire.onClosed = failed(path);
  wire.onAnswered = (count) => opened.onAcknowledged(count);
  return opened;
}

async function openWebSocketSource(port: number, path: string, messageBytes: number): Promise<Source> {
  const wire = await WebSocketWire.connect({ port, path });
  wire.onClosed = failed('a source');
  return {
    send: (count) =>
      wire.send(encodeMessages(count, messageBytes, (out, at) => out.fill(0x61, at, at + messageBytes))),
    onAcknowledged: () => {},
    close: () => wire.close(),
  };
}

async function openMqttSource(
  source: Extract<SourceSpec, { kind: 'mqtt' | 'bifrost-mqtt' }>,
  messageBytes: number,
): Promise<Source> {
  const { port, qos } = source;
  const isDevice = source.kind === 'bifrost-mqtt';
  const mint = isDevice ? new FrameMint({ ...source, frameBytes: messageBytes }) : null;
  const wire = await MqttWire.connect(
    isDevice
      ? clientOf(port, source.credentials)
      : { ...namesOf(source.credentials), port, clientId: randomUUID(), clean: true },
  );
  const topic = isDevice ? `bifrost/v1/${source.credentials.deviceId}/up` : source.topic;
  const template = publishTemplate(topic, qos, mint?.frameBytes ?? messageBytes);
  let packetId = 0;
  const opened: Source = {
    send: (count) => {
      const { bytes, idAt, payloadAt } = template;
      const out = Buffer.allocUnsafe(count * bytes.length);
      for (let at = 0; at < out.length; at += bytes.length) {
        bytes.copy(out, at);
        if (idAt > 0) {
          packetId = (packetId % 0xffff) + 1;
          out.writeUInt16BE(packetId, at + idAt);
        }
        mint?.writeInto(out, at + payloadAt);
      }
      wire.send(out);
    },
    onAcknowledged: () => {},
    close: () => wire.close(),
  };
  wire.onClosed = failed('a source');
  wire.onAcknowledged = (count) => opened.onAcknowledged(count);
  return opened;
}

async function openSink(spec: SinkSpec): Promise<Sink> {
  const sink: Sink = { onReceived: () => {}, close: () => {} };
  if (spec.kind === 'away') return sink;
  if (spec.kind === 'nats') return openNatsSink(spec);
  if (spec.kind === 'centrifugo') return openCentrifugoSink(spec);
  if (spec.kind === 'bifrost') {
    const wire = await openBifrost(spec.port, spec.credentials);
    wire.onClosed = failed('a sink');
    wire.onMessages = (messages) => {
      const { streamOffset } = readFrame(messages.at(-1) as Buffer);
      if (streamOffset > 0) wire.send(encodeAcknowledgement(spec.credentials, streamOffset));
      sink.onReceived(messages.length);
    };
    sink.close = () => wire.close();
  } else if (spec.kind === 'websocket') {
    const wire = await WebSocketWire.connect(spec);
    wire.onClosed = failed('a sink');
    wire.onMessages = (messages) => sink.onReceived(messages.length);
    sink.close = () => wire.close();
  } else if (spec.kind === 'bifrost-mqtt') {
    const wire = await MqttWire.connect(clientOf(spec.port, spec.credentials));
    wire.onClosed = failed('a sink');
    wire.onPublished = (count) => sink.onReceived(count);
    await wire.subscribe(`bifrost/v1/${spec.credentials.deviceId}/down`, 1);
    sink.close = () => wire.close();
  } else await openPlainSink(sink, spec);
  return sink;
}

/** Subscribers of one topic. */
async function openPlainSink(sink: Sink, spec: Extract<SinkSpec, { kind: 'mqtt' }>): Promise<void> {
  const { port, topic, qos, clientId, credentials, subscribers = 1 } = spec;
  const received = new Array<number>(subscribers).fill(0);
  let ofAll = 0;
  const wires = await Promise.all(
    received.map(async (_, index) => {
      const id = clientId ?? randomUUID();
      const target = { ...namesOf(credentials), port, clientId: id, clean: clientId === undefined };
      const wire = await MqttWire.connect(target);
      wire.onClosed = failed('a sink');
      wire.onPublished = (count) => {
        received[index] = (received[index] as number) + count;
        const least = Math.min(...received);
        if (least === ofAll) return;
        const more = least - ofAll;
        ofAll = least;
        sink.onReceived(more);
      };
      await wire.subscribe(topic, qos);
      return wire;
    }),
  );
  sink.close = () => {
    for (const wire of wires) wire.close();
  };
}

/** How a plain client signs in. */
const namesOf = (credentials: Credentials | undefined) =>
  credentials === undefined ? {} : { username: credentials.deviceId, password: credentials.token };

function clientOf(port: number, { deviceId, token }: Credentials) {
  return { port, clientId: deviceId, username: deviceId, password: token, clean: true };
}

function encodeMessages(count: number, length: number, write: (out: Buffer, at: number) => void): Buffer {
  const out = Buffer.allocUnsafe(count * messageBytesMax(length));
  let position = 0;
  for (let i = 0; i < count; i++) {
    position = writeMessageHead(out, position, length);
    write(out, position);
    position += length;
  }
  return out.subarray(0, position);
}
