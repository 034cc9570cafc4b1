import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Command,
  Delivery,
  decodePayload,
  ErrorPayload,
  Event,
  encodePayload,
  FrameType,
} from '../../proto/index.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { Normalizer } from '../support/normalizer.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createHousehold, createWorld, type Household, topUp, type World } from '../support/world.ts';

const UNKNOWN_ID = '00000000-0000-4000-8000-00000000dead';

/** What Alice sees of everything she can ask, in order. `between` runs before each request. */
async function whatAliceSees(
  world: World,
  alice: Household,
  between: () => Promise<void>,
): Promise<string[]> {
  const { server } = world;
  const normalizer = new Normalizer();
  const seen: string[] = [];
  const ask = async (method: string, path: string, body?: unknown) => {
    await between();
    const answer = await server.request(method, path, { body, token: alice.token });
    seen.push(normalizer.text(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`));
    return answer.body as Record<string, never>;
  };
  await ask('GET', '/api/v1/users/me');
  await ask('GET', '/api/v1/networks');
  await ask('POST', '/api/v1/networks', { name: 'Garden' });
  await ask('POST', '/api/v1/networks', { name: 'Garden' });
  await ask('GET', '/api/v1/networks?limit=1');
  await ask('GET', `/api/v1/networks/${alice.network.id}`);
  await ask('GET', `/api/v1/networks/${UNKNOWN_ID}`);
  await ask('GET', '/api/v1/devices');
  await ask('POST', '/api/v1/devices', { name: 'Lamp', networkId: alice.network.id, worldType: 'jotunheim' });
  await ask('POST', '/api/v1/devices', { name: 'Lamp', networkId: alice.network.id, worldType: 'jotunheim' });
  await ask('POST', '/api/v1/devices', { name: 'Spy', networkId: UNKNOWN_ID, worldType: 'jotunheim' });
  await ask('GET', `/api/v1/devices?networkId=${alice.network.id}`);
  await ask('GET', `/api/v1/devices/${alice.device.deviceId}`);
  await ask('GET', '/api/v1/ledger/balance');
  await ask('GET', '/api/v1/ledger/entries');
  await ask('GET', '/api/v1/marketplace/transactions');
  await ask('GET', `/api/v1/marketplace/transactions/${UNKNOWN_ID}`);
  await ask('GET', '/v1/models');
  await ask('POST', '/v1/chat/completions', {
    model: 'none',
    messages: [{ role: 'user', content: 'Hello' }],
  });
  await whatAliceHears(server, alice, between, (line) => seen.push(normalizer.text(line)));
  return seen;
}

/** What the server says to a device of Alice's, each frame with its nonce, counted from the first. */
async function whatAliceHears(
  server: TestServer,
  alice: Household,
  between: () => Promise<void>,
  hear: (line: string) => void,
): Promise<void> {
  const socket = await BifrostSocket.open(server, alice.device);
  let firstNonce = 0;
  const next = async (type: FrameType) => {
    const { header, payload } = await socket.next(type);
    firstNonce ||= header.nonce;
    const { networkId, destinationId, nonce } = header;
    const hex = Buffer.from(payload).toString('hex');
    hear(`${FrameType[type]} ${networkId} ${destinationId} ${nonce - firstNonce} ${hex}`);
  };
  for (const number of [1, 2, 3]) {
    await between();
    socket.send({ delivery: Delivery.STORED }, encodePayload(Event, { name: 'x', value: { number } }));
    await next(FrameType.ACK);
    for (let count = 0; count < 3; count++) {
      await between();
      socket.send({ type: FrameType.PING });
      await next(FrameType.PONG);
    }
  }
  socket.close();
}

describe('what a tenant sees', () => {
  it('is the same bytes whether or not other tenants exist and are busy', async () => {
    const quietServer = await startTestServer();
    const busyServer = await startTestServer();
    try {
      const administrators = await Promise.all(
        [quietServer, busyServer].map((server) =>
          server.post<{ token: string }>('/api/v1/setup', { code: server.setupCode, name: 'Administrator' }),
        ),
      );
      const worldOf = async (server: TestServer, index: number) => {
        const adminToken = administrators[index]?.token ?? '';
        const alice = await createHousehold(server, adminToken);
        return { server, adminToken, alice, bob: alice };
      };
      const quiet = await worldOf(quietServer, 0);
      const busy = await worldOf(busyServer, 1);
      const neighbours = [await createHousehold(busyServer, busy.adminToken)];
      const neighbour = await BifrostSocket.open(busyServer, neighbours[0]?.device ?? busy.alice.device);
      let count = 0;
      const alone = await whatAliceSees(quiet, quiet.alice, async () => undefined);
      const among = await whatAliceSees(busy, busy.alice, async () => {
        count++;
        const other = await createHousehold(busyServer, busy.adminToken);
        await busyServer.post('/api/v1/networks', { name: 'Garden' }, other.token);
        if (count % 5 === 0) await topUp(busy, other.userId, 100);
        neighbour.send(
          { delivery: Delivery.STORED },
          encodePayload(Event, { name: 'x', value: { number: count } }),
        );
        await neighbour.next(FrameType.ACK);
        for (let ping = 0; ping <= count % 3; ping++) {
          neighbour.send({ type: FrameType.PING });
          await neighbour.next(FrameType.PONG);
        }
      });
      expect(among).toEqual(alone);
      expect(alone.length).toBeGreaterThan(20);
    } finally {
      await quietServer.stop();
      await busyServer.stop();
    }
  });
});

describe('what another tenant owns', () => {
  let server: TestServer;
  let world: World;

  beforeAll(async () => {
    server = await startTestServer();
    world = await createWorld(server);
  });
  afterAll(() => server.stop());

  const bytesOf = async (method: string, path: string, body?: unknown) => {
    const {
      status,
      body: answer,
      headers,
    } = await server.request(method, path, { body, token: world.alice.token });
    const requestId = headers.get('x-request-id') ?? '';
    return `${status} ${JSON.stringify(answer).replaceAll(requestId, 'request')}`;
  };

  it('is answered over REST as what does not exist, byte for byte', async () => {
    const { bob } = world;
    for (const [method, path, ownId] of [
      ['GET', '/api/v1/networks/:id', bob.network.id],
      ['GET', '/api/v1/devices/:id', bob.device.deviceId],
      ['DELETE', '/api/v1/devices/:id', bob.device.deviceId],
      ['GET', '/api/v1/devices?networkId=:id', bob.network.id],
    ] as const) {
      const foreign = await bytesOf(method, path.replace(':id', ownId));
      expect(foreign, path).toBe(await bytesOf(method, path.replace(':id', UNKNOWN_ID)));
      expect(foreign).toMatch(/^404 /);
    }
    const device = (networkId: string) => ({ name: 'Spy', networkId, worldType: 'jotunheim' });
    expect(await bytesOf('POST', '/api/v1/devices', device(bob.network.id))).toBe(
      await bytesOf('POST', '/api/v1/devices', device(UNKNOWN_ID)),
    );
    expect((await server.get<{ id: string }>(`/api/v1/devices/${bob.device.deviceId}`, bob.token)).id).toBe(
      bob.device.deviceId,
    );
  });

  it('is answered over Bifrost as what does not exist, byte for byte, and hears nothing', async () => {
    const { alice, bob } = world;
    const spy = await BifrostSocket.open(server, alice.device);
    const victim = await BifrostSocket.open(server, bob.device);
    const refusal = async (changes: Parameters<BifrostSocket['send']>[0]) => {
      spy.send(changes, encodePayload(Command, { name: 'led.set' }));
      const { payload } = await spy.next(FrameType.ERROR);
      return Buffer.from(payload).toString('hex');
    };
    const command = { type: FrameType.COMMAND, delivery: Delivery.STORED } as const;
    for (const [foreign, unknown] of [
      [
        { ...command, destinationId: bob.device.deviceId },
        { ...command, destinationId: UNKNOWN_ID },
      ],
      [{ destinationId: bob.device.deviceId }, { destinationId: UNKNOWN_ID }],
      [{ networkId: bob.network.id }, { networkId: UNKNOWN_ID }],
      [
        { ...command, networkId: bob.network.id, destinationId: bob.device.deviceId },
        { ...command, networkId: UNKNOWN_ID, destinationId: UNKNOWN_ID },
      ],
    ]) {
      expect(await refusal(foreign ?? {})).toBe(await refusal(unknown ?? {}));
    }
    spy.send({}, encodePayload(Event, { name: 'to everybody' }));
    spy.send({ type: FrameType.PING });
    await spy.next(FrameType.PONG);
    victim.send({ type: FrameType.PING });
    await victim.next(FrameType.PONG);
    expect(victim.frames).toEqual([]);
    spy.close();
    victim.close();
  });

  it('can not be reached over MQTT: no topic, no wildcard, no client id', async () => {
    const { alice, bob } = world;
    const spy = await mqtt.connectAsync(server.mqttUrl, {
      username: alice.device.deviceId,
      password: alice.device.token,
      reconnectPeriod: 0,
    });
    const heard: string[] = [];
    spy.on('message', (topic) => heard.push(topic));
    await spy.subscribeAsync(['#', '+/+/+/down'], { qos: 1 });
    for (const filter of ['$SYS/#', `bifrost/v1/${bob.device.deviceId}/down`, '$share/g/#']) {
      const granted = await spy.subscribeAsync(filter, { qos: 1 }).catch(() => [{ qos: 128 }]);
      expect(
        granted.map(({ qos }) => qos),
        filter,
      ).toEqual([128]);
    }
    const victim = await BifrostSocket.open(server, bob.device);
    victim.send({ delivery: Delivery.STORED }, encodePayload(Event, { name: 'private' }));
    await victim.next(FrameType.ACK);
    expect(heard).toEqual([]);
    const closed = new Promise<void>((resolve) => spy.once('close', () => resolve()));
    spy.publish(`bifrost/v1/${bob.device.deviceId}/down`, 'for Bob');
    await closed;
    await expect(
      mqtt.connectAsync(server.mqttUrl, {
        username: bob.device.deviceId,
        password: alice.device.token,
        reconnectPeriod: 0,
      }),
    ).rejects.toThrow(/Not authorized|Bad username/i);
    victim.close();
  });

  it('is not in the log of another tenant’s request', async () => {
    const before = server.logs.length;
    await bytesOf('GET', `/api/v1/networks/${world.bob.network.id}`);
    const lines = JSON.stringify(server.logs.slice(before));
    expect(lines).not.toContain(world.bob.userId);
    expect(lines).not.toContain(world.bob.token);
  });

  it('is kept from a WebSocket whose token is of another device or of a user', async () => {
    for (const token of [world.alice.token, 'ygd_wrong', '']) {
      const refused = await BifrostSocket.connect(server, { ...world.bob.device, token });
      refused.send({ type: FrameType.HELLO });
      expect([await refused.closed(), refused.closeReason]).toEqual([4401, 'unauthenticated']);
      expect(refused.frames).toEqual([]);
    }
    const wrongNetwork = await BifrostSocket.connect(server, {
      ...world.alice.device,
      networkId: world.bob.network.id,
    });
    wrongNetwork.send({ type: FrameType.HELLO });
    const { payload } = await wrongNetwork.next(FrameType.ERROR).catch(() => ({ payload: new Uint8Array() }));
    expect(decodePayload(ErrorPayload, payload).code).not.toBe(0);
    await wrongNetwork.closed();
  });
});
