import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Capabilities, decodePayload, encodePayload, FrameType, Hello, Welcome } from '../../proto/index.ts';
import { connect } from '../../server/platform/database/connect.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { BifrostSocket, codeOf, isSignedFor } from '../support/bifrost-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type DeviceCredentials,
  type World,
} from '../support/world.ts';
import { connectPlain } from './mqtt/plain-clients.ts';

interface Device {
  readonly id: string;
  readonly name: string;
  readonly assignedId: string | null;
  readonly status: string;
  readonly lastSeenAt: string | null;
}

let server: TestServer;
let world: World;
/** How far the server's clock is ahead. */
let aheadMs = 0;
let names = 0;

beforeAll(async () => {
  const clock = createSystemClock();
  server = await startTestServer({}, { clock: { ...clock, nowMs: () => clock.nowMs() + aheadMs } });
  world = await createWorld(server);
});
afterAll(() => server.stop());

const newDevice = (changes: object = {}, token = world.alice.token, networkId = world.alice.network.id) =>
  server.request('POST', '/api/v1/devices', {
    token,
    body: { name: `Device ${++names}`, networkId, worldType: 'midgard', ...changes },
  });

/** The ids of a list that is filtered. */
const listed = async (query: string, token = world.alice.token): Promise<string[]> => {
  const { items } = await server.get<{ items: Device[] }>(`/api/v1/devices?${query}`, token);
  return items.map(({ id }) => id);
};

const change = (deviceId: string, body: object) =>
  server.request('PUT', `/api/v1/devices/${deviceId}`, { token: world.alice.token, body });

const codeIn = ({ status, body }: { status: number; body: Record<string, unknown> }) =>
  `${status} ${(body as { error?: { code: string } }).error?.code ?? ''}`;

describe('the list of devices', () => {
  it('is of one network, of one kind, of one id', async () => {
    const garden = await server.post<{ id: string }>(
      '/api/v1/networks',
      { name: 'Garden' },
      world.alice.token,
    );
    const { body } = await newDevice(
      { networkId: garden.id, worldType: 'ragnarok', assignedId: 'Pump-1' },
      world.alice.token,
    );
    const { id } = body.device as Device;
    expect(await listed(`network_id=${garden.id}`)).toEqual([id]);
    expect(await listed('world_type=ragnarok')).toEqual([id]);
    expect(await listed('assigned_id=pump-1')).toEqual([id]);
    expect(await listed(`network_id=${world.alice.network.id}&world_type=ragnarok`)).toEqual([]);
    expect(await listed('assigned_id=pump-1', world.bob.token)).toEqual([]);
    const both = `/api/v1/devices?network_id=${garden.id}&networkId=${garden.id}`;
    expect(codeIn(await server.request('GET', both, { token: world.alice.token }))).toBe('400 invalid_input');
  });

  it('is of one status: connected and heard from, connected and silent, not connected', async () => {
    const carol = await createHousehold(server, world.adminToken);
    const second = await createDevice(server, carol.token, carol.network.id, 'Second device');
    const idle = await BifrostSocket.open(server, carol.device);
    const pager = await connectPlain(server, second);
    const statuses = async () => ({
      active: await listed('status=active', carol.token),
      inactive: await listed('status=inactive', carol.token),
      offline: await listed('status=offline', carol.token),
    });
    const [first, other] = [carol.device.deviceId, second.deviceId];
    expect(await statuses()).toEqual({ active: [first, other], inactive: [], offline: [] });
    await pager.vanish();
    aheadMs += 3_600_000;
    expect(await statuses()).toEqual({ active: [], inactive: [first], offline: [other] });
    idle.send({ type: FrameType.PING });
    await idle.next(FrameType.PONG);
    expect(await statuses()).toEqual({ active: [first], inactive: [], offline: [other] });
    const { lastSeenAt } = await server.get<Device>(`/api/v1/devices/${first}`, carol.token);
    expect(Date.parse(lastSeenAt ?? '')).toBeGreaterThan(Date.now() + aheadMs - 60_000);
    idle.close();
  });

  it('of a status has pages that lead to its end', async () => {
    const dora = await createHousehold(server, world.adminToken);
    for (const name of ['A', 'B', 'C']) await createDevice(server, dora.token, dora.network.id, name);
    const seen: string[] = [];
    let after = '';
    do {
      const page = await server.get<{ items: Device[]; next: string | null }>(
        `/api/v1/devices?status=offline&limit=2${after}`,
        dora.token,
      );
      seen.push(...page.items.map(({ name }) => name));
      after = page.next === null ? '' : `&after=${page.next}`;
    } while (after !== '');
    expect(seen).toEqual(['First device', 'A', 'B', 'C']);
  });
});

describe('the id that an owner gives a device', () => {
  it('stays with the first device that has it, in either case, until that is changed or removed', async () => {
    const { body } = await newDevice({ assignedId: 'Boiler' });
    const boiler = body.device as Device;
    expect(boiler.assignedId).toBe('Boiler');
    expect(codeIn(await newDevice({ assignedId: 'boiler' }))).toBe('409 device_id_taken');
    const other = (await newDevice()).body.device as Device;
    expect(codeIn(await change(other.id, { name: other.name, assignedId: 'BOILER' }))).toBe(
      '409 device_id_taken',
    );
    expect((await change(boiler.id, { name: 'Heater' })).body).toMatchObject({ assignedId: 'Boiler' });
    expect((await change(boiler.id, { name: 'Heater', assignedId: null })).body).toMatchObject({
      assignedId: null,
    });
    expect((await change(other.id, { name: other.name, assignedId: 'Boiler' })).status).toBe(200);
    await server.request('DELETE', `/api/v1/devices/${other.id}`, { token: world.alice.token, expect: 200 });
    expect((await newDevice({ assignedId: 'Boiler' })).status).toBe(201);
  });

  it('is free in another tenant, and is refused to who does not see the whole tenant', async () => {
    await newDevice({ assignedId: 'Shared' });
    expect((await newDevice({ assignedId: 'Shared' }, world.bob.token, world.bob.network.id)).status).toBe(
      201,
    );
    const { user, token } = await server.post<{ user: { id: string }; token: string }>(
      '/api/v1/users',
      { name: 'Sina' },
      world.adminToken,
    );
    const networkIds = [world.alice.network.id];
    await server.post('/api/v1/members', { userId: user.id, role: 'member', networkIds }, world.alice.token);
    const { items } = await server.get<{ items: { id: string; role: string }[] }>('/api/v1/tenants', token);
    const tenantId = items.find(({ role }) => role === 'member')?.id ?? '';
    const tryId = (assignedId: string) =>
      server.request('POST', '/api/v1/devices', {
        token,
        headers: { 'x-tenant-id': tenantId },
        body: { name: 'Phone', networkId: world.alice.network.id, worldType: 'alfheim', assignedId },
      });
    expect([codeIn(await tryId('Shared')), codeIn(await tryId('Free'))]).toEqual([
      '403 forbidden',
      '403 forbidden',
    ]);
  });

  it.each(['', ' ', 'a b', '-a', 'ä', 'а', '__proto__', 'a'.repeat(65)])(
    'is refused as %j',
    async (assignedId) => {
      expect(codeIn(await newDevice({ assignedId }))).toBe('400 invalid_input');
    },
  );
});

/** Rows of the topic trees that name the device. */
async function treeRowsOf({ deviceId }: DeviceCredentials): Promise<string[]> {
  const owner = connect(server.databaseUrl, { connectionsMax: 1 });
  const found: string[] = [];
  const takenBack = new Error('taken back');
  try {
    await owner.begin(async (sql) => {
      for (const table of ['mqtt_sessions', 'mqtt_subscriptions', 'mqtt_queued', 'mqtt_wills']) {
        await sql`ALTER TABLE ${sql(table)} NO FORCE ROW LEVEL SECURITY`;
        const rows = await sql`SELECT 1 FROM ${sql(table)} WHERE client_id LIKE ${`%${deviceId}%`}`;
        if (rows.length > 0) found.push(table);
      }
      throw takenBack;
    });
  } catch (error) {
    if (error !== takenBack) throw error;
  } finally {
    await owner.end({ timeout: 5 });
  }
  return found;
}

describe('a device that is unregistered', () => {
  it('loses its connections within a second on every transport, and what waits for it in topics', async () => {
    const { token, network } = world.alice;
    const [gone, stays] = [
      await createDevice(server, token, network.id, 'Gone'),
      await createDevice(server, token, network.id, 'Stays'),
    ];
    const lasting = await connectPlain(server, gone, { clientId: 'lasting', clean: false });
    await lasting.mqtt.subscribeAsync('gone/#', { qos: 1 });
    await lasting.vanish();
    const publisher = await connectPlain(server, stays);
    await publisher.mqtt.publishAsync('gone/message', 'x', { qos: 1 });
    expect(await treeRowsOf(gone)).toEqual(['mqtt_sessions', 'mqtt_subscriptions', 'mqtt_queued']);
    const [socket, client] = [
      await BifrostSocket.open(server, gone),
      await connectPlain(server, gone, {
        clientId: 'other',
        will: { topic: 'will', payload: Buffer.from('x'), qos: 1, retain: false },
      }),
    ];
    const closed = Promise.all([
      new Promise<void>((resolve) => socket.socket.once('close', () => resolve())),
      new Promise<void>((resolve) => client.mqtt.once('close', () => resolve())),
    ]);
    const beganMs = performance.now();
    await server.request('DELETE', `/api/v1/devices/${gone.deviceId}`, { token, expect: 200 });
    await closed;
    expect(performance.now() - beganMs).toBeLessThan(1_000);
    expect(await treeRowsOf(gone)).toEqual([]);
    await expect(connectPlain(server, gone)).rejects.toThrow();
    expect((await server.request('GET', '/v1/models', { token: gone.token })).status).toBe(401);
  });

  it('that leaves one network keeps nothing in its topics, and what it has in another', async () => {
    const { token, network } = world.alice;
    const shed = await server.post<{ id: string }>('/api/v1/networks', { name: 'Shed' }, token);
    const device = await createDevice(server, token, network.id, 'Mover');
    await server.request('PUT', `/api/v1/devices/${device.deviceId}/networks/${shed.id}`, {
      token,
      expect: 200,
    });
    for (const username of [device.deviceId, `${device.deviceId}@${shed.id}`]) {
      const client = await connectPlain(server, device, { username, clientId: 'lasting', clean: false });
      await client.mqtt.subscribeAsync('a', { qos: 1 });
      await client.vanish();
    }
    await server.request('DELETE', `/api/v1/devices/${device.deviceId}/networks/${shed.id}`, {
      token,
      expect: 200,
    });
    const back = await connectPlain(server, device, { clientId: 'lasting', clean: false });
    expect(back.sessionPresent).toBe(true);
    await server.request('PUT', `/api/v1/devices/${device.deviceId}/networks/${shed.id}`, {
      token,
      expect: 200,
    });
    const username = `${device.deviceId}@${shed.id}`;
    const again = await connectPlain(server, device, { username, clientId: 'lasting', clean: false });
    expect(again.sessionPresent).toBe(false);
  });
});

describe('the document of capabilities', () => {
  const said = { platform: 'linux', firmware: '1', sensors: ['temperature'], actuators: [], commands: [] };

  it('is of the highest version that both sides know, and is refused where there is none', async () => {
    const { token, network } = world.alice;
    const device = await createDevice(server, token, network.id, `Device ${++names}`);
    const hello = async (versions: number[]) => {
      const socket = await BifrostSocket.connect(server, device);
      socket.send({ type: FrameType.HELLO }, encodePayload(Hello, { capabilities: { ...said, versions } }));
      return socket;
    };
    const stranger = await hello([7]);
    expect(await stranger.closed()).toBe(4400);
    expect(stranger.closeReason).toBe('capabilities_version_unsupported');
    const socket = await hello([1, 7]);
    const welcome = await socket.next(FrameType.WELCOME);
    expect(decodePayload(Welcome, welcome.payload).capabilitiesVersion).toBe(1);
    // An event of another version changes nothing of what is known.
    socket.send(
      { type: FrameType.CAPABILITIES },
      encodePayload(Capabilities, { ...said, sensors: ['humidity'], versions: [7] }),
    );
    await expect(socket.next(FrameType.ACK)).rejects.toThrow('capabilities_version_unsupported');
    const { body } = await server.request('GET', `/api/v1/devices/${device.deviceId}`, {
      token,
      expect: 200,
    });
    expect(body.capabilities).toMatchObject({ sensors: ['temperature'] });
    socket.close();
  });
});

describe('a network that is removed', () => {
  it('says so to its devices in a frame, which names it, before their connections end', async () => {
    const { token } = world.alice;
    const shed = await server.post<{ id: string }>('/api/v1/networks', { name: 'Removed' }, token);
    const device = await createDevice(server, token, shed.id, 'In the shed');
    const socket = await BifrostSocket.open(server, device);
    await server.request('DELETE', `/api/v1/networks/${shed.id}`, { token, expect: 200 });
    expect(await socket.closed()).toBe(4404);
    const [said] = socket.frames.filter(({ header }) => header.type === FrameType.ERROR);
    expect([said?.header.networkId, said === undefined ? null : codeOf(said)]).toEqual([
      shed.id,
      'network_not_found',
    ]);
    expect(said !== undefined && isSignedFor(device, said)).toBe(true);
  });
});

describe('the topology of a network', () => {
  const at = (path: string, token = world.alice.token) =>
    server.request('GET', `/api/v1/networks/${path}`, { token });

  /** Events of a stream as they come. */
  async function follow(networkId: string, token: string) {
    const ended = new AbortController();
    const response = await fetch(`${server.httpUrl}/api/v1/networks/${networkId}/topology/live`, {
      headers: { authorization: `Bearer ${token}` },
      signal: ended.signal,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader?.read())?.value ?? '';
    return {
      async next(pattern: RegExp): Promise<string> {
        for (let match = pattern.exec(text); ; match = pattern.exec(text)) {
          if (match !== null) return match[0];
          text += (await reader?.read())?.value ?? '';
        }
      },
      text: () => text,
      end: () => ended.abort(),
    };
  }

  it('shows how each device is connected and how it is, live as well, and of a guest no more than that', async () => {
    const { adminToken, bob } = world;
    const carol = await createHousehold(server, adminToken);
    const { id } = carol.network;
    const silent = await createDevice(server, carol.token, id, 'Never connected');
    await server.post(
      '/api/v1/members',
      { userId: bob.userId, role: 'guest', networkIds: [id] },
      carol.token,
    );
    const joining = `/api/v1/devices/${bob.device.deviceId}/networks/${id}`;
    await server.request('PUT', joining, { token: bob.token, expect: 200 });

    const live = await follow(id, carol.token);
    const [own, guest] = [
      await BifrostSocket.open(server, carol.device),
      await BifrostSocket.open(server, { ...bob.device, networkId: id }),
    ];
    await live.next(
      new RegExp(`"deviceId":"${carol.device.deviceId}","health":"reachable","links":\\[{"transport"`),
    );
    await live.next(new RegExp(`"deviceId":"${bob.device.deviceId}","health":"reachable","links":\\[\\]`));

    const { items } = await server.get<{ items: { id: string; health: string; links: object[] }[] }>(
      `/api/v1/networks/${id}/topology`,
      carol.token,
    );
    expect(new Map(items.map((device) => [device.id, [device.health, device.links]]))).toEqual(
      new Map<string, unknown>([
        [
          carol.device.deviceId,
          [
            'reachable',
            [
              {
                transport: 'websocket',
                node: expect.stringMatching(/^[0-9a-f-]{36}$/),
                since: expect.any(String),
                heardAt: expect.any(String),
              },
            ],
          ],
        ],
        [silent.deviceId, ['offline', []]],
        [bob.device.deviceId, ['reachable', []]],
      ]),
    );
    expect((await at(`${id}/health`, carol.token)).body).toMatchObject({
      status: 'degraded',
      counts: { reachable: 2, silent: 0, failing: 0, offline: 1 },
    });

    own.close();
    await live.next(new RegExp(`"deviceId":"${carol.device.deviceId}","health":"offline"`));
    for (let tried = 0; tried < 5; tried++) (await BifrostSocket.open(server, carol.device)).close();
    const again = await BifrostSocket.open(server, carol.device);
    expect((await at(`${id}/health`, carol.token)).body).toMatchObject({
      counts: { reachable: 1, failing: 1, offline: 1 },
    });
    live.end();
    for (const socket of [again, guest]) socket.close();
  });

  it('sums up what its devices can do, and is nobody else’s', async () => {
    const household = await createHousehold(server, world.adminToken);
    const { id } = household.network;
    const mqtt = await connectPlain(server, household.device);
    await mqtt.mqtt.publishAsync(
      `devices/${household.device.deviceId}/capabilities`,
      JSON.stringify({
        platform: 'esp32',
        sensors: ['temperature'],
        actuators: ['led'],
        commands: ['led.set'],
      }),
      { qos: 1 },
    );
    await expect
      .poll(async () => (await at(`${id}/health`, household.token)).body, { timeout: 30_000 })
      .toMatchObject({
        status: 'healthy',
        capabilities: {
          sensors: [{ name: 'temperature', devices: 1 }],
          commands: [{ name: 'led.set', devices: 1 }],
        },
      });
    for (const path of ['health', 'topology', 'topology/live']) {
      expect(codeIn(await at(`${id}/${path}`))).toBe('404 network_not_found');
    }
    await mqtt.mqtt.endAsync();
  });
});
