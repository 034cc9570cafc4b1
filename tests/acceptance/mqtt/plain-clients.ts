import { once } from 'node:events';
import { createConnection } from 'node:net';
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';
import { eventually } from '../../integration/http/server-under-test.ts';
import { connectPacket, packet } from '../../integration/mqtt/server-under-test.ts';
import type { TestServer } from '../../support/server.ts';
import type { DeviceCredentials } from '../../support/world.ts';

/** A message as a client heard it: topic, payload, QoS, and `retained` or `repeated` where it was. */
export type Heard = string;

/** A client of mqtt.js that notes what it hears. */
export interface PlainClient {
  readonly mqtt: MqttClient;
  readonly heard: Heard[];
  /** The same as packets. */
  readonly packets: IPublishPacket[];
  /** True when CONNACK said so. */
  readonly sessionPresent: boolean;
  /** Resolves when as many messages were heard. */
  hears(count: number): Promise<readonly Heard[]>;
  /** Resolves when everything that was sent to it before was heard: by a message to itself over its own topic. */
  settled(): Promise<void>;
  /** Cuts the connection without DISCONNECT. */
  vanish(): Promise<void>;
}

let settlements = 0;

/** Connects as a device. Clients end with their test. */
export async function connectPlain(
  server: TestServer,
  device: DeviceCredentials,
  options: IClientOptions = {},
  url = server.mqttUrl,
): Promise<PlainClient> {
  const client = mqtt.connect(url, {
    username: device.deviceId,
    password: device.token,
    reconnectPeriod: 0,
    ...options,
  });
  const heard: Heard[] = [];
  const packets: IPublishPacket[] = [];
  const seen = new Set<string>();
  client.on('message', (topic, payload, packet) => {
    if (topic.endsWith('/settled')) seen.add(payload.toString());
    else {
      const marks = [packet.retain ? 'retained' : '', packet.dup ? 'repeated' : ''].filter(Boolean);
      packets.push(packet);
      heard.push([topic, payload.toString(), packet.qos, ...marks].join(' '));
    }
  });
  onTestFinished(() => void client.end(true));
  const sessionPresent = await new Promise<boolean>((resolve, reject) => {
    client.once('connect', (connack) => resolve(connack.sessionPresent));
    client.once('error', reject);
    client.once('close', () => reject(new Error('the connection was cut')));
  });
  client.on('error', () => undefined);
  return {
    mqtt: client,
    heard,
    packets,
    sessionPresent,
    async hears(count) {
      await eventually(`${count} messages, not ${JSON.stringify(heard)}`, () => heard.length >= count);
      return heard;
    },
    async settled() {
      const topic = `devices/${device.deviceId}/settled`;
      const mark = String(++settlements);
      await client.subscribeAsync(topic, { qos: 1 });
      await client.publishAsync(topic, mark, { qos: 1 });
      await eventually('the mark', () => seen.has(mark));
    },
    async vanish() {
      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
      client.stream.destroy();
      await closed;
    },
  };
}

/** A client of bytes, with the lasting session `lasting` of a device. */
export async function connectRaw(
  server: Pick<TestServer, 'mqttUrl'>,
  { deviceId, token }: DeviceCredentials,
) {
  const { hostname, port } = new URL(server.mqttUrl);
  const socket = createConnection(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let received = Buffer.alloc(0);
  socket.on('data', (data) => {
    received = Buffer.concat([received, data]);
  });
  socket.on('error', () => undefined);
  /** First bytes of the packets that came, in order. */
  const types = (): number[] => {
    const found: number[] = [];
    for (let at = 0; at + 1 < received.length; at += 2 + (received[at + 1] as number))
      found.push(received[at] as number);
    return found;
  };
  const receives = (type: number) =>
    eventually(`a packet ${type.toString(16)}, not ${types()}`, () => types().includes(type));
  socket.write(connectPacket(deviceId, { clientId: 'lasting', password: token, clean: false }));
  await receives(0x20);
  return {
    types,
    receives,
    send: (first: number, ...body: Uint8Array[]) => void socket.write(packet(first, ...body)),
    async vanish() {
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    },
  };
}
