import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runConnections } from '../../device/examples/connections/main.ts';
import {
  Ack,
  Command,
  ConnectionAsk,
  ConnectionDecision,
  ConnectionEnd,
  ConnectionState,
  Delivery,
  decodePayload,
  Event,
  encodePayload,
  errorCodeName,
  FrameType,
  PairState,
  RouteQuery,
  Routes,
  uuidToBytes,
} from '../../proto/index.ts';
import { BifrostSocket, codeOf } from '../support/bifrost-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type DeviceCredentials,
  type Household,
  type World,
} from '../support/world.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const UNKNOWN_ID = '00000000-0000-4000-8000-00000000dead';

/** A household with two connected devices, under this rule. */
async function home(rule: 'open' | 'guests_ask' | 'ask') {
  const household = await createHousehold(server, world.adminToken);
  const second = await createDevice(server, household.token, household.network.id, 'Second device');
  if (rule !== 'open') await setRule(household, rule);
  const [a, b] = [
    await BifrostSocket.open(server, household.device),
    await BifrostSocket.open(server, second),
  ];
  return { household, a, b };
}

const setRule = ({ network, token }: Household, rule: string) =>
  server.request('PUT', `/api/v1/networks/${network.id}/connection-rule`, {
    body: { rule },
    token,
    expect: 200,
  });

const ask = (from: BifrostSocket, targetId: string, more: Parameters<typeof ConnectionAsk.encode>[0] = {}) =>
  from.send(
    { type: FrameType.CONNECTION_ASK },
    encodePayload(ConnectionAsk, { targetId: uuidToBytes(targetId), ...more }),
  );
const stateOf = async (socket: BifrostSocket) =>
  decodePayload(ConnectionState, (await socket.next(FrameType.CONNECTION_STATE)).payload);
const askOf = async (socket: BifrostSocket) =>
  decodePayload(ConnectionAsk, (await socket.next(FrameType.CONNECTION_ASK)).payload);
const decide = (by: BifrostSocket, decision: Parameters<typeof ConnectionDecision.encode>[0]) =>
  by.send({ type: FrameType.CONNECTION_DECISION }, encodePayload(ConnectionDecision, decision));
const refusalOf = async (socket: BifrostSocket) => codeOf(await socket.next(FrameType.ERROR));

/** Sends a command, stored; what the server answers. */
async function command(from: BifrostSocket, destinationId: string, name = 'led.set'): Promise<string> {
  from.send(
    { type: FrameType.COMMAND, delivery: Delivery.STORED, destinationId },
    encodePayload(Command, { name }),
  );
  const answer = await Promise.race([from.next(FrameType.ACK).then(() => 'kept'), refusalOf(from)]).catch(
    (error: Error) => error.message.replace('refused: ', ''),
  );
  const left = from.frames.findIndex(({ header }) => header.type === FrameType.ERROR);
  if (left >= 0) from.frames.splice(left, 1);
  return answer;
}

/** Asks, is asked, allows. */
async function connect(
  a: BifrostSocket,
  b: BifrostSocket,
  decision: Parameters<typeof ConnectionDecision.encode>[0] = {},
) {
  ask(a, b.credentials.deviceId);
  expect((await stateOf(a)).state).toBe(PairState.PAIR_ASKED);
  const { connectionId } = await askOf(b);
  decide(b, { connectionId, allow: true, ...decision });
  const state = await stateOf(a);
  expect(state.state).toBe(PairState.PAIR_ALLOWED);
  return connectionId;
}

const idOf = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

describe('two devices of one owner', () => {
  it('send to each other without asking, as ever, and are connected at once when they ask', async () => {
    const { a, b, household } = await home('open');
    expect(await command(a, b.credentials.deviceId)).toBe('kept');
    expect(await command(b, a.credentials.deviceId)).toBe('kept');
    for (const socket of [a, b]) {
      const { streamOffset } = await socket.next(FrameType.COMMAND);
      socket.send({ type: FrameType.ACK }, encodePayload(Ack, { offset: streamOffset }));
      socket.send({ type: FrameType.PING });
      await socket.next(FrameType.PONG);
    }
    ask(a, b.credentials.deviceId);
    const { state, connectionId } = await stateOf(a);
    expect(state).toBe(PairState.PAIR_ALLOWED);
    expect(b.frames.some(({ header }) => header.type === FrameType.CONNECTION_ASK)).toBe(false);
    const { items } = await server.get<{ items: unknown[] }>('/api/v1/connections', household.token);
    expect(items).toEqual([
      expect.objectContaining({
        id: idOf(connectionId),
        sourceId: a.credentials.deviceId,
        targetId: b.credentials.deviceId,
        status: 'allowed',
        decidedBy: 'rule',
        path: 'relay',
        roundTripMs: expect.any(Number),
        established: expect.any(String),
        lastHeartbeat: expect.any(String),
      }),
    ]);
  });

  it('are cut from each other by a withdrawal, until the one that withdrew allows it again', async () => {
    const { a, b } = await home('open');
    ask(a, b.credentials.deviceId);
    const { connectionId } = await stateOf(a);
    b.send(
      { type: FrameType.CONNECTION_END },
      encodePayload(ConnectionEnd, { connectionId, reason: 'noise' }),
    );
    expect((await stateOf(a)).reason).toBe('noise');
    expect(await command(a, b.credentials.deviceId)).toBe('connection_required');
    await connect(a, b);
    expect(await command(a, b.credentials.deviceId)).toBe('kept');
  });
});

describe('under a rule that asks', () => {
  it('nothing is sent to a device that did not allow it, and an unknown one is answered alike', async () => {
    const { a, b } = await home('ask');
    expect(await command(a, b.credentials.deviceId)).toBe('connection_required');
    expect(await command(a, UNKNOWN_ID)).toBe('connection_required');
    expect(await command(a, world.bob.device.deviceId)).toBe('connection_required');
  });

  it('a device is asked with who asks, and its answer reaches it with a reason', async () => {
    const { a, b } = await home('ask');
    ask(a, b.credentials.deviceId, { reason: 'to switch', operations: ['led.*'] });
    await stateOf(a);
    const asked = await askOf(b);
    expect(asked).toMatchObject({
      reason: 'to switch',
      operations: ['led.*'],
      source: { name: 'First device', kind: 'jotunheim', owner: expect.any(String) },
    });
    decide(b, { connectionId: asked.connectionId, allow: false, reason: 'not now' });
    expect(await stateOf(a)).toMatchObject({ state: PairState.PAIR_DENIED, reason: 'not now' });
    expect(await command(a, b.credentials.deviceId)).toBe('connection_required');
  });

  it('only what was allowed is sent, and one that was asked may answer', async () => {
    const { a, b } = await home('ask');
    await connect(a, b, { operations: ['led.*', 'door.open'] });
    expect(await command(a, b.credentials.deviceId, 'led.set')).toBe('kept');
    expect(await command(a, b.credentials.deviceId, 'door.open')).toBe('kept');
    expect(await command(a, b.credentials.deviceId, 'door.close')).toBe('connection_limited');
    expect(await command(b, a.credentials.deviceId)).toBe('connection_required');
    b.send(
      { type: FrameType.EVENT, destinationId: a.credentials.deviceId },
      encodePayload(Event, { name: 'door.moved' }),
    );
    expect(decodePayload(Event, (await a.next(FrameType.EVENT)).payload).name).toBe('door.moved');
  });

  it('a permission for one frame is used up by one', async () => {
    const { a, b } = await home('ask');
    await connect(a, b, { once: true });
    expect(await command(a, b.credentials.deviceId)).toBe('kept');
    expect(await command(a, b.credentials.deviceId)).toBe('connection_limited');
  });

  it('a device that comes back is asked what is open, and a user can answer for it', async () => {
    const { a, b, household } = await home('ask');
    b.close();
    await b.closed();
    ask(a, b.credentials.deviceId);
    const { connectionId } = await stateOf(a);
    const back = await BifrostSocket.open(server, b.credentials);
    expect((await askOf(back)).connectionId).toEqual(connectionId);
    const { items } = await server.get<{ items: { id: string }[] }>(
      '/api/v1/connections?status=asked',
      household.token,
    );
    expect(items.map(({ id }) => id)).toEqual([idOf(connectionId)]);
    await server.request('POST', `/api/v1/connections/${idOf(connectionId)}/decision`, {
      body: { allow: true, until: new Date(Date.now() + 3_600_000).toISOString() },
      token: household.token,
      expect: 200,
    });
    expect((await stateOf(a)).state).toBe(PairState.PAIR_ALLOWED);
    expect(await command(a, b.credentials.deviceId)).toBe('kept');
  });

  it('a question that nobody answers times out', async () => {
    const { a, b } = await home('ask');
    ask(a, b.credentials.deviceId, { waitMs: 1 });
    const first = (await stateOf(a)).state;
    if (first === PairState.PAIR_ASKED) expect((await stateOf(a)).state).toBe(PairState.PAIR_TIMED_OUT);
    const { connectionId } = await askOf(b);
    decide(b, { connectionId, allow: true });
    expect(await refusalOf(b)).toBe('connection_decided');
  });
});

describe('the client library', () => {
  it('asks, is asked, allows and withdraws: its example', async () => {
    const { household, a, b } = await home('ask');
    for (const socket of [a, b]) socket.close();
    await Promise.all([a.closed(), b.closed()]);
    const lines: string[] = [];
    await runConnections({
      url: `${server.webSocketUrl}/bifrost`,
      first: JSON.stringify(household.device),
      second: JSON.stringify(b.credentials),
      module: 'build/device.wasm',
      print: (line) => void lines.push(line),
    });
    expect(lines).toEqual([
      expect.stringMatching(/^First device of .+ asks: the switch by the door$/),
      'allowed: led.*',
      'led.set: did led.set',
      'door.open: connection_limited',
      'closed: good night',
      'led.set: connection_required',
    ]);
  });
});

describe('what is asked wrongly', () => {
  it('changes nothing and has a code of its own', async () => {
    const { a, b } = await home('ask');
    ask(a, a.credentials.deviceId);
    expect(await refusalOf(a)).toBe('invalid_input');
    ask(a, UNKNOWN_ID);
    expect(await refusalOf(a)).toBe('device_not_found');
    ask(a, world.bob.device.deviceId);
    expect(await refusalOf(a)).toBe('device_not_found');
    ask(a, b.credentials.deviceId);
    const { connectionId } = await stateOf(a);
    decide(a, { connectionId, allow: true });
    expect(await refusalOf(a)).toBe('forbidden');
    const stranger = await BifrostSocket.open(server, world.bob.device);
    decide(stranger, { connectionId, allow: true });
    expect(await refusalOf(stranger)).toBe('connection_not_found');
    decide(b, { connectionId, allow: true, untilMs: 1 });
    expect(await refusalOf(b)).toBe('invalid_input');
    expect(await command(a, b.credentials.deviceId)).toBe('connection_required');
  });

  it('a hundred times disturbs the asked one a few times only', async () => {
    const { a, b } = await home('ask');
    let refused = 0;
    for (let count = 0; count < 20; count++) {
      ask(a, b.credentials.deviceId);
      const answer = await Promise.race([stateOf(a).then(() => 'asked'), refusalOf(a)]).catch(
        () => 'refused',
      );
      if (answer !== 'asked') refused++;
      a.frames.splice(0);
    }
    expect(refused).toBeGreaterThan(0);
    await askOf(b);
    expect(b.frames.filter(({ header }) => header.type === FrameType.CONNECTION_ASK)).toEqual([]);
  });
});

describe('a guest', () => {
  it('sends as ever under an open rule, asks where guests ask, and its own owner answers for it', async () => {
    const { household, a } = await home('open');
    const { bob } = world;
    await server.post(
      '/api/v1/members',
      { userId: bob.userId, role: 'member', networkIds: [household.network.id] },
      household.token,
    );
    const guest: DeviceCredentials = { ...bob.device, networkId: household.network.id };
    await server.request('PUT', `/api/v1/devices/${guest.deviceId}/networks/${guest.networkId}`, {
      token: bob.token,
    });
    expect(await command(a, guest.deviceId)).toBe('kept');
    await setRule(household, 'guests_ask');
    expect(await command(a, guest.deviceId)).toBe('connection_required');
    ask(a, guest.deviceId);
    const { connectionId } = await stateOf(a);
    const decision = (token: string) =>
      server.request('POST', `/api/v1/connections/${idOf(connectionId)}/decision`, {
        body: { allow: true },
        token,
      });
    expect((await decision(household.token)).status).toBe(403);
    expect((await decision(bob.token)).status).toBe(200);
    expect((await stateOf(a)).state).toBe(PairState.PAIR_ALLOWED);
    expect(await command(a, guest.deviceId)).toBe('kept');
    await server.request('DELETE', `/api/v1/connections/${idOf(connectionId)}`, {
      token: bob.token,
      expect: 200,
    });
    expect(await command(a, guest.deviceId)).toBe('connection_required');
  });
});

describe('routes', () => {
  const routeOf = (socket: BifrostSocket, query: Parameters<typeof RouteQuery.encode>[0] = {}) => {
    socket.send({ type: FrameType.ROUTE_QUERY }, encodePayload(RouteQuery, query));
    return socket.next(FrameType.ROUTES).then(({ payload }) => decodePayload(Routes, payload));
  };

  it('say over REST and Bifrost who can be reached, and why others can not', async () => {
    const { household, a, b } = await home('open');
    const away = await createDevice(server, household.token, household.network.id, 'Third device');
    const fromA = async () => {
      const { items } = await server.get<{ items: { deviceId: string; path: string; reason: string }[] }>(
        `/api/v1/routes?from=${a.credentials.deviceId}`,
        household.token,
      );
      return Object.fromEntries(items.map(({ deviceId, path, reason }) => [deviceId, path ?? reason]));
    };
    expect(await fromA()).toEqual({ [b.credentials.deviceId]: 'relay', [away.deviceId]: 'device_offline' });
    await setRule(household, 'ask');
    expect(await fromA()).toEqual({
      [b.credentials.deviceId]: 'connection_required',
      [away.deviceId]: 'connection_required',
    });
    await connect(a, b);
    const { routes, isMore } = await routeOf(a);
    expect(isMore).toBe(false);
    expect(routes.map(({ path, reason }) => path || errorCodeName(reason ?? 0)).sort()).toEqual([
      'connection_required',
      'relay',
    ]);
    const [one] = (await routeOf(a, { targetId: uuidToBytes(b.credentials.deviceId) })).routes;
    expect(one).toMatchObject({ path: 'relay', sinceMs: expect.any(Number) });
    const first = await routeOf(a, { limit: 1 });
    expect(first.isMore).toBe(true);
  });
});

describe('a group', () => {
  async function grouped() {
    const scene = await home('open');
    const { household, a } = scene;
    const groups = `/api/v1/networks/${household.network.id}/groups`;
    const { id } = await server.post<{ id: string }>(groups, { name: 'Lamps' }, household.token);
    const add = (...deviceIds: string[]) =>
      server.request('POST', `${groups}/${id}/members`, { body: { deviceIds }, token: household.token });
    const say = async (name: string, delivery: Delivery = Delivery.STORED) => {
      a.send({ delivery, destinationId: id }, encodePayload(Event, { name }));
      if (delivery === Delivery.STORED) await a.next(FrameType.ACK);
    };
    return { ...scene, groups, id, add, say };
  }
  const heard = async (socket: BifrostSocket) => {
    socket.send({ type: FrameType.PING });
    await socket.next(FrameType.PONG);
    return socket.frames
      .filter(({ header }) => header.type === FrameType.EVENT)
      .map(({ payload }) => decodePayload(Event, payload).name);
  };

  it('gets what is said to it, once for each member, and nobody else hears it', async () => {
    const { household, a, b, id, add, say } = await grouped();
    const third = await createDevice(server, household.token, household.network.id, 'Third device');
    const c = await BifrostSocket.open(server, third);
    expect((await add(b.credentials.deviceId)).status).toBe(200);
    await say('stored');
    await say('now', Delivery.TRANSIENT);
    await b.next(FrameType.EVENT);
    await b.next(FrameType.EVENT);
    expect(await heard(b)).toEqual([]);
    expect(await heard(c)).toEqual([]);
    a.send(
      { type: FrameType.COMMAND, delivery: Delivery.STORED, destinationId: id },
      encodePayload(Command, { name: 'led.set' }),
    );
    expect(await refusalOf(a)).toBe('frame_destination_unknown');
  });

  it('is read by a member that was away from where it joined on, and by nobody else', async () => {
    const { household, b, groups, id, add, say } = await grouped();
    await add(b.credentials.deviceId);
    b.close();
    await b.closed();
    const late = await createDevice(server, household.token, household.network.id, 'Late device');
    await say('first');
    await add(late.deviceId);
    await say('second');
    const [back, joined] = [
      await BifrostSocket.open(server, b.credentials),
      await BifrostSocket.open(server, late),
    ];
    const nameOf = async (socket: BifrostSocket) =>
      decodePayload(Event, (await socket.next(FrameType.EVENT)).payload).name;
    expect([await nameOf(back), await nameOf(back), await nameOf(joined)]).toEqual([
      'first',
      'second',
      'second',
    ]);
    await server.request('DELETE', `${groups}/${id}/members/${late.deviceId}`, {
      token: household.token,
      expect: 200,
    });
    await say('third');
    expect(await nameOf(back)).toBe('third');
    expect(await heard(joined)).toEqual([]);
  });

  it('has devices of its network alone, a name of its own, and an end', async () => {
    const { household, a, b, groups, id, add } = await grouped();
    const { status, body } = await add(b.credentials.deviceId, world.bob.device.deviceId);
    expect([status, body]).toMatchObject([404, { error: { code: 'device_not_found' } }]);
    const { items } = await server.get<{ items: { members: number }[] }>(groups, household.token);
    expect(items.map(({ members }) => members)).toEqual([0]);
    const again = await server.request('POST', groups, { body: { name: 'Lamps' }, token: household.token });
    expect([again.status, again.body]).toMatchObject([409, { error: { code: 'group_name_taken' } }]);
    const many = Array.from({ length: 100_000 }, () => b.credentials.deviceId);
    expect((await add(...many)).status).toBe(413);
    expect((await add(...many.slice(0, 1_001))).status).toBe(400);
    await server.request('DELETE', `${groups}/${id}`, { token: household.token, expect: 200 });
    a.send({ delivery: Delivery.STORED, destinationId: id }, encodePayload(Event, { name: 'gone' }));
    expect(await refusalOf(a)).toBe('frame_destination_unknown');
  });
});
