import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createBifrostClient, type UndeliveredFrames } from '../../../device/client/index.ts';
import { openNodeSocket } from '../../../device/node/websocket.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { eventually } from '../../integration/http/server-under-test.ts';
import { createDeviceCore } from '../../support/core.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type DeviceCredentials,
  type World,
} from '../../support/world.ts';
import { connectPlain } from './plain-clients.ts';

/** How often frames past their limits are removed, and in this test. */
const [REMOVAL_INTERVAL_MS, QUICK_INTERVAL_MS] = [60_000, 100];
const FRAMES_MAX = 100;
const SECRET = 'secret-that-brokers-and-the-server-share';
let server: TestServer;
let world: World;

beforeAll(async () => {
  const clock = createSystemClock();
  const quick: typeof clock = {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (ms, work) => clock.after(ms === REMOVAL_INTERVAL_MS ? QUICK_INTERVAL_MS : ms, work),
  };
  server = await startTestServer(
    { YGGDRASIL_STREAM_FRAMES_MAX: String(FRAMES_MAX), YGGDRASIL_MQTT_BROKER_SECRET: SECRET },
    { clock: quick },
  );
  world = await createWorld(server);
});
afterAll(() => server.stop());

async function home() {
  const household = await createHousehold(server, world.adminToken);
  const { token, network, device } = household;
  const other = await createDevice(server, token, network.id, 'Other');
  const dropsOf = async ({ deviceId }: DeviceCredentials) =>
    (await server.get<{ items: Record<string, unknown>[] }>(`/api/v1/devices/${deviceId}/drops`, token))
      .items;
  return { ...household, device, other, dropsOf };
}

/** A Bifrost client that notes what it is told of frames that are gone. */
async function bifrost(credentials: DeviceCredentials) {
  const client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );
  onTestFinished(() => client.close());
  const told: Pick<UndeliveredFrames, 'end' | 'count' | 'ids'>[] = [];
  client.on('undelivered', ({ end, count, ids }) => void told.push({ end, count, ids }));
  await client.connect();
  return { client, told };
}

describe('what was dropped', () => {
  it('with a session that was over is told to who published it, and to whom it was for', async () => {
    const { device, other, dropsOf } = await home();
    const lasting = {
      protocolVersion: 5,
      clientId: 'lasting',
      clean: false,
      properties: { sessionExpiryInterval: 1 },
    } as const;
    const receiver = await connectPlain(server, other, lasting);
    await receiver.mqtt.subscribeAsync('home/#', { qos: 1 });
    const sender = await connectPlain(server, device);
    const sent = `devices/${device.deviceId}/dropped/sent`;
    await sender.mqtt.subscribeAsync(sent, { qos: 1 });
    await receiver.vanish();
    for (const room of ['hall', 'attic']) await sender.mqtt.publishAsync(`home/${room}`, '1', { qos: 1 });
    await sender.hears(1);
    const notice = { cause: 'session_expired', count: 2, topics: ['home/hall', 'home/attic'] };
    expect(JSON.parse(String(sender.packets[0]?.payload))).toMatchObject(notice);
    expect(await dropsOf(device)).toMatchObject([{ ...notice, end: 'sender', frameIds: [] }]);
    expect(await dropsOf(other)).toMatchObject([{ ...notice, end: 'receiver' }]);
    const back = await connectPlain(server, other, lasting);
    const received = `devices/${other.deviceId}/dropped/received`;
    await back.mqtt.subscribeAsync(received, { qos: 1 });
    await back.hears(1);
    expect(back.heard[0]).toMatch(`${received} {"at":`);
  });

  it('of frames for a device that stayed away is told to both devices, with the ids', async () => {
    const { device, other, dropsOf } = await home();
    const { client, told } = await bifrost(device);
    const event = { name: 'door', value: true, unit: '' };
    await client.publish(event, { to: other.deviceId });
    for (let count = 0; count < FRAMES_MAX; count++) await client.publish(event);
    await eventually('a notice', () => told.length > 0);
    const [{ frameIds } = { frameIds: [] }] = await dropsOf(device);
    expect(told).toEqual([{ end: 'sender', count: 1, ids: frameIds }]);
    expect(frameIds).toHaveLength(1);
    const late = await bifrost(other);
    await eventually('the same notice', () => late.told.length > 0);
    expect(late.told).toEqual([{ end: 'receiver', count: 1, ids: frameIds }]);
  });
});

describe('a broker of somebody else’s', () => {
  const ask = async (what: 'authenticate' | 'authorize', body: object, secret = SECRET) => {
    const answer = await server.request('POST', `/api/v1/mqtt/${what}`, { token: secret, body });
    return answer.status === 200 ? answer.body : answer.status;
  };

  it('learns whether a client is the device that it says, and in which network', async () => {
    const { alice, bob } = world;
    const { deviceId: username, token: password } = alice.device;
    expect(await ask('authenticate', { username, password, clientid: 'x', peerhost: '10.0.0.1' })).toEqual({
      result: 'allow',
      is_superuser: false,
      client_attrs: { network: alice.network.id },
    });
    const denied = { result: 'deny', is_superuser: false };
    for (const wrong of [
      { username, password: bob.device.token },
      { username: bob.device.deviceId, password },
      { username: `${username}@${bob.network.id}`, password },
      { username: '', password: '' },
    ]) {
      expect(await ask('authenticate', wrong)).toEqual(denied);
    }
    expect(await ask('authenticate', { username, password }, 'another-secret-of-that-length-or-longer')).toBe(
      401,
    );
    expect(await ask('authorize', { username, action: 'publish', topic: 'x' }, alice.token)).toBe(401);
  });

  it('learns what a device may do: its own topics for frames, and the tree of its network', async () => {
    const { alice, bob } = world;
    const { deviceId } = alice.device;
    const [own, foreign] = [alice, bob].map(({ network }) => `networks/${network.id}/`);
    const may = async (action: 'publish' | 'subscribe', topic: string, more: object = {}) =>
      await ask('authorize', { username: deviceId, action, topic, qos: '1', ...more });
    const [allow, deny] = [{ result: 'allow' }, { result: 'deny' }];
    for (const [action, topic] of [
      ['publish', `bifrost/v1/${deviceId}/up`],
      ['subscribe', `bifrost/v1/${deviceId}/down`],
      ['publish', `${own}devices/${deviceId}/readings/t`],
      ['publish', `${own}home/hall`],
      ['subscribe', `${own}#`],
    ] as const) {
      expect([topic, await may(action, topic)]).toEqual([topic, allow]);
    }
    for (const [action, topic] of [
      ['publish', `bifrost/v1/${bob.device.deviceId}/up`],
      ['subscribe', `bifrost/v1/${bob.device.deviceId}/down`],
      ['subscribe', `bifrost/v1/${deviceId}/up`],
      ['publish', `${own}devices/${bob.device.deviceId}/readings/t`],
      ['publish', `${own}devices/${deviceId}/desired`],
      ['publish', `${foreign}home/hall`],
      ['subscribe', `${foreign}#`],
      ['subscribe', '#'],
      ['subscribe', 'networks/+/home'],
      ['subscribe', `$share/g/${own}#`],
      ['publish', `${own}a/+/b`],
      ['publish', 'home/hall'],
      ['publish', ''],
    ] as const) {
      expect([topic, await may(action, topic)]).toEqual([topic, deny]);
    }
    expect(await may('publish', 'home/hall', { mountpoint: own })).toEqual(allow);
    expect(await may('publish', 'home/hall', { mountpoint: foreign })).toEqual(deny);
    expect(await ask('authorize', { username: 'nobody', action: 'subscribe', topic: `${own}#` })).toEqual(
      deny,
    );
  });
});
