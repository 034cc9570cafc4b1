import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { type Answer, startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createHousehold, createWorld, type Household, type World } from '../support/world.ts';
import { connectPlain } from './mqtt/plain-clients.ts';

let server: TestServer;
let world: World;
/** Who is suspended. */
let dora: Household;
let tenantId: string;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());
beforeEach(async () => {
  dora = await createHousehold(server, world.adminToken);
  tenantId = await homeOf(dora.token);
});

async function homeOf(token: string): Promise<string> {
  const { items } = await server.get<{ items: { id: string; role: string }[] }>('/api/v1/tenants', token);
  return items.find(({ role }) => role === 'owner')?.id ?? '';
}

const suspend = (id = tenantId, reason = 'Abuse') =>
  server.request('PUT', `/api/v1/admin/suspensions/${id}`, { token: world.adminToken, body: { reason } });
const resume = (id = tenantId) =>
  server.request('DELETE', `/api/v1/admin/suspensions/${id}`, { token: world.adminToken });

const codeOf = ({ status, body }: Answer) =>
  `${status} ${(body as { error?: { code: string } }).error?.code ?? ''}`;

const ask = (token: string) => server.request('GET', '/api/v1/networks', { token });

describe('a tenant that is suspended', () => {
  it('reaches nothing, and what it had open ends within a second on every transport', async () => {
    const second = await createDevice(server, dora.token, dora.network.id, 'Second device');
    const socket = await BifrostSocket.open(server, dora.device);
    const client = await connectPlain(server, second);
    const neighbour = await BifrostSocket.open(server, world.bob.device);
    const closed = Promise.all([
      new Promise<void>((resolve) => socket.socket.once('close', () => resolve())),
      new Promise<void>((resolve) => client.mqtt.once('close', () => resolve())),
    ]);
    const beganMs = performance.now();
    expect((await suspend()).body).toMatchObject({ tenantId, reason: 'Abuse' });
    await closed;
    expect(performance.now() - beganMs).toBeLessThan(1_000);
    expect(socket.closeReason).toBe('tenant_suspended');
    expect(codeOf(await ask(dora.token))).toBe('403 tenant_suspended');
    expect(codeOf(await server.request('GET', '/v1/models', { token: dora.token }))).toBe(
      '403 tenant_suspended',
    );
    expect((await server.request('GET', '/v1/models', { token: second.token })).status).toBe(401);
    await expect(connectPlain(server, second)).rejects.toThrow();
    await expect(BifrostSocket.open(server, dora.device)).rejects.toThrow();
    expect((await ask(world.bob.token)).status).toBe(200);
    expect(neighbour.closeCode).toBeNull();
    neighbour.close();
  });

  it('has no guests in its networks, who keep what is their own', async () => {
    const { alice } = world;
    await server.post(
      '/api/v1/members',
      { userId: alice.userId, role: 'member', networkIds: [dora.network.id] },
      dora.token,
    );
    const path = `/api/v1/devices/${alice.device.deviceId}/networks/${dora.network.id}`;
    await server.request('PUT', path, { token: alice.token, expect: 200 });
    const guest = { ...alice.device, networkId: dora.network.id };
    const [abroad, athome] = [
      await BifrostSocket.open(server, guest),
      await connectPlain(server, alice.device),
    ];
    const closed = new Promise<void>((resolve) => abroad.socket.once('close', () => resolve()));
    await suspend();
    await closed;
    await expect(BifrostSocket.open(server, guest)).rejects.toThrow();
    const headers = { 'x-tenant-id': tenantId };
    expect(codeOf(await server.request('GET', '/api/v1/networks', { token: alice.token, headers }))).toBe(
      '403 tenant_suspended',
    );
    await athome.settled();
    await resume();
    const back = await BifrostSocket.open(server, guest);
    back.close();
  });

  it('goes on with all that it had when it is resumed, and stays suspended over a restart until then', async () => {
    const { items } = (await ask(dora.token)).body as { items: object[] };
    await suspend();
    expect((await suspend(tenantId, 'Another reason')).body).toMatchObject({ reason: 'Abuse' });
    await server.stopApp();
    const again = await startTestServer({
      DATABASE_URL: server.databaseUrl,
      YGGDRASIL_DATA_DIR: server.dataDirectory,
    });
    const asked = (method: string, path: string, token: string) => again.request(method, path, { token });
    try {
      expect(codeOf(await asked('GET', '/api/v1/networks', dora.token))).toBe('403 tenant_suspended');
      const list = await asked('GET', '/api/v1/admin/suspensions', world.adminToken);
      expect(list.body).toMatchObject({
        items: expect.arrayContaining([expect.objectContaining({ tenantId })]),
      });
      const path = `/api/v1/admin/suspensions/${tenantId}`;
      expect((await asked('DELETE', path, world.adminToken)).status).toBe(200);
      expect(codeOf(await asked('DELETE', path, world.adminToken))).toBe('404 tenant_not_found');
      expect((await asked('GET', '/api/v1/networks', dora.token)).body).toMatchObject({ items });
    } finally {
      await again.stop();
      server = await startTestServer();
      world = await createWorld(server);
    }
  });
});

it('an operator can not suspend the tenant in which it acts', async () => {
  expect(codeOf(await suspend(await homeOf(world.adminToken)))).toBe('409 conflict');
  expect((await ask(world.adminToken)).status).toBe(200);
});
