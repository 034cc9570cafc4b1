import { createRequire } from 'node:module';
import { createConnection } from 'node:net';
import { onTestFinished } from 'vitest';
import { eventually } from '../../integration/http/server-under-test.ts';
import type { TestServer } from '../../support/server.ts';
import type { DeviceCredentials } from '../../support/world.ts';

/** A packet of MQTT 5 as mqtt-packet has it. */
export interface Packet5 {
  readonly cmd: string;
  readonly [field: string]: unknown;
}

interface Parser {
  parse(bytes: Buffer): void;
  on(event: 'packet' | 'error', listener: (value: never) => void): void;
}

// It comes with mqtt, and reads and writes every packet by itself.
const foreign = createRequire(createRequire(import.meta.url).resolve('mqtt'))('mqtt-packet') as {
  generate(packet: object, options: { protocolVersion: 5 }): Buffer;
  parser(options: { protocolVersion: 5 }): Parser;
};

/** The bytes of a packet. */
export const bytesOf = (packet: object): Buffer => foreign.generate(packet, { protocolVersion: 5 });

/** A PUBLISH. */
export const publish = (topic: string, more: object = {}) => ({
  cmd: 'publish',
  topic,
  payload: Buffer.from('x'),
  qos: 0,
  retain: false,
  dup: false,
  ...more,
});

/** A SUBSCRIBE of one filter. */
export const subscribe = (topic: string, more: object = {}, properties?: object) => ({
  cmd: 'subscribe',
  messageId: 1,
  subscriptions: [{ topic, qos: 2, nl: false, rap: false, rh: 0, ...more }],
  ...(properties === undefined ? {} : { properties }),
});

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export const ack = (cmd: string, messageId: number, reasonCode = 0) => ({ cmd, messageId, reasonCode });

/** A text with its length before it, of up to 255 bytes. */
export const topicBytes = (text: string): number[] => [0, Buffer.byteLength(text), ...Buffer.from(text)];

/** A packet of up to 127 bytes behind its length. */
export const packetBytes = (first: number, ...body: number[]): number[] => [first, body.length, ...body];

/** A CONNECT of bytes: properties, flags, and what stands behind them. */
export const connectBytes = (properties: number[], flags = 2, rest: number[] = [0, 1, 0x61]): number[] =>
  packetBytes(0x10, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5, flags, 0, 60, properties.length, ...properties, ...rest);

/** A CONNECT of MQTT 5 by a device. */
export const connect5 = ({ deviceId, token }: DeviceCredentials, more: object = {}) => ({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 5,
  clean: true,
  clientId: 'packets',
  keepalive: 60,
  username: deviceId,
  password: Buffer.from(token),
  ...more,
});

/** A client that sends packets of MQTT 5, or any bytes, and hears packets. */
export async function openPackets(server: TestServer) {
  const { hostname, port } = new URL(server.mqttUrl);
  const socket = createConnection(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  const heard: Packet5[] = [];
  let taken = 0;
  let received = Buffer.alloc(0);
  const state = { isClosed: false };
  const parser = foreign.parser({ protocolVersion: 5 });
  parser.on('packet', (packet: never) => void heard.push(packet));
  socket.on('data', (bytes) => {
    received = Buffer.concat([received, bytes]);
    parser.parse(bytes);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    state.isClosed = true;
  });
  return {
    heard,
    bytes: () => received,
    send: (...packets: object[]) => void socket.write(Buffer.concat(packets.map(bytesOf))),
    sendBytes: (...bytes: (Uint8Array | number[])[]) =>
      void socket.write(Buffer.concat(bytes.map((part) => Buffer.from(part)))),
    /** The next packet that wasn't asked for yet, without what mqtt-packet adds. */
    async next(): Promise<Packet5> {
      const packet = await eventually(
        `a packet after ${JSON.stringify(heard)}${state.isClosed ? ', closed' : ''}`,
        () => heard[taken],
      );
      taken++;
      return packet;
    },
    closed: () => eventually('the end of the connection', () => state.isClosed),
    stopReading: () => void socket.pause(),
    vanish: () => void socket.destroy(),
  };
}

export type PacketClient = Awaited<ReturnType<typeof openPackets>>;

/** The same, after a CONNECT that was accepted. */
export async function connectPackets(
  server: TestServer,
  device: DeviceCredentials,
  more: object = {},
): Promise<PacketClient & { readonly connack: Packet5 }> {
  const client = await openPackets(server);
  client.send(connect5(device, more));
  const connack = await client.next();
  return { ...client, connack };
}

/** What the client hears before this text. */
export async function until(client: Pick<PacketClient, 'next'>, last: string): Promise<Packet5[]> {
  const heard = [await client.next()];
  while (String(heard.at(-1)?.payload) !== last) heard.push(await client.next());
  return heard.slice(0, -1);
}
