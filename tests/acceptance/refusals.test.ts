import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameType } from '../../proto/index.ts';
import { eventually } from '../integration/http/server-under-test.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createHousehold, createWorld, type World } from '../support/world.ts';
import { connectPlain } from './mqtt/plain-clients.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

type Items = { items: Record<string, unknown>[] };

async function home() {
  const household = await createHousehold(server, world.adminToken);
  const { device, token } = household;
  const path = `/api/v1/devices/${device.deviceId}/refusals`;
  const read = async () => (await server.get<Items>(path, token)).items;
  const reads = async (count: number) => {
    await eventually(`${count} refusals`, async () => (await read()).length === count);
    return read();
  };
  return { household, device, token, path, read, reads };
}

describe('the refusals of a device', () => {
  it('are what it published and was not taken, with topic and reason, also where its connection ended', async () => {
    const { device, reads, read } = await home();
    expect(await read()).toEqual([]);
    const plain = await connectPlain(server, device);
    const topic = `devices/${device.deviceId}/readings/t`;
    await plain.mqtt.publishAsync(topic, 'ON', { qos: 1 });
    const [first] = await reads(1);
    expect(first).toEqual({
      at: expect.any(String),
      transport: 'mqtt',
      topic,
      code: 'malformed_json',
      reason: 'The payload is not JSON. A text stands in quotes: "on".',
      count: 1,
    });
    expect(Math.abs(Date.parse(String(first?.at)) - Date.now())).toBeLessThan(60_000);
    const other = await connectPlain(server, device);
    const closed = new Promise<void>((resolve) => other.mqtt.once('close', () => resolve()));
    other.mqtt.publish('bifrost/v1/x', 'x', { qos: 0 });
    await closed;
    expect((await reads(2)).map(({ code }) => code)).toEqual(['topic_forbidden', 'malformed_json']);
  });

  it('are frames of signing devices, too, those of a second as one', async () => {
    const { device, reads } = await home();
    const socket = await BifrostSocket.open(server, device);
    for (let index = 0; index < 3; index++) socket.send({ type: FrameType.WELCOME });
    await eventually('three refusals', () => socket.frames.length === 3);
    socket.close();
    const told = await reads(2);
    const known = {
      at: expect.any(String),
      transport: 'websocket',
      topic: null,
      code: 'frame_type_unexpected',
    };
    const reason = 'A device may not send this type of frame now.';
    expect(told).toEqual([
      { ...known, reason, count: 2 },
      { ...known, reason, count: 1 },
    ]);
  });

  it('are the last twenty, and go with the device', async () => {
    const { device, token, path, read } = await home();
    for (let index = 0; index < 22; index++) {
      const plain = await connectPlain(server, device);
      await plain.mqtt.publishAsync(`devices/${device.deviceId}/state/${index}`, '{', { qos: 1 });
      await plain.mqtt.endAsync();
    }
    await eventually('the last', async () => String((await read())[0]?.topic).endsWith('/21'));
    expect((await read()).map(({ topic }) => String(topic).split('/').at(-1))).toEqual(
      Array.from({ length: 20 }, (_, index) => String(21 - index)),
    );
    expect((await server.request('GET', path, { token: world.alice.token })).status).toBe(404);
    await server.request('DELETE', `/api/v1/devices/${device.deviceId}`, { token });
    expect((await server.request('GET', path, { token })).status).toBe(404);
  });

  it('of a guest device are its own tenant’s alone', async () => {
    const { household, read } = await home();
    const { alice } = world;
    await server.post(
      '/api/v1/members',
      { userId: household.userId, role: 'member', networkIds: [alice.network.id] },
      alice.token,
    );
    const guest = await createDevice(server, household.token, household.network.id, 'Guest');
    const joined = await server.request(
      'PUT',
      `/api/v1/devices/${guest.deviceId}/networks/${alice.network.id}`,
      {
        token: household.token,
      },
    );
    expect(joined.status).toBeLessThan(300);
    const plain = await connectPlain(server, guest);
    await plain.mqtt.publishAsync(`devices/${guest.deviceId}/state/x`, '{', { qos: 1 });
    const path = `/api/v1/devices/${guest.deviceId}/refusals`;
    await eventually(
      'the refusal',
      async () => (await server.get<Items>(path, household.token)).items.length === 1,
    );
    expect((await server.get<Items>(path, alice.token)).items).toEqual([]);
    expect(await read()).toEqual([]);
  });
});
