import { randomUUID } from 'node:crypto';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  Ack,
  Command,
  Delivery,
  decodePayload,
  Event,
  encodePayload,
  type FrameHeaderInit,
  FrameType,
  REPLAY_WINDOW_NONCES,
  readFrame,
} from '../../proto/index.ts';
import { BifrostSocket, codeOf, nextNonce, signedFrame } from '../support/bifrost-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type DeviceCredentials,
  type World,
} from '../support/world.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const STORED = { delivery: Delivery.STORED };
const reading = (number: number) => encodePayload(Event, { name: 'x', value: { number }, unit: 'celsius' });

/** A sender, and a reader that is connected in its network. */
async function senderAndReader(): Promise<{ sender: DeviceCredentials; reader: BifrostSocket }> {
  const household = await createHousehold(server, world.adminToken);
  const other = await createDevice(server, household.token, household.network.id, 'Reader');
  return { sender: household.device, reader: await BifrostSocket.open(server, other) };
}

/** Frames of a sender with nonces one after the other, and what each measured. */
function framesOf(sender: DeviceCredentials, count: number) {
  return Array.from({ length: count }, (_, index) => {
    const id = randomUUID();
    const bytes = Buffer.from(signedFrame(sender, { ...STORED, id, nonce: nextNonce() }, reading(index)));
    return { id, bytes };
  });
}

/** The ids of what the reader hears until `last` has come. */
async function heardUntil(reader: BifrostSocket, last: string): Promise<string[]> {
  const heard: string[] = [];
  while (heard.at(-1) !== last) heard.push((await reader.next(FrameType.EVENT)).header.id);
  return heard;
}

async function mqttClient(device: DeviceCredentials): Promise<MqttClient> {
  const client = await connectAsync(server.mqttUrl, {
    clientId: device.deviceId,
    username: device.deviceId,
    password: device.token,
    reconnectPeriod: 0,
    resubscribe: false,
  });
  client.on('error', () => undefined);
  onTestFinished(() => void client.end(true));
  return client;
}
const up = (device: DeviceCredentials) => `bifrost/v1/${device.deviceId}/up`;
const down = (device: DeviceCredentials) => `bifrost/v1/${device.deviceId}/down`;

describe('a STORED frame that is sent after later ones', () => {
  it('is kept over MQTT before its PUBACK, and once however often it comes', async () => {
    const { sender, reader } = await senderAndReader();
    const client = await mqttClient(sender);
    const [late, ...ahead] = framesOf(sender, 4);
    const [end] = framesOf(sender, 1);
    if (late === undefined || end === undefined) throw new Error('no frames');
    for (const { bytes } of ahead) await client.publishAsync(up(sender), bytes, { qos: 1 });
    for (const dup of [false, true, true]) {
      await client.publishAsync(up(sender), late.bytes, { qos: 1, dup });
    }
    const again = await mqttClient(sender);
    await again.publishAsync(up(sender), late.bytes, { qos: 1, dup: true });
    await again.publishAsync(up(sender), end.bytes, { qos: 1 });
    expect(await heardUntil(reader, end.id)).toEqual([...ahead, late, end].map(({ id }) => id));
  });

  it('is kept over WebSocket, once, and acknowledged with its position each time', async () => {
    const { sender, reader } = await senderAndReader();
    const socket = await BifrostSocket.open(server, sender);
    const [late, ...ahead] = framesOf(sender, 4);
    if (late === undefined) throw new Error('no frames');
    for (const { bytes } of [...ahead, late, late]) socket.socket.send(bytes);
    const offsets: [string | null, number][] = [];
    for (let count = 0; count < 5; count++) {
      const { header, payload } = await socket.next(FrameType.ACK);
      offsets.push([header.correlationId, decodePayload(Ack, payload).offset]);
    }
    const expected = [...ahead, late, late].map(({ id }, index) => [id, Math.min(index + 1, 4)]);
    expect(offsets).toEqual(expected);
    expect(await heardUntil(reader, late.id)).toEqual([...ahead, late].map(({ id }) => id));
  });

  it('is refused below the window, over either, and not stored', async () => {
    const { sender, reader } = await senderAndReader();
    const socket = await BifrostSocket.open(server, sender);
    const [old] = framesOf(sender, 1);
    if (old === undefined) throw new Error('no frame');
    const lastNonce = readFrame(new Uint8Array(old.bytes)).header.nonce + REPLAY_WINDOW_NONCES;
    const last = randomUUID();
    socket.send({ ...STORED, nonce: lastNonce, id: last }, reading(1));
    await socket.next(FrameType.ACK);
    socket.socket.send(old.bytes);
    expect(codeOf(await socket.next(FrameType.ERROR))).toBe('frame_replayed');
    const client = await mqttClient(sender);
    await client.subscribeAsync(down(sender), { qos: 1 });
    const refused = new Promise<Buffer>((resolve) =>
      client.once('message', (_topic, message) => resolve(message)),
    );
    await client.publishAsync(up(sender), old.bytes, { qos: 1 });
    expect(codeOf(readFrame(new Uint8Array(await refused)))).toBe('frame_replayed');
    expect(await heardUntil(reader, last)).toEqual([last]);
    reader.send({ type: FrameType.PING });
    await reader.next(FrameType.PONG);
    expect(reader.frames).toEqual([]);
  });
});

describe('a STORED frame over MQTT that will never be kept', () => {
  const forNobody: Partial<FrameHeaderInit> = { ...STORED, type: FrameType.COMMAND };
  const command = (sender: DeviceCredentials) =>
    Buffer.from(
      signedFrame(
        sender,
        { ...forNobody, destinationId: randomUUID() },
        encodePayload(Command, { name: 'x' }),
      ),
    );

  it('gets its PUBACK after the device was told why', async () => {
    const { sender } = await senderAndReader();
    const client = await mqttClient(sender);
    await client.subscribeAsync(down(sender), { qos: 1 });
    const order: string[] = [];
    client.on('packetreceive', ({ cmd }) => order.push(cmd));
    await client.publishAsync(up(sender), command(sender), { qos: 1 });
    expect(order).toEqual(['publish', 'puback']);
  });

  it('ends the connection of a device that is not subscribed, without PUBACK', async () => {
    const { sender } = await senderAndReader();
    const client = await mqttClient(sender);
    const order: string[] = [];
    client.on('packetreceive', ({ cmd }) => order.push(cmd));
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    client.publish(up(sender), command(sender), { qos: 1 }, () => undefined);
    await closed;
    expect(order).toEqual([]);
  });
});
