import { describe, expect, it } from 'vitest';
import { Delivery, Event, encodePayload, FrameType } from '../../proto/index.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { Normalizer } from '../support/normalizer.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, topUp, type World } from '../support/world.ts';

const UNKNOWN_ID = '00000000-0000-4000-8000-00000000dead';

/** A server where Alice invited somebody with this role; `fill` adds what the invited must not notice. */
async function worldWith(server: TestServer, role: string, fill: (world: World) => Promise<unknown>) {
  const world = await createWorld(server);
  const { alice } = world;
  const { user, token } = await server.post<{ user: { id: string }; token: string }>(
    '/api/v1/users',
    { name: 'Invited' },
    world.adminToken,
  );
  const own = await server.post<{ id: string }>('/api/v1/networks', { name: 'Own' }, token);
  const phone = await createDevice(server, token, own.id, 'Phone');
  await fill(world);
  await server.post(
    '/api/v1/members',
    { userId: user.id, role, networkIds: [alice.network.id] },
    alice.token,
  );
  const { items } = await server.get<{ items: { id: string; role: string }[] }>(
    '/api/v1/tenants',
    alice.token,
  );
  return { world, invited: { userId: user.id, token }, phone, home: items[0]?.id ?? '' };
}

/** Everything beside the one network: networks, devices under the same names, members, guests of theirs, money, frames. */
async function fillHome(world: World): Promise<void> {
  const { server, alice, bob } = world;
  const networks = await Promise.all(
    ['Cellar', 'Garden', 'Attic'].map((name) =>
      server.post<{ id: string }>('/api/v1/networks', { name }, alice.token),
    ),
  );
  for (const { id } of networks) {
    for (const name of ['Lamp', 'Mine']) {
      await createDevice(server, alice.token, id, `${name} in ${id.slice(0, 4)}`);
    }
  }
  const cellar = networks[0]?.id ?? '';
  const hidden = await createDevice(server, alice.token, cellar, 'Lamp');
  await createDevice(server, alice.token, cellar, 'Renamed');
  await server.post('/api/v1/members', { userId: bob.userId, role: 'administrator' }, alice.token);
  await server.request('PUT', `/api/v1/devices/${alice.device.deviceId}/networks/${cellar}`, {
    token: alice.token,
    expect: 200,
  });
  await server.request('PUT', `/api/v1/devices/${bob.device.deviceId}/networks/${cellar}`, {
    token: bob.token,
    expect: 200,
  });
  await topUp(world, alice.userId, 1_000);
  const socket = await BifrostSocket.open(server, hidden);
  socket.send({ delivery: Delivery.STORED }, encodePayload(Event, { name: 'private' }));
  await socket.next(FrameType.ACK);
}

/** Everything that the invited can ask in Alice's tenant, and of its own device there, in order. */
async function whatIsSeen({ world, invited, phone, home }: Awaited<ReturnType<typeof worldWith>>) {
  const { server, alice } = world;
  const normalizer = new Normalizer();
  const seen: string[] = [];
  const ask = async (method: string, path: string, body?: unknown, tenant: string | null = home) => {
    const headers: Record<string, string> = tenant === null ? {} : { 'x-tenant-id': tenant };
    const answer = await server.request(method, path, { body, token: invited.token, headers });
    seen.push(normalizer.text(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`));
    return answer.body as { device?: { id: string } };
  };
  const kitchen = alice.network.id;
  const device = (name: string, networkId: string) => ({ name, networkId, worldType: 'midgard' });
  await ask('GET', '/api/v1/tenants', undefined, null);
  await ask('GET', '/api/v1/users/me');
  for (const path of ['networks', 'devices', 'members', 'ledger/balance', 'marketplace/transactions']) {
    await ask('GET', `/api/v1/${path}`);
    await ask('GET', `/api/v1/${path}?limit=1`);
  }
  await ask('GET', `/api/v1/networks?after=${UNKNOWN_ID}`);
  await ask('GET', `/api/v1/networks/${kitchen}`);
  await ask('GET', `/api/v1/networks/${UNKNOWN_ID}`);
  await ask('POST', '/api/v1/networks', { name: 'Cellar' });
  await ask('PUT', `/api/v1/networks/${kitchen}`, { name: 'Cellar' });
  await ask('DELETE', `/api/v1/networks/${kitchen}`);
  await ask('GET', `/api/v1/devices?networkId=${kitchen}`);
  await ask('GET', `/api/v1/devices/${alice.device.deviceId}`);
  await ask('GET', `/api/v1/devices/${alice.device.deviceId}/networks`);
  const { device: made } = await ask('POST', '/api/v1/devices', device('Lamp', kitchen));
  await ask('POST', '/api/v1/devices', device('Lamp', kitchen));
  await ask('POST', '/api/v1/devices', device('Lamp', UNKNOWN_ID));
  const ownDevice = made?.id ?? alice.device.deviceId;
  await ask('PUT', `/api/v1/devices/${ownDevice}`, { name: 'Renamed' });
  await ask('DELETE', `/api/v1/devices/${ownDevice}`);
  await ask('DELETE', `/api/v1/devices/${ownDevice}/networks/${UNKNOWN_ID}`);
  await ask('GET', `/api/v1/members/${invited.userId}`);
  await ask('GET', `/api/v1/members/${alice.userId}`);
  await ask('DELETE', `/api/v1/members/${alice.userId}`);
  await ask('POST', '/api/v1/members', { userId: world.bob.userId, role: 'member' });
  await ask('PUT', `/api/v1/devices/${phone.deviceId}/networks/${kitchen}`, undefined, null);
  await ask('GET', '/api/v1/devices');
  const { body: exported } = await server.request('GET', '/api/v1/users/me/export', {
    token: invited.token,
    headers: { 'x-tenant-id': home },
  });
  expect(exported).toMatchObject({ networks: [{ id: kitchen }], audit: null, isComplete: true });
  const socket = await BifrostSocket.open(server, { ...phone, networkId: kitchen });
  socket.send({ delivery: Delivery.STORED }, encodePayload(Event, { name: 'x' }));
  const { payload } = await socket.next(FrameType.ACK);
  seen.push(`ACK ${Buffer.from(payload).toString('hex')}`);
  expect(socket.frames).toEqual([]);
  socket.close();
  return seen;
}

describe.each(['guest', 'member'])('what a %s for one network sees', (role) => {
  it('is the same bytes whether or not the tenant has other networks, devices and members', async () => {
    const servers = await Promise.all([startTestServer(), startTestServer()]);
    try {
      const [plain, full] = servers as [TestServer, TestServer];
      const alone = await whatIsSeen(await worldWith(plain, role, async () => undefined));
      const among = await whatIsSeen(await worldWith(full, role, fillHome));
      expect(among).toEqual(alone);
      expect(alone.length).toBeGreaterThan(30);
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  });
});

describe('a network that somebody was not invited into', () => {
  it('is answered as one that does not exist, byte for byte', async () => {
    const server = await startTestServer();
    try {
      let cellar = '';
      const { world, invited, phone, home } = await worldWith(server, 'member', async ({ alice }) => {
        const body = { name: 'Cellar' };
        cellar = (await server.post<{ id: string }>('/api/v1/networks', body, alice.token)).id;
      });
      const bytesOf = async (id: string, method: string, path: string, body?: object, tenant = true) => {
        const answer = await server.request(method, path.replace(':id', id), {
          body: body && JSON.parse(JSON.stringify(body).replace(':id', id)),
          token: invited.token,
          headers: tenant ? { 'x-tenant-id': home } : {},
        });
        const requestId = answer.headers.get('x-request-id') ?? '';
        return `${answer.status} ${JSON.stringify(answer.body).replaceAll(requestId, 'request')}`;
      };
      const device = world.alice.device.deviceId;
      for (const [method, path, body, tenant] of [
        ['GET', '/api/v1/networks/:id', undefined, true],
        ['GET', '/api/v1/devices?networkId=:id', undefined, true],
        ['GET', '/api/v1/networks?after=:id', undefined, true],
        ['POST', '/api/v1/devices', { name: 'Spy', networkId: ':id', worldType: 'midgard' }, true],
        ['PUT', `/api/v1/devices/${device}/networks/:id`, undefined, true],
        ['DELETE', `/api/v1/devices/${device}/networks/:id`, undefined, true],
        ['PUT', `/api/v1/devices/${phone.deviceId}/networks/:id`, undefined, false],
      ] as const) {
        const hidden = await bytesOf(cellar, method, path, body, tenant);
        expect(hidden, path).toBe(await bytesOf(UNKNOWN_ID, method, path, body, tenant));
      }
    } finally {
      await server.stop();
    }
  });
});
