import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../support/server.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type DeviceCredentials,
  type World,
} from '../../support/world.ts';
import { connectPlain, type PlainClient } from './plain-clients.ts';

let server: TestServer;
let world: World;
beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const NOT_AUTHORIZED = 0x87;
const NOTHING_BUT_HOME = { publish: ['home/+'], subscribe: ['home/#'] };

/** A household with a device of its own, and one of a guest. */
async function home() {
  const owner = await createHousehold(server, world.adminToken);
  const guest = await createHousehold(server, world.adminToken);
  await server.post(
    '/api/v1/members',
    { userId: guest.userId, role: 'member', networkIds: [owner.network.id] },
    owner.token,
  );
  await server.request('PUT', `/api/v1/devices/${guest.device.deviceId}/networks/${owner.network.id}`, {
    token: guest.token,
    expect: 200,
  });
  const path = `/api/v1/networks/${owner.network.id}/topic-rights`;
  const set = (holder: string, body: object) =>
    server.request('PUT', `${path}/${holder}`, { body, token: owner.token, expect: 200 });
  const remove = (holder: string) =>
    server.request('DELETE', `${path}/${holder}`, { token: owner.token, expect: 200 });
  const list = () => server.get<{ items: Record<string, unknown>[] }>(path, owner.token);
  const enter = (device: DeviceCredentials, options = {}) =>
    connectPlain(server, device, { username: `${device.deviceId}@${owner.network.id}`, ...options });
  const newDevice = () => createDevice(server, owner.token, owner.network.id, crypto.randomUUID());
  return { owner, guest, set, remove, list, enter, newDevice };
}

/** What became of a publication or a subscription: done, a code of MQTT 5, a message, or the connection was cut. */
function outcomeOf(client: PlainClient, work: Promise<unknown>): Promise<unknown> {
  return Promise.race([
    work.then(
      () => 'done',
      (error: { code?: unknown; message: string }) => error.code ?? error.message,
    ),
    new Promise((resolve) => client.mqtt.once('close', () => resolve('cut'))),
  ]);
}
const publish = (client: PlainClient, topic: string) =>
  outcomeOf(client, client.mqtt.publishAsync(topic, '1', { qos: 1 }));
const subscribe = (client: PlainClient, filter: string) =>
  outcomeOf(client, client.mqtt.subscribeAsync(filter, { qos: 1 }));
const cutOf = (client: PlainClient) =>
  new Promise<void>((resolve) => client.mqtt.once('close', () => resolve()));

describe.each([4, 5] as const)('a device with rights of its own, over MQTT level %i', (protocolVersion) => {
  const refused = protocolVersion === 5 ? NOT_AUTHORIZED : 'cut';

  it('uses what they name and its own topics, and nothing else', async () => {
    const { owner, set, enter } = await home();
    await set(owner.device.deviceId, NOTHING_BUT_HOME);
    const lamp = await enter(owner.device, { protocolVersion });
    expect(await subscribe(lamp, 'home/#')).toBe('done');
    expect(await subscribe(lamp, `devices/${owner.device.deviceId}/commands/#`)).toBe('done');
    expect(await publish(lamp, 'home/a')).toBe('done');
    expect(await publish(lamp, `devices/${owner.device.deviceId}/readings/t`)).toBe('done');
    expect(await lamp.hears(1)).toEqual(['home/a 1 1']);
    for (const filter of ['#', '+/a', 'other', 'devices/#'])
      expect(String(await subscribe(lamp, filter))).toMatch(/Subscribe error/);
    expect(await publish(lamp, 'home/a/b')).toBe(refused);
  });

  it('leaves no will elsewhere, and gives other devices no commands', async () => {
    const { owner, set, enter, newDevice } = await home();
    const other = await newDevice();
    await set(owner.device.deviceId, { publish: ['home/+'], subscribe: null });
    const will = { topic: 'other', payload: Buffer.from('x'), qos: 1 as const, retain: false };
    await expect(enter(owner.device, { protocolVersion, will })).rejects.toThrow('Not authorized');
    const lamp = await enter(owner.device, { protocolVersion });
    expect(await subscribe(lamp, '#')).toBe('done');
    expect(await publish(lamp, `devices/${other.deviceId}/commands/led.set`)).toBe(refused);
  });

  it('is cut when they change, and gets nothing any more by a subscription that they do not cover', async () => {
    const { owner, set, remove, enter, newDevice } = await home();
    const speaker = await enter(await newDevice());
    const lasting = {
      protocolVersion,
      clientId: 'lasting',
      clean: false,
      properties: { sessionExpiryInterval: 600 },
    };
    const lamp = await enter(owner.device, lasting);
    for (const filter of ['home/#', 'secret/#']) expect(await subscribe(lamp, filter)).toBe('done');
    const cut = cutOf(lamp);
    await set(owner.device.deviceId, NOTHING_BUT_HOME);
    await cut;
    for (const topic of ['secret/1', 'home/1']) await publish(speaker, topic);
    const again = await enter(owner.device, lasting);
    expect(again.sessionPresent).toBe(true);
    for (const topic of ['secret/2', 'home/2']) await publish(speaker, topic);
    expect(await again.hears(2)).toEqual(['home/1 1 1', 'home/2 1 1']);
    const cutAgain = cutOf(again);
    await remove(owner.device.deviceId);
    await cutAgain;
    const free = await enter(owner.device, { protocolVersion });
    expect(await subscribe(free, '#')).toBe('done');
  });
});

describe('the rights of guests', () => {
  it('hold for devices of other tenants, beside rights of one of these alone', async () => {
    const { owner, guest, set, enter } = await home();
    const phone = await enter(guest.device);
    const cut = cutOf(phone);
    const lamp = await enter(owner.device);
    await set('guests', { publish: [], subscribe: ['home/#'] });
    await cut;
    const again = await enter(guest.device);
    expect(String(await subscribe(again, '#'))).toMatch(/Subscribe error/);
    expect(await publish(again, 'home/a')).toBe('cut');
    expect(await subscribe(lamp, '#')).toBe('done');
    await set(guest.device.deviceId, { publish: ['home/a'], subscribe: null });
    const allowed = await enter(guest.device);
    expect(await subscribe(allowed, '#')).toBe('done');
    expect(await publish(allowed, 'home/a')).toBe('done');
  });

  it('are listed and removed by who manages the network, and go with the device', async () => {
    const { guest, set, remove, list } = await home();
    await set('guests', { publish: [], subscribe: null });
    await set(guest.device.deviceId, NOTHING_BUT_HOME);
    expect((await list()).items).toEqual([
      { holder: 'guests', publish: [], subscribe: null, changedAt: expect.any(String) },
      { holder: guest.device.deviceId, ...NOTHING_BUT_HOME, changedAt: expect.any(String) },
    ]);
    await server.request('DELETE', `/api/v1/devices/${guest.device.deviceId}`, {
      token: guest.token,
      expect: 200,
    });
    await remove('guests');
    expect((await list()).items).toEqual([]);
  });
});

it.each([
  { publish: ['a/#/b'], subscribe: null },
  { publish: null, subscribe: ['$SYS/#'] },
  { publish: [''], subscribe: null },
  { publish: Array.from({ length: 65 }, (_, index) => `t/${index}`), subscribe: null },
  { publish: 'a', subscribe: null },
  { publish: [] },
])('%j are no rights', async (body) => {
  const { alice } = world;
  const path = `/api/v1/networks/${alice.network.id}/topic-rights/guests`;
  const { status, body: answer } = await server.request('PUT', path, { body, token: alice.token });
  expect([status, (answer.error as { code: string }).code]).toEqual([400, 'invalid_input']);
});
