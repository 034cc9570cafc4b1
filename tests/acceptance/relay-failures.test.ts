import { randomUUID } from 'node:crypto';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  Capabilities,
  Delivery,
  decodePayload,
  Event,
  encodePayload,
  FRAME_BYTES_MAX,
  FrameType,
  Hello,
  readFrame,
  Welcome,
} from '../../proto/index.ts';
import { type Client, connect } from '../../server/platform/database/connect.ts';
import { BifrostSocket, codeOf, signedFrame } from '../support/bifrost-socket.ts';
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
let owner: Client;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
  owner = connect(server.databaseUrl, { connectionsMax: 1 });
});
afterAll(async () => {
  await owner.end();
  await server.stop();
});

const reading = (number: number) =>
  encodePayload(Event, { name: 'sensor.temperature', value: { number }, unit: 'celsius' });

/** A household of its own with two devices. */
async function twoDevices() {
  const household = await createHousehold(server, world.adminToken);
  const other = await createDevice(server, household.token, household.network.id, 'Second device');
  const remove = (device: DeviceCredentials) =>
    server.request('DELETE', `/api/v1/devices/${device.deviceId}`, { token: household.token, expect: 200 });
  return { first: household.device, second: other, remove };
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
const closeOf = (client: MqttClient) => new Promise<void>((resolve) => client.once('close', () => resolve()));
const up = (device: DeviceCredentials) => `bifrost/v1/${device.deviceId}/up`;
const down = (device: DeviceCredentials) => `bifrost/v1/${device.deviceId}/down`;

/** Runs `work` while no frame can be stored. */
async function withoutStorage(work: () => Promise<void>): Promise<void> {
  await owner`ALTER TABLE relay_frames RENAME TO relay_frames_away`;
  try {
    await work();
  } finally {
    await owner`ALTER TABLE relay_frames_away RENAME TO relay_frames`;
  }
}

describe('a device that is removed before it opened a session', () => {
  it('is cut off on a WebSocket that said nothing yet', async () => {
    const { second, remove } = await twoDevices();
    const socket = await BifrostSocket.connect(server, second);
    await remove(second);
    expect([await socket.closed(), socket.closeReason]).toEqual([4401, 'unauthenticated']);
  });

  it('is cut off on MQTT, however long it waits with its SUBSCRIBE', async () => {
    const { second, remove } = await twoDevices();
    const client = await mqttClient(second);
    const closed = closeOf(client);
    await remove(second);
    await closed;
    expect(client.connected).toBe(false);
  });
});

describe('a STORED frame', () => {
  it('that could not be kept may come again as it is, over MQTT, and is kept then', async () => {
    const { first, second } = await twoDevices();
    const id = randomUUID();
    const frame = Buffer.from(signedFrame(first, { delivery: Delivery.STORED, id }, reading(7)));
    await withoutStorage(async () => {
      const client = await mqttClient(first);
      const closed = closeOf(client);
      let acknowledged = false;
      client.publish(up(first), frame, { qos: 1 }, (error) => {
        acknowledged = !error;
      });
      await closed;
      expect(acknowledged).toBe(false);
    });
    const again = await mqttClient(first);
    await again.publishAsync(up(first), frame, { qos: 1, dup: true });
    const reader = await BifrostSocket.open(server, second);
    expect((await reader.next(FrameType.EVENT)).header.id).toBe(id);
  });

  it('that the server can not keep does not count as a wrong one', async () => {
    const { first } = await twoDevices();
    const socket = await BifrostSocket.open(server, first);
    await withoutStorage(async () => {
      for (let number = 0; number < 30; number++) {
        socket.send({ delivery: Delivery.STORED }, reading(number));
        expect(codeOf(await socket.next(FrameType.ERROR))).toBe('unavailable');
      }
    });
    socket.send({ delivery: Delivery.STORED }, reading(1));
    await socket.next(FrameType.ACK);
  });

  it('that would be too large with its position in the stream is refused', async () => {
    const { first } = await twoDevices();
    const socket = await BifrostSocket.open(server, first);
    const changes = { delivery: Delivery.STORED };
    const overhead = signedFrame(first, changes, new Uint8Array(100_000)).length - 100_000;
    socket.send(changes, new Uint8Array(FRAME_BYTES_MAX - overhead));
    expect(codeOf(await socket.next(FrameType.ERROR))).toBe('frame_too_large');
    socket.send(changes, new Uint8Array(FRAME_BYTES_MAX - overhead - 9));
    await socket.next(FrameType.ACK);
  });

  it('that is removed before the device ever came is reported as lost', async () => {
    const { first, second } = await twoDevices();
    const socket = await BifrostSocket.open(server, first);
    for (let number = 1; number <= 3; number++) {
      socket.send({ delivery: Delivery.STORED }, reading(number));
      await socket.next(FrameType.ACK);
    }
    await owner`ALTER TABLE relay_frames NO FORCE ROW LEVEL SECURITY`;
    await owner`DELETE FROM relay_frames WHERE network_id = ${first.networkId} AND stream_offset <= 2`;
    await owner`ALTER TABLE relay_frames FORCE ROW LEVEL SECURITY`;
    await owner`ALTER TABLE relay_streams NO FORCE ROW LEVEL SECURITY`;
    await owner`UPDATE relay_streams SET expired_offset = 2 WHERE network_id = ${first.networkId}`;
    await owner`ALTER TABLE relay_streams FORCE ROW LEVEL SECURITY`;
    const reader = await BifrostSocket.connect(server, second);
    reader.send({ type: FrameType.HELLO }, encodePayload(Hello, {}));
    const { recovered } = decodePayload(Welcome, (await reader.next(FrameType.WELCOME)).payload);
    expect([recovered, (await reader.next(FrameType.EVENT)).streamOffset]).toEqual([false, 3]);
  });
});

describe('capabilities that are refused', () => {
  it('are not forwarded', async () => {
    const { first, second } = await twoDevices();
    const [sender, other] = [
      await BifrostSocket.open(server, first),
      await BifrostSocket.open(server, second),
    ];
    const tooLong = encodePayload(Capabilities, { platform: 'x'.repeat(1_000) });
    sender.send({ type: FrameType.CAPABILITIES, delivery: Delivery.STORED }, tooLong);
    expect(codeOf(await sender.next(FrameType.ERROR))).toBe('invalid_input');
    sender.send({ delivery: Delivery.STORED }, reading(1));
    await other.next(FrameType.EVENT);
    expect(other.frames).toEqual([]);
  });
});

describe('a subscription over MQTT', () => {
  it('that is made twice at once is one', async () => {
    const { first, second } = await twoDevices();
    const client = await mqttClient(second);
    const received: number[] = [];
    client.on('message', (_topic, payload) => received.push(readFrame(payload).streamOffset));
    const options = { qos: 1 } as const;
    await Promise.all([
      client.subscribeAsync(down(second), options),
      client.subscribeAsync(down(second), options),
    ]);
    const sender = await BifrostSocket.open(server, first);
    sender.send({ delivery: Delivery.STORED }, reading(1));
    await expect.poll(() => received).toEqual([1]);
    expect(client.connected).toBe(true);
  });

  it('that is taken back leaves the connection, and made again goes on where it stopped', async () => {
    const { first, second } = await twoDevices();
    const client = await mqttClient(second);
    const received: number[] = [];
    client.on('message', (_topic, payload) => received.push(readFrame(payload).streamOffset));
    await client.subscribeAsync(down(second), { qos: 1 });
    const sender = await BifrostSocket.open(server, first);
    const send = async (number: number) => {
      sender.send({ delivery: Delivery.STORED }, reading(number));
      await sender.next(FrameType.ACK);
    };
    await send(1);
    await expect.poll(() => received).toEqual([1]);
    await client.unsubscribeAsync(down(second));
    await send(2);
    await client.publishAsync(up(second), Buffer.from(signedFrame(second, {}, reading(3))), { qos: 1 });
    expect(received).toEqual([1]);
    await client.subscribeAsync(down(second), { qos: 1 });
    await expect.poll(() => new Set(received)).toEqual(new Set([1, 2]));
  });
});
