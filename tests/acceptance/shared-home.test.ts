import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Delivery, decodePayload, Event, encodePayload, FrameType } from '../../proto/index.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from '../support/world.ts';

const UNKNOWN_ID = '00000000-0000-4000-8000-00000000dead';

/** A user who acts in Alice's tenant. */
interface Member {
  readonly userId: string;
  readonly token: string;
}

let server: TestServer;
let world: World;
let home: string;
let kitchen: string;
let cellar: string;
let administrator: Member;
let member: Member;
let guest: Member;

/** A request of somebody in Alice's tenant: its status, and its answer or the code of its refusal. */
async function ask(who: { token: string }, method: string, path: string, body?: unknown, tenantId = home) {
  const answer = await server.request(method, path, {
    body,
    token: who.token,
    headers: { 'x-tenant-id': tenantId },
  });
  const { error } = answer.body as { error?: { code: string } };
  return { status: answer.status, code: error?.code ?? null, body: answer.body as Record<string, never> };
}

const codeOf = async (...request: Parameters<typeof ask>) => {
  const { status, code } = await ask(...request);
  return `${status} ${code ?? 'done'}`;
};

const newUser = async (name: string): Promise<Member> => {
  const { user, token } = await server.post<{ user: { id: string }; token: string }>(
    '/api/v1/users',
    { name },
    world.adminToken,
  );
  return { userId: user.id, token };
};

const homeOf = async (who: { token: string }): Promise<string> => {
  const { items } = await server.get<{ items: { id: string; role: string }[] }>('/api/v1/tenants', who.token);
  return items.find(({ role }) => role === 'owner')?.id ?? '';
};

const add = (who: { token: string }, userId: string, role: string, networkIds: string[] | null = null) =>
  ask(who, 'POST', '/api/v1/members', { userId, role, networkIds });

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
  const { alice } = world;
  home = await homeOf(alice);
  kitchen = alice.network.id;
  cellar = (await server.post<{ id: string }>('/api/v1/networks', { name: 'Cellar' }, alice.token)).id;
  administrator = await newUser('Anna');
  member = await newUser('Max');
  guest = await newUser('Gus');
  expect((await add(alice, administrator.userId, 'administrator')).status).toBe(201);
  expect((await add(administrator, member.userId, 'member')).status).toBe(201);
  expect((await add(administrator, guest.userId, 'guest', [kitchen])).status).toBe(201);
});
afterAll(() => server.stop());

describe('a user in several tenants', () => {
  it('lists them with its role, and acts in its own without a header', async () => {
    const { items } = await server.get<{ items: Record<string, unknown>[] }>('/api/v1/tenants', guest.token);
    expect(items).toHaveLength(2);
    expect(items).toContainEqual({ id: home, name: 'Somebody', role: 'guest', networkIds: [kitchen] });
    expect(items).toContainEqual(expect.objectContaining({ name: 'Gus', role: 'owner', networkIds: null }));
    const own = await server.get<{ items: unknown[] }>('/api/v1/networks', guest.token);
    expect(own.items).toEqual([]);
    expect((await ask(guest, 'GET', '/api/v1/networks')).body.items).toEqual([
      expect.objectContaining({ id: kitchen }),
    ]);
  });

  it('gets for a tenant of others, for none and for what is no id the same bytes', async () => {
    const bobsHome = await homeOf(world.bob);
    const answers = await Promise.all(
      [bobsHome, UNKNOWN_ID, 'mine', ''].map(async (tenantId) => {
        const answer = await server.request('GET', '/api/v1/networks', {
          token: guest.token,
          headers: { 'x-tenant-id': tenantId },
        });
        const requestId = answer.headers.get('x-request-id') ?? '';
        return `${answer.status} ${JSON.stringify(answer.body).replaceAll(requestId, 'request')}`;
      }),
    );
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^404 .*tenant_not_found/);
    const device = world.alice.device;
    expect(await codeOf(device, 'GET', '/v1/models', undefined, bobsHome)).toBe('404 tenant_not_found');
  });

  it('takes an id in upper case, as everywhere', async () => {
    expect(await codeOf(guest, 'GET', '/api/v1/networks', undefined, home.toUpperCase())).toBe('200 done');
  });
});

describe('roles', () => {
  it('decide who changes members', async () => {
    const stranger = await newUser('Sue');
    for (const who of [member, guest]) {
      expect((await add(who, stranger.userId, 'guest', [kitchen])).code).toBe('forbidden');
      expect(await codeOf(who, 'DELETE', `/api/v1/members/${administrator.userId}`)).toBe('403 forbidden');
    }
    expect((await add(administrator, stranger.userId, 'owner')).code).toBe('forbidden');
    const { userId } = world.alice;
    expect(await codeOf(administrator, 'DELETE', `/api/v1/members/${userId}`)).toBe('403 forbidden');
    expect(await codeOf(administrator, 'PUT', `/api/v1/members/${userId}`, { role: 'member' })).toBe(
      '403 forbidden',
    );
    const self = `/api/v1/members/${administrator.userId}`;
    expect(await codeOf(administrator, 'PUT', self, { role: 'owner' })).toBe('403 forbidden');
    expect(await codeOf(member, 'PUT', `/api/v1/members/${member.userId}`, { role: 'administrator' })).toBe(
      '403 forbidden',
    );
  });

  it('are for all networks, or for single ones, as each says', async () => {
    const stranger = await newUser('Sue');
    const { alice } = world;
    for (const [role, networkIds] of [
      ['owner', [kitchen]],
      ['administrator', [kitchen]],
      ['guest', null],
      ['guest', []],
      ['king', null],
    ] as const) {
      expect((await add(alice, stranger.userId, role, networkIds?.slice() ?? null)).code).toBe(
        'invalid_input',
      );
    }
    expect((await add(alice, stranger.userId, 'guest', [world.bob.network.id])).code).toBe(
      'network_not_found',
    );
    expect((await add(alice, stranger.userId, 'guest', [UNKNOWN_ID])).code).toBe('network_not_found');
    expect((await add(alice, member.userId, 'member')).code).toBe('member_exists');
    expect(await codeOf(alice, 'GET', `/api/v1/members/${stranger.userId}`)).toBe('404 member_not_found');
  });

  it('keep an owner in every tenant, and a user in its own', async () => {
    const { alice } = world;
    const self = `/api/v1/members/${alice.userId}`;
    expect(await codeOf(alice, 'DELETE', self)).toBe('409 last_owner');
    expect(await codeOf(alice, 'PUT', self, { role: 'administrator' })).toBe('409 last_owner');
    const second = await newUser('Olga');
    expect((await add(alice, second.userId, 'owner')).status).toBe(201);
    expect(await codeOf(alice, 'DELETE', self)).toBe('409 home_owner');
    expect(await codeOf(second, 'DELETE', self)).toBe('409 home_owner');
    expect(await codeOf(second, 'DELETE', `/api/v1/members/${second.userId}`)).toBe('200 done');
    expect(await codeOf(second, 'GET', '/api/v1/members')).toBe('404 tenant_not_found');
  });

  it('decide who changes networks and devices, and who spends money', async () => {
    const outcomes = async (who: Member, name: string) => {
      const device = { name, networkId: kitchen, worldType: 'midgard' };
      const created = await ask(who, 'POST', '/api/v1/devices', device);
      const id = (created.body as { device?: { id: string } }).device?.id ?? world.alice.device.deviceId;
      return [
        await codeOf(who, 'POST', '/api/v1/networks', { name }),
        await codeOf(who, 'PUT', `/api/v1/networks/${kitchen}`, { name: 'Home' }),
        `${created.status} ${created.code ?? 'done'}`,
        await codeOf(who, 'PUT', `/api/v1/devices/${id}`, { name: `${name} 2` }),
        await codeOf(who, 'DELETE', `/api/v1/devices/${id}`),
        await codeOf(who, 'GET', '/api/v1/ledger/balance'),
        await codeOf(who, 'GET', '/api/v1/marketplace/transactions?role=provider'),
      ];
    };
    const no = '403 forbidden';
    expect(await outcomes(administrator, 'of Anna')).toEqual([
      '201 done',
      '200 done',
      '201 done',
      '200 done',
      '200 done',
      '200 done',
      '200 done',
    ]);
    expect(await outcomes(member, 'of Max')).toEqual([
      no,
      no,
      '201 done',
      '200 done',
      '200 done',
      '200 done',
      '200 done',
    ]);
    expect(await outcomes(guest, 'of Gus')).toEqual([no, no, no, no, no, no, no]);
  });
});

describe('a member for single networks', () => {
  let single: Member;
  let hidden: DeviceCredentials;

  beforeAll(async () => {
    single = await newUser('Sina');
    expect((await add(world.alice, single.userId, 'member', [kitchen])).status).toBe(201);
    hidden = await createDevice(server, world.alice.token, cellar, 'Wine cooler');
  });

  it('registers devices there, under a name that is taken where it can not look', async () => {
    const device = { name: 'Wine cooler', networkId: kitchen, worldType: 'midgard' };
    expect(await codeOf(single, 'POST', '/api/v1/devices', device)).toBe('201 done');
    expect(await codeOf(single, 'POST', '/api/v1/devices', device)).toBe('409 device_name_taken');
    expect(await codeOf(single, 'POST', '/api/v1/devices', { ...device, networkId: cellar })).toBe(
      '404 network_not_found',
    );
  });

  it('sees no device, no network and no member beyond', async () => {
    expect(await codeOf(single, 'GET', `/api/v1/devices/${hidden.deviceId}`)).toBe('404 device_not_found');
    expect(await codeOf(single, 'GET', `/api/v1/networks/${cellar}`)).toBe('404 network_not_found');
    expect(await codeOf(single, 'GET', `/api/v1/members/${world.alice.userId}`)).toBe('404 member_not_found');
    const { items } = (await ask(single, 'GET', '/api/v1/members')).body as { items?: unknown[] };
    expect(items).toEqual([expect.objectContaining({ userId: single.userId, networkIds: [kitchen] })]);
    const inBoth = `/api/v1/devices/${world.alice.device.deviceId}`;
    expect(await codeOf(world.alice, 'PUT', `${inBoth}/networks/${cellar}`)).toBe('200 done');
    expect((await ask(single, 'GET', inBoth)).body.networkIds).toEqual([kitchen]);
    expect((await ask(world.alice, 'GET', inBoth)).body.networkIds).toEqual([kitchen, cellar].sort());
    expect(await codeOf(single, 'DELETE', `${inBoth}/networks/${cellar}`)).toBe('404 network_not_found');
    expect(await codeOf(world.alice, 'DELETE', `${inBoth}/networks/${cellar}`)).toBe('200 done');
  });
});

describe('a device of an invited user', () => {
  let phone: DeviceCredentials;
  let cooler: DeviceCredentials;
  let path: string;

  beforeAll(async () => {
    const own = await server.post<{ id: string }>('/api/v1/networks', { name: 'Flat' }, guest.token);
    phone = await createDevice(server, guest.token, own.id, 'Phone');
    cooler = await createDevice(server, world.alice.token, kitchen, 'Freezer');
    path = `/api/v1/devices/${phone.deviceId}`;
  });

  const asGuest = (method: string, url: string, body?: unknown) =>
    server.request(method, url, { token: guest.token, body });
  const join = (networkId: string) => asGuest('PUT', `${path}/networks/${networkId}`);

  it('joins the network it was invited into, and no other', async () => {
    expect((await join(cellar)).body).toMatchObject({ error: { code: 'network_not_found' } });
    expect((await join(world.bob.network.id)).body).toMatchObject({ error: { code: 'network_not_found' } });
    expect((await join(kitchen)).status).toBe(200);
    expect((await join(kitchen)).status).toBe(200);
    const { networkIds } = (await asGuest('GET', path)).body;
    expect(networkIds).toEqual([phone.networkId, kitchen].sort());
  });

  it('is shown to the members there with name, kind and whether it is online, and nothing else', async () => {
    for (const who of [world.alice, administrator, member, guest]) {
      const { body } = await ask(who, 'GET', path);
      expect(body).toEqual({
        assignedId: null,
        status: 'offline',
        id: phone.deviceId,
        name: 'Phone',
        worldType: 'jotunheim',
        guest: true,
        networkIds: [kitchen],
        capabilities: null,
        online: false,
        lastSeenAt: null,
        createdAt: expect.any(String),
      });
      const list = (await ask(who, 'GET', `/api/v1/devices?networkId=${kitchen}`)).body as {
        items?: { id: string }[];
      };
      expect(list.items?.map(({ id }) => id)).toContain(phone.deviceId);
      const networks = (await ask(who, 'GET', `${path}/networks`)).body as {
        items?: { networkId: string }[];
      };
      expect(networks.items?.map(({ networkId }) => networkId)).toEqual([kitchen]);
    }
    expect(await codeOf(world.alice, 'PUT', path, { name: 'Mine' })).toBe('403 device_of_other_tenant');
    expect(await codeOf(world.alice, 'DELETE', path)).toBe('403 device_of_other_tenant');
    expect(await codeOf(world.alice, 'PUT', `${path}/networks/${cellar}`)).toBe('403 device_of_other_tenant');
  });

  it('talks with the devices there, and is cut off when the membership ends', async () => {
    const visitor = await BifrostSocket.open(server, { ...phone, networkId: kitchen });
    const freezer = await BifrostSocket.open(server, cooler);
    visitor.send({ delivery: Delivery.STORED }, encodePayload(Event, { name: 'hello' }));
    await visitor.next(FrameType.ACK);
    const heard = await freezer.next(FrameType.EVENT);
    expect(decodePayload(Event, heard.payload).name).toBe('hello');
    freezer.send(
      { delivery: Delivery.STORED, destinationId: phone.deviceId },
      encodePayload(Event, { name: 'hi' }),
    );
    await freezer.next(FrameType.ACK);
    expect(decodePayload(Event, (await visitor.next(FrameType.EVENT)).payload).name).toBe('hi');

    expect(await codeOf(world.alice, 'DELETE', `/api/v1/members/${guest.userId}`)).toBe('200 done');
    await visitor.closed();
    expect((await asGuest('GET', path)).body.networkIds).toEqual([phone.networkId]);
    expect(await codeOf(world.alice, 'GET', path)).toBe('404 device_not_found');
    expect(await codeOf(guest, 'GET', '/api/v1/networks')).toBe('404 tenant_not_found');
    const back = await BifrostSocket.connect(server, { ...phone, networkId: kitchen });
    back.send({ type: FrameType.HELLO });
    await back.closed();
    expect(back.closeReason).toBe('network_not_found');
    const atHome = await BifrostSocket.open(server, phone);
    atHome.close();
    freezer.close();
  });

  it('leaves the network that an invitation loses, and stays in the other', async () => {
    expect((await add(world.alice, guest.userId, 'guest', [kitchen, cellar])).status).toBe(201);
    expect((await join(kitchen)).status).toBe(200);
    expect((await join(cellar)).status).toBe(200);
    const invitation = `/api/v1/members/${guest.userId}`;
    const cut = await BifrostSocket.open(server, { ...phone, networkId: kitchen });
    expect(await codeOf(world.alice, 'PUT', invitation, { role: 'guest', networkIds: [cellar] })).toBe(
      '200 done',
    );
    await cut.closed();
    expect((await asGuest('GET', path)).body.networkIds).toEqual([phone.networkId, cellar].sort());
  });

  it('is sent away by a member, and taken out by who brought it', async () => {
    expect(await codeOf(guest, 'DELETE', `${path}/networks/${cellar}`)).toBe('403 forbidden');
    expect(await codeOf(member, 'DELETE', `${path}/networks/${cellar}`)).toBe('200 done');
    expect(await codeOf(member, 'DELETE', `${path}/networks/${cellar}`)).toBe('404 device_not_found');
    expect((await join(cellar)).status).toBe(200);
    expect((await asGuest('DELETE', `${path}/networks/${cellar}`)).status).toBe(200);
    expect((await asGuest('GET', path)).body.networkIds).toEqual([phone.networkId]);
  });

  it('is invisible in its own tenant to who did not bring it', async () => {
    const flatmate = await newUser('Fred');
    const flat = await homeOf(guest);
    const invited = await ask(
      guest,
      'POST',
      '/api/v1/members',
      { userId: flatmate.userId, role: 'owner' },
      flat,
    );
    expect(invited.status).toBe(201);
    expect((await join(cellar)).status).toBe(200);
    const seen = (await ask(flatmate, 'GET', path, undefined, flat)).body;
    expect(seen.networkIds).toEqual([phone.networkId]);
    expect(await codeOf(flatmate, 'DELETE', `${path}/networks/${cellar}`, undefined, flat)).toBe(
      '404 network_not_found',
    );
  });
});

describe('a network that is deleted', () => {
  it('is gone with what was in it; its devices stay and are cut off', async () => {
    const { alice } = world;
    const attic = await server.post<{ id: string }>('/api/v1/networks', { name: 'Attic' }, alice.token);
    const device = await createDevice(server, alice.token, attic.id, 'Antenna');
    const socket = await BifrostSocket.open(server, device);
    socket.send({ delivery: Delivery.STORED }, encodePayload(Event, { name: 'x' }));
    await socket.next(FrameType.ACK);
    const { deviceId } = device;
    expect(await codeOf(alice, 'DELETE', `/api/v1/networks/${attic.id}`)).toBe('200 done');
    await socket.closed();
    expect(await codeOf(alice, 'GET', `/api/v1/networks/${attic.id}`)).toBe('404 network_not_found');
    expect((await ask(alice, 'GET', `/api/v1/devices/${deviceId}`)).body.networkIds).toEqual([]);
    expect(await codeOf(alice, 'PUT', `/api/v1/devices/${deviceId}/networks/${kitchen}`)).toBe('200 done');
    const again = await BifrostSocket.open(server, { ...device, networkId: kitchen });
    again.close();
  });
});
