import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { LiveSocket, type LiveSocketOptions } from '../support/live-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createHousehold, createWorld, type Household, type World } from '../support/world.ts';

let server: TestServer;
let world: World;
const sockets: LiveSocket[] = [];
beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server?.stop());
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

function open(options: LiveSocketOptions): Promise<LiveSocket> {
  const socket = new LiveSocket(server, options);
  sockets.push(socket);
  return socket.opened();
}

const ofNetwork = ({ network }: Household) => ({ params: { networkId: network.id } });

describe('streams over one WebSocket', () => {
  it('come under the numbers that they were asked for with, and stop when they are told to', async () => {
    const { alice } = world;
    const other = await createDevice(server, alice.token, alice.network.id, 'Other');
    const socket = await open({ token: alice.token });
    const topology = socket.follow('networks.topology.follow', ofNetwork(alice));
    const devices = socket.follow('devices.follow', { query: { ids: alice.device.deviceId } });
    expect([await socket.answered(topology), await socket.answered(devices)]).toEqual(['200', '200']);
    await socket.said(topology, /: changes follow/);
    await socket.said(devices, /: changes follow/);

    const client = await BifrostSocket.open(server, alice.device);
    const otherClient = await BifrostSocket.open(server, other);
    expect(await socket.said(topology, new RegExp(`${other.deviceId}","health":"reachable"`))).toBeTruthy();
    expect(await socket.said(devices, /"health":"reachable"/)).toBeTruthy();
    expect(socket.textOf(devices)).not.toContain(other.deviceId);

    socket.send({ stop: topology });
    expect(await socket.ended(topology)).toBe('complete');
    client.close();
    await socket.said(devices, /"health":"offline"/);
    expect(socket.textOf(topology)).not.toContain('"health":"offline"');
    otherClient.close();
  });

  it('are refused as over HTTP, what is not there as what is another’s', async () => {
    const { alice, bob } = world;
    const socket = await open({ token: alice.token });
    const asked = [
      socket.follow('networks.topology.follow', ofNetwork(bob)),
      socket.follow('devices.readings.follow', { params: { deviceId: bob.device.deviceId } }),
      socket.follow('devices.follow', { query: { ids: 'all' } }),
      socket.follow('admin.logs.follow'),
      socket.follow('networks.topology.follow', { ...ofNetwork(bob), tenantId: 'not an id' }),
      socket.follow('networks.topology.follow', { params: 'none' }),
    ];
    expect(await Promise.all(asked.map((id) => socket.answered(id)))).toEqual([
      '404 network_not_found',
      '404 device_not_found',
      '400 invalid_input',
      '403 forbidden',
      '404 tenant_not_found',
      '400 invalid_input',
    ]);
    const foreign = socket.follow('devices.follow', { query: { ids: bob.device.deviceId } });
    expect(await socket.answered(foreign)).toBe('200');
    const own = socket.follow('devices.follow', { query: { ids: alice.device.deviceId } });
    await socket.said(own, /: changes follow/);
    for (const device of [bob.device, alice.device]) (await BifrostSocket.open(server, device)).close();
    await socket.said(own, /"health":"offline"/);
    expect(socket.textOf(foreign)).toBe(': changes follow\n\n');
  });

  it('are refused without a token, and with one that nobody has', async () => {
    for (const options of [{}, { token: 'ygu_nobody' }, { headers: { authorization: 'Basic eDp5' } }]) {
      const socket = await open(options);
      expect(await socket.answered(socket.follow('networks.topology.follow', ofNetwork(world.alice)))).toBe(
        '401 unauthenticated',
      );
    }
  });

  it('break off when the token is revoked', async () => {
    const household = await createHousehold(server, world.adminToken);
    const { token, secret } = await server.post<{ token: { id: string }; secret: string }>(
      '/api/v1/users/me/tokens',
      { name: 'Tablet' },
      household.token,
    );
    const socket = await open({ headers: { authorization: `Bearer ${secret}` } });
    const stream = socket.follow('networks.topology.follow', ofNetwork(household));
    await socket.said(stream, /: changes follow/);
    await server.request('DELETE', `/api/v1/users/me/tokens/${token.id}`, {
      token: household.token,
      expect: 200,
    });
    expect(await socket.ended(stream)).toBe('broken');
    const again = socket.follow('networks.topology.follow', ofNetwork(household));
    expect(await socket.answered(again)).toBe('401 unauthenticated');
  });
});

describe('a page with a cookie', () => {
  async function cookieOf(token: string): Promise<string> {
    const { headers } = await server.request('POST', '/api/v1/users/sessions/cookie', {
      headers: { origin: server.httpUrl, authorization: `Bearer ${token}` },
      expect: 201,
    });
    return headers.get('set-cookie')?.split(';')[0] ?? '';
  }

  it('of this server follows, and of another site gets nothing', async () => {
    const { alice } = world;
    const cookie = await cookieOf(alice.token);
    const own = await open({ headers: { cookie, origin: server.httpUrl } });
    expect(await own.answered(own.follow('networks.topology.follow', ofNetwork(alice)))).toBe('200');

    for (const headers of [{}, { origin: 'https://elsewhere.example' }, { origin: 'null' }]) {
      const socket = new LiveSocket(server, { headers: { cookie, ...headers } });
      sockets.push(socket);
      expect(await socket.closed()).toBe('4403 csrf_refused');
    }
    const said = await open({
      headers: { cookie, origin: server.httpUrl, 'sec-fetch-site': 'cross-site' },
    });
    expect(await said.answered(said.follow('networks.topology.follow', ofNetwork(alice)))).toBe(
      '401 unauthenticated',
    );
  });
});

describe('what HTTP could not have brought ends the connection', () => {
  it.each<[string, unknown, string]>([
    ['no JSON', '{', '4400 invalid_input'],
    ['another message', { subscribe: 1 }, '4400 invalid_input'],
    ['a message with more', { stop: 1, now: true }, '4400 invalid_input'],
    ['a number that does not rise', { follow: 0, operation: 'devices.follow' }, '4400 invalid_input'],
    ['what was never asked for', { stop: 1 }, '4400 invalid_input'],
    ['an operation that nobody has', { follow: 1, operation: 'devices.none' }, '4404 operation_not_found'],
    ['an operation without a stream', { follow: 1, operation: 'devices.list' }, '4404 operation_not_found'],
    ['a name of objects', { follow: 1, operation: '__proto__' }, '4404 operation_not_found'],
    ['more than a message may have', 'x'.repeat(16_385), '1006 '],
  ])('%s', async (_, message, reason) => {
    const socket = await open({ token: world.alice.token });
    socket.send(message);
    expect(await socket.closed()).toBe(reason);
  });

  it('more streams than may be followed', async () => {
    const socket = await open({ token: world.alice.token });
    for (let count = 0; count < 33; count++)
      socket.follow('networks.topology.follow', ofNetwork(world.alice));
    expect(await socket.closed()).toBe('4429 rate_limited');
  });

  it('a stream that is stopped twice', async () => {
    const socket = await open({ token: world.alice.token });
    const id = socket.follow('networks.topology.follow', ofNetwork(world.bob));
    await socket.answered(id);
    socket.send({ stop: id });
    socket.send({ stop: id });
    expect(await socket.closed()).toBe('4400 invalid_input');
  });
});
