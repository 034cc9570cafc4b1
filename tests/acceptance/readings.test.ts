import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createBifrostClient } from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { connect } from '../../server/platform/database/connect.ts';
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

type Items = { items: { name: string; unit: string; at: string; value: unknown }[]; next: string | null };

async function home() {
  const household = await createHousehold(server, world.adminToken);
  const { device, token } = household;
  const plain = await connectPlain(server, device);
  const say = (topic: string, json: unknown, qos: 0 | 1 = 1) =>
    plain.mqtt.publishAsync(`devices/${device.deviceId}/${topic}`, JSON.stringify(json), { qos });
  const path = `/api/v1/devices/${device.deviceId}`;
  const read = (query = '') => server.get<Items>(`${path}/readings${query}`, token);
  return { household, device, token, plain, say, path, read };
}

async function signing(credentials: DeviceCredentials) {
  const client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );
  onTestFinished(() => client.close());
  await client.connect();
  return client;
}

/** A minute after a whole hour, `seconds` later. */
const at = (seconds: number) => new Date(Date.UTC(2026, 0, 31, 12) + seconds * 1000).toISOString();
const FROM = `from=${at(0)}&to=${at(3_600)}`;

describe('the readings of a device', () => {
  it('show the last value of each, whatever it said last about the past', async () => {
    const { say, read } = await home();
    await say('readings', { temperature: { value: 21, unit: 'celsius', measuredAt: at(60) }, open: true });
    await say('readings/temperature', { value: 20, measuredAt: at(0) });
    await say('state/mode', 'eco');
    await say('state/fault', null);
    const { items, next } = await read();
    expect(items.map(({ name, unit, value }) => [name, unit, value])).toEqual([
      ['fault', '', null],
      ['mode', '', 'eco'],
      ['open', '', true],
      ['temperature', 'celsius', 21],
    ]);
    expect([items.at(-1)?.at, next]).toEqual([at(60), null]);
  });

  it('said with QoS 0 are kept within a moment, and so are stored events of signing devices alone', async () => {
    const { household, say, read } = await home();
    await say('readings/humidity', 40, 0);
    await eventually('the reading', async () => (await read()).items.length > 0);
    const other = await createDevice(server, household.token, household.network.id, 'Signing');
    const client = await signing(other);
    client.sendTransient({ type: 10, payload: Uint8Array.of(10, 1, 97) });
    await client.publish({ name: 'sensor.temperature', value: 21.5, unit: 'celsius', measuredAtMs: 0 });
    await client.publish({ name: 'sealed', value: Uint8Array.of(1, 2, 3), unit: '' });
    await client.publish({ name: 'n\0ul', value: 'x\0', unit: '' });
    const { items } = await server.get<Items>(`/api/v1/devices/${other.deviceId}/readings`, household.token);
    expect(items.map(({ name, value }) => [name, value])).toEqual([['sensor.temperature', 21.5]]);
  });

  it('have a history in order, in pages, and as one value for each step', async () => {
    const { say, read } = await home();
    const values = [1, 2, 6, 10, 4];
    for (const [index, value] of values.entries()) {
      await say('readings/t', { value, unit: 'celsius', measuredAt: at(index * 30) });
    }
    await say('readings/t', { value: 5, measuredAt: at(60) });
    const all = await read(`?name=t&${FROM}`);
    expect(all.items.map((item) => [item.at, item.value])).toEqual(
      [1, 2, 5, 10, 4].map((value, index) => [at(index * 30), value]),
    );
    const first = await read(`?name=t&${FROM}&limit=2`);
    const rest = await read(`?name=t&from=${first.next}&to=${at(3_600)}&limit=10`);
    expect([...first.items, ...rest.items]).toEqual(all.items);
    expect(rest.next).toBeNull();
    for (const [aggregate, expected] of [
      ['min', [1, 5, 4]],
      ['max', [2, 10, 4]],
      ['mean', [1.5, 7.5, 4]],
      ['last', [2, 10, 4]],
    ] as const) {
      const { items } = await read(`?name=t&${FROM}&step=60&aggregate=${aggregate}`);
      expect(
        items.map((item) => [item.at, item.value]),
        aggregate,
      ).toEqual(expected.map((value, index) => [at(index * 60), value]));
    }
    expect((await read('?name=t')).items).toEqual([]);
    expect((await read(`?name=t&from=${at(30)}&to=${at(60)}`)).items.map(({ value }) => value)).toEqual([2]);
  });

  it('are a table for who accepts text/csv', async () => {
    const { say, path, token } = await home();
    await say('state', { a: '=1+"x",', b: { value: 1.5, unit: 'kWh' } });
    const response = await fetch(`${server.httpUrl}${path}/readings`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/csv' },
    });
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const lines = (await response.text()).split('\r\n');
    expect(lines.map((line) => line.replace(/\d{4}-[^,]+Z/, 'TIME'))).toEqual([
      'name,unit,at,value',
      `a,,TIME,"'=1+""x"","`,
      'b,kWh,TIME,1.5',
      '',
    ]);
  });

  it.each([
    'from=yesterday',
    'name=t&step=0',
    'name=t&step=60&aggregate=median',
    'step=60',
    'name=t&aggregate=min',
    'name=',
    `name=t&from=${at(1)}&to=${at(0)}`,
    'name=t&limit=10001',
  ])('are refused for %s', async (query) => {
    const { path, token } = await home();
    const answer = await server.request('GET', `${path}/readings?${query}`, { token });
    expect([answer.status, (answer.body.error as { code: string }).code]).toEqual([400, 'invalid_input']);
  });

  it('are as many different ones as fit, and the device is told of more', async () => {
    const { device, plain, say, read } = await home();
    const told: string[] = [];
    plain.mqtt.on('message', (_, payload) => told.push(JSON.parse(payload.toString()).code));
    await plain.mqtt.subscribeAsync(`devices/${device.deviceId}/refused`, { qos: 1 });
    for (let page = 0; page < 4; page++) {
      await say(
        'readings',
        Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`${page}.${index}`, 1])),
      );
    }
    await say('readings', { '0.1': 2, more: 1 });
    await eventually('the refusal', () => told.length > 0);
    const { items } = await read();
    expect(told).toEqual(['limit_reached']);
    expect([items.length, items.find(({ name }) => name === '0.1')?.value]).toEqual([256, 2]);
  });

  it('go with the device from the network, and are seen by nobody else', async () => {
    const { household, device, token, path, say, read } = await home();
    await say('readings/t', 1);
    expect((await read()).items).toHaveLength(1);
    const { status } = await server.request('GET', `${path}/readings`, { token: world.alice.token });
    expect(status).toBe(404);
    await server.request('DELETE', `${path}/networks/${household.network.id}`, { token });
    expect((await read()).items).toEqual([]);
    const sql = connect(server.databaseUrl, { connectionsMax: 1 });
    onTestFinished(() => sql.end());
    const points =
      await sql`SELECT count(*)::int FROM readings_points WHERE network_id = ${device.networkId}`;
    expect(points).toEqual([{ count: 0 }]);
  });
});

describe('readings as they come', () => {
  const follow = async (deviceId: string, token: string) => {
    const response = await fetch(`${server.httpUrl}/api/v1/devices/${deviceId}/readings/live`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    onTestFinished(() => reader.cancel().catch(() => undefined));
    const decoder = new TextDecoder();
    let text = '';
    /** The values of so many readings. */
    const values = async (count: number): Promise<unknown[]> => {
      for (;;) {
        const found = [...text.matchAll(/^event: reading\ndata: (.*)\n\n/gm)].map((event) =>
          JSON.parse(event[1] as string),
        );
        if (found.length >= count) return found.map(({ name, value }) => [name, value]);
        const { value, done } = await reader.read();
        if (done) throw new Error(`ended after ${text}`);
        text += decoder.decode(value, { stream: true });
      }
    };
    return { status: response.status, type: response.headers.get('content-type'), values };
  };

  it('are told behind the last ones, of plain and signing devices alike, and end with the token', async () => {
    const { household, device, say, token } = await home();
    await say('readings/t', 1);
    const { token: own, secret } = await server.post<{ token: { id: string }; secret: string }>(
      '/api/v1/users/me/tokens',
      { name: 'Live' },
      token,
    );
    const plain = await follow(device.deviceId, secret);
    expect([plain.status, plain.type]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(await plain.values(1)).toEqual([['t', 1]]);
    await say('readings', { t: 2, u: 'x' });
    await say('state/led', true, 0);
    const other = await createDevice(server, token, household.network.id, 'Signing');
    const signed = await follow(other.deviceId, secret);
    const client = await signing(other);
    await client.publish({ name: 'sensor.t', value: 3, unit: '' });
    expect(await signed.values(1)).toEqual([['sensor.t', 3]]);
    expect(await plain.values(4)).toEqual([
      ['t', 1],
      ['t', 2],
      ['u', 'x'],
      ['led', true],
    ]);
    await server.request('DELETE', `/api/v1/users/me/tokens/${own.id}`, { token, expect: 200 });
    await expect(plain.values(5)).rejects.toThrow();
    await expect(signed.values(2)).rejects.toThrow();
  });

  it('are followed by as many of an account as may, and by one more when one left', async () => {
    const { device, token } = await home();
    const path = `/api/v1/devices/${device.deviceId}/readings/live`;
    const leave = new AbortController();
    const options = { headers: { authorization: `Bearer ${token}` }, signal: leave.signal };
    for (let count = 0; count < 16; count++)
      expect((await fetch(server.httpUrl + path, options)).status).toBe(200);
    const { status, body } = await server.request('GET', path, { token });
    expect([status, (body.error as { code: string }).code]).toEqual([409, 'limit_reached']);
    expect((await fetch(server.httpUrl + path, { ...options, method: 'HEAD', signal: null })).status).toBe(
      409,
    );
    leave.abort();
    await eventually('a place', async () => (await server.request('GET', path, { token })).status === 200);
  });
});
