import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createBifrostClient } from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { eventually } from '../integration/http/server-under-test.ts';
import { createDeviceCore } from '../support/core.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type DeviceCredentials,
  type World,
} from '../support/world.ts';
import { connectPlain } from './mqtt/plain-clients.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

interface Side {
  state: Record<string, unknown>;
  version: number;
  changedAt: string | null;
}
interface Shadow {
  networkId: string;
  desired: Side;
  reported: Side;
}

async function home() {
  const household = await createHousehold(server, world.adminToken);
  const { device, token } = household;
  const path = `/api/v1/devices/${device.deviceId}/state`;
  const patch = (body: unknown, expect?: number) =>
    server.request('PATCH', path, { token, body, ...(expect === undefined ? {} : { expect }) });
  const patchText = (text: string) =>
    server.request('PATCH', path, { token, text, headers: { 'content-type': 'application/json' } });
  const desire = async (desired: unknown) => (await patch({ desired }, 200)).body as unknown as Shadow;
  const read = () => server.get<Shadow>(path, token);
  const topics = `devices/${device.deviceId}`;
  return { household, device, token, path, patch, patchText, desire, read, topics };
}

/** A client that takes `state.set`, or not, and what it was asked. */
async function signing(credentials: DeviceCredentials, commands: string[] = ['state.set']) {
  const capabilities = { platform: 'test', firmware: '', sensors: [], actuators: [], commands };
  const client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials, capabilities },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );
  onTestFinished(() => client.close());
  const asked: unknown[] = [];
  const differences: unknown[] = [];
  client.on('difference', ({ version, state }) => void differences.push([version, { ...state }]));
  client.on('command', ({ frame, name, arguments: wanted }) => {
    asked.push([name, wanted]);
    return client.answer(frame, { error: null, values: {} }).catch(() => undefined);
  });
  await client.connect();
  return { client, asked, differences };
}

describe('what is wanted of a device', () => {
  it('is changed by a merge patch, and counts up where that changes something', async () => {
    const { device, desire, read } = await home();
    expect(await read()).toEqual({
      networkId: device.networkId,
      desired: { state: {}, version: 0, changedAt: null },
      reported: { state: {}, version: 0, changedAt: null },
    });
    const first = await desire({ led: true, air: { fan: 3, mode: 'eco' } });
    expect(first.desired).toMatchObject({
      state: { 'air.fan': 3, 'air.mode': 'eco', led: true },
      version: 1,
    });
    expect((await desire({ led: true })).desired.version).toBe(1);
    expect((await desire({ air: { mode: null }, led: false })).desired).toMatchObject({
      state: { 'air.fan': 3, led: false },
      version: 2,
    });
    expect((await desire({ air: null })).desired).toMatchObject({ state: { led: false }, version: 3 });
    expect(await read()).toMatchObject({ desired: { state: { led: false }, version: 3 } });
  });

  it('is not changed where somebody else was quicker, or by what is no state', async () => {
    const { patch, patchText, desire, read } = await home();
    await desire({ led: true });
    const late = await patch({ desired: { led: false }, version: 0 });
    expect([late.status, late.body.error]).toMatchObject([
      409,
      { code: 'conflict', details: { version: 1 } },
    ]);
    for (const desired of [{ a: [1] }, { 'a/b': 1 }, { '': 1 }, { a: 'x'.repeat(4_097) }]) {
      const { status, body } = await patch({ desired });
      expect([status, body.error]).toMatchObject([400, { code: 'invalid_input' }]);
    }
    const deep = '['.repeat(20_000) + ']'.repeat(20_000);
    for (const desired of [
      `{"a":${deep}}`,
      '{"__proto__":1}',
      '{"a":{"__proto__":{"b":1}}}',
      '{"a":1e400}',
    ]) {
      const { status, body } = await patchText(`{"desired":${desired}}`);
      expect([status, body.error]).toMatchObject([400, { code: 'invalid_input' }]);
    }
    const large = Object.fromEntries(
      Array.from({ length: 5 }, (_, index) => [`t${index}`, 'x'.repeat(4_000)]),
    );
    expect(await patch({ desired: large })).toMatchObject({
      status: 413,
      body: { error: { code: 'too_large' } },
    });
    expect((await patch({ desired: { led: false }, version: 1 }, 200)).body).toMatchObject({
      desired: { state: { led: false }, version: 2 },
    });
    expect((await read()).desired.version).toBe(2);
  });

  it('of several changes at once all are in, each with a version of its own', async () => {
    const { desire, read } = await home();
    const versions = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => (await desire({ [`v${index}`]: index })).desired.version),
    );
    expect(versions.sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(Object.keys((await read()).desired.state)).toHaveLength(8);
  });

  it('is read by a plain device that was away as the difference, which shrinks as it reports', async () => {
    const { device, desire, read, topics } = await home();
    await desire({ led: true, level: 1 });
    await desire({ level: 2 });
    const plain = await connectPlain(server, device);
    await plain.mqtt.subscribeAsync(`${topics}/desired`, { qos: 1 });
    await plain.hears(1);
    await plain.mqtt.publishAsync(`${topics}/state`, JSON.stringify({ led: true, level: 1 }), { qos: 1 });
    await plain.mqtt.publishAsync(`${topics}/state/level`, '2', { qos: 1 });
    await plain.mqtt.publishAsync(`${topics}/readings/t`, '20', { qos: 1 });
    await plain.settled();
    const said = plain.heard.map((heard) => heard.slice(`${topics}/desired `.length));
    expect(said).toEqual([
      '{"version":2,"state":{"led":true,"level":2}} 1 retained',
      '{"version":2,"state":{"level":2}} 1',
      '{"version":2,"state":{}} 1',
    ]);
    expect((await read()).reported).toMatchObject({ state: { led: true, level: 2 } });
  });

  it('is sent to a signing device that takes it, once when it returns, and at once while it is there', async () => {
    const { device, desire, read } = await home();
    await desire({ led: true, level: 1 });
    await desire({ level: 2 });
    const first = await signing(device, ['led.set']);
    first.client.close();
    const second = await signing(device);
    await eventually('the difference', () => second.asked.length > 0);
    await second.client.publish({ name: 'led', value: true, unit: '', isState: true });
    await second.client.publish({ name: 'level', value: 9, unit: '' });
    await desire({ level: 3, led: true });
    await eventually('the change', () => second.asked.length > 1);
    expect([first.asked, second.asked]).toEqual([
      [],
      [
        ['state.set', { led: true, level: 2 }],
        ['state.set', { level: 3 }],
      ],
    ]);
    expect((await read()).reported).toMatchObject({ state: { led: true }, version: 1 });
  });

  it('is said by nobody but the server', async () => {
    const { device, topics } = await home();
    const plain = await connectPlain(server, device);
    const closed = new Promise<void>((resolve) => plain.mqtt.once('close', () => resolve()));
    plain.mqtt.publish(`${topics}/desired`, '{"version":9,"state":{}}');
    await closed;
  });
});

describe('a Bifrost client', () => {
  it('is told what differs when it returns, and whenever that changes, but not that nothing does', async () => {
    const { device, desire } = await home();
    const first = await signing(device, []);
    await first.client.shadow.report({ led: false });
    await desire({ led: false, level: 1 });
    await eventually('the change', () => first.differences.length > 0);
    first.client.close();
    await desire({ level: 2 });
    const second = await signing(device, []);
    await eventually('what it missed', () => second.differences.length > 0);
    await second.client.shadow.report({ level: 2 });
    await eventually('the end', () => second.differences.length > 1);
    second.client.close();
    const third = await signing(device, []);
    await third.client.shadow.read();
    await desire({ level: 3 });
    await eventually('the last change', () => third.differences.length > 0);
    expect([first.differences, second.differences, third.differences, third.asked]).toEqual([
      [[1, { level: 1 }]],
      [
        [2, { level: 2 }],
        [2, {}],
      ],
      [[3, { level: 3 }]],
      [],
    ]);
  });

  it('reports under the version that it knows, and is refused where it knows an older one', async () => {
    const { device, desire, read } = await home();
    await desire({ led: true });
    const { client } = await signing(device, []);
    expect(await client.shadow.read()).toMatchObject({
      desired: { state: { led: true }, version: 1 },
      reported: { state: {}, version: 0, changedAtMs: null },
    });
    const { reported } = await client.shadow.report({ led: true, 'air.fan': 3 }, { version: 0 });
    expect(reported).toMatchObject({ state: { 'air.fan': 3, led: true }, version: 1 });
    await expect(client.shadow.report({ led: false }, { version: 0 })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('its version is 1'),
    });
    await expect(client.shadow.report({ 'a/b': 1 })).rejects.toMatchObject({ code: 'invalid_input' });
    await client.shadow.report({ 'air.fan': null }, { version: 1 });
    expect((await read()).reported).toMatchObject({ state: { led: true }, version: 2 });
  });

  it('of several reports under one version one is taken', async () => {
    const { device, read } = await home();
    const { client } = await signing(device, []);
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map((level) => client.shadow.report({ level }, { version: 0 })),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
    ]);
    expect((await read()).reported.version).toBe(1);
  });
});

describe('a plain device', () => {
  it('asks for its shadow and reports under a version, and is told where it knows an older one', async () => {
    const { device, desire, topics } = await home();
    await desire({ led: true });
    const plain = await connectPlain(server, device);
    await plain.mqtt.subscribeAsync([`${topics}/shadow`, `${topics}/refused`], { qos: 1 });
    const ask = (topic: string, json: unknown) =>
      plain.mqtt.publishAsync(`${topics}/shadow/${topic}`, JSON.stringify(json), { qos: 1 });
    await ask('get', {});
    await ask('report', { state: { led: true, air: { fan: 3 } }, version: 0 });
    await ask('report', { state: { led: false }, version: 0 });
    await plain.hears(3);
    const said = plain.packets.map(({ payload }) => JSON.parse(payload.toString()));
    expect(said).toMatchObject([
      { desired: { state: { led: true }, version: 1 }, reported: { state: {}, version: 0 } },
      { reported: { state: { led: true, 'air.fan': 3 }, version: 1 } },
      { topic: `${topics}/shadow/report`, code: 'conflict', reason: expect.stringContaining('version is 1') },
    ]);
  });
});

describe('what a device says of itself', () => {
  it('is refused where it is more than is kept, and nothing changes', async () => {
    const { device, read, topics } = await home();
    const plain = await connectPlain(server, device);
    await plain.mqtt.subscribeAsync(`${topics}/refused`, { qos: 1 });
    const values = (from: number, count: number) =>
      JSON.stringify(
        Object.fromEntries(Array.from({ length: count }, (_, index) => [`v${from + index}`, 1])),
      );
    for (const from of [0, 64])
      await plain.mqtt.publishAsync(`${topics}/state`, values(from, 64), { qos: 1 });
    await plain.mqtt.publishAsync(`${topics}/state/more`, '1', { qos: 1 });
    await plain.hears(1);
    expect(plain.heard[0]).toContain('"code":"limit_reached"');
    const { reported } = await read();
    expect([Object.keys(reported.state).length, reported.state.more]).toEqual([128, undefined]);
    await plain.mqtt.publishAsync(`${topics}/state/v0`, 'null', { qos: 1 });
    expect((await read()).reported.state.v0).toBeUndefined();
  });

  it('goes with it from the network, with what was wanted, and strangers see none of it', async () => {
    const { household, token, desire, path, topics, read } = await home();
    await desire({ led: true });
    expect((await server.request('GET', path, { token: world.alice.token })).status).toBe(404);
    const asked = { desired: { led: false } };
    expect((await server.request('PATCH', path, { token: world.alice.token, body: asked })).status).toBe(404);
    const { networkId } = household.device;
    await server.request('DELETE', `${path.replace('/state', '')}/networks/${networkId}`, {
      token,
      expect: 200,
    });
    await server.request('PUT', `${path.replace('/state', '')}/networks/${networkId}`, {
      token,
      expect: 200,
    });
    expect((await read()).desired).toMatchObject({ state: {}, version: 0 });
    const other = await createDevice(server, token, networkId, 'Other');
    const plain = await connectPlain(server, other);
    await plain.mqtt.subscribeAsync(`${topics}/desired`, { qos: 1 });
    await plain.settled();
    expect(plain.heard).toEqual([]);
  });
});
