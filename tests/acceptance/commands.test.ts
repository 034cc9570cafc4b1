import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createBifrostClient } from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { CommandResult, Delivery, encodePayload, FrameType } from '../../proto/index.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
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

async function home() {
  const household = await createHousehold(server, world.adminToken);
  const { device, token } = household;
  const command = (body: Record<string, unknown>, deviceId = device.deviceId) =>
    server.request('POST', `/api/v1/devices/${deviceId}/commands`, { body, token });
  return { household, device, command };
}

const idIs = { id: expect.any(String), networkId: expect.any(String) };

describe('a command over REST', () => {
  it('is answered with the result of a signing device, as a command of the server', async () => {
    const { device, command } = await home();
    const client = createBifrostClient(
      { url: `${server.webSocketUrl}/bifrost`, credentials: device },
      { core: createDeviceCore(), openSocket: openNodeSocket },
    );
    onTestFinished(() => client.close());
    const sources: string[] = [];
    client.on('command', ({ name, arguments: given, frame }) => {
      sources.push(frame.sourceId, String(frame.madeByServer));
      const error = given.on === true ? null : { code: 'command_argument_wrong' as const, message: 'on' };
      // Its acknowledgement may come after the end of the test.
      client
        .answer(frame, { error, values: { name, level: 3, raw: Uint8Array.of(1) } })
        .catch(() => undefined);
    });
    await client.connect();
    const [done, refused] = [
      await command({ name: 'led.set', arguments: { on: true } }),
      await command({ name: 'led.set', arguments: { on: false } }),
    ];
    const values = { name: 'led.set', level: 3, raw: { base64: 'AQ==' } };
    expect([done.status, done.body]).toEqual([200, { ...idIs, result: { error: null, values } }]);
    expect(refused.body.result).toEqual({ error: { code: 'command_argument_wrong', message: 'on' }, values });
    expect(sources.slice(0, 2)).toEqual(['00000000-0000-0000-0000-000000000000', 'false']);
  });

  it('is answered with the result of a plain device', async () => {
    const { device, command } = await home();
    const topics = `devices/${device.deviceId}`;
    const plain = await connectPlain(server, device);
    plain.mqtt.on('message', (_, payload) => {
      const { id, arguments: given } = JSON.parse(payload.toString());
      plain.mqtt.publish(`${topics}/results`, JSON.stringify({ id, values: given }), { qos: 1 });
    });
    await plain.mqtt.subscribeAsync(`${topics}/commands/#`, { qos: 1 });
    const { status, body } = await command({ name: 'led.set', arguments: { on: true, text: 'é' } });
    expect([status, body.result]).toEqual([200, { error: null, values: { on: true, text: 'é' } }]);
  });

  it('for a device that is away is accepted, and waits for it', async () => {
    const { device, command } = await home();
    const { status, body } = await command({ name: 'led.set', waitSeconds: 0 });
    expect([status, body]).toEqual([202, { ...idIs, result: null }]);
    const socket = await BifrostSocket.open(server, device);
    const frame = await socket.next(FrameType.COMMAND);
    expect(frame.header.id).toBe(body.id);
    // Nobody waits any more: its result is acknowledged all the same.
    answer(socket, frame.header);
    await socket.next(FrameType.ACK);
  });

  it('is answered by nobody but the device that it is for', async () => {
    const { household, device, command } = await home();
    const other = await BifrostSocket.open(
      server,
      await createDevice(server, household.token, household.network.id, 'X'),
    );
    const outside = await BifrostSocket.open(server, world.alice.device);
    const asked = await BifrostSocket.open(server, device);
    const answered = command({ name: 'led.set', waitSeconds: 5 });
    const { header } = await asked.next(FrameType.COMMAND);
    for (const socket of [other, outside]) {
      answer(socket, header, 'command_failed');
      await socket.next(FrameType.ACK);
    }
    answer(asked, header);
    expect((await answered).body.result).toEqual({ error: null, values: {} });
  });

  it('ends to be waited for when the server stops', async () => {
    const own = await startTestServer();
    try {
      const { alice } = await createWorld(own);
      const { deviceId } = alice.device;
      const plain = await connectPlain(own, alice.device);
      await plain.mqtt.subscribeAsync(`devices/${deviceId}/commands/#`);
      const waiting = own.request('POST', `/api/v1/devices/${deviceId}/commands`, {
        body: { name: 'x', waitSeconds: 30 },
        token: alice.token,
      });
      await plain.hears(1);
      await own.stopApp();
      expect((await waiting).status).toBe(202);
    } finally {
      await own.stop();
    }
  });

  it.each([
    [{ name: '' }, 400, 'invalid_input'],
    [{ name: 'x', arguments: { deep: { er: 1 } } }, 400, 'invalid_input'],
    [{ name: 'x', waitSeconds: 31 }, 400, 'invalid_input'],
    [{ name: 'x', networkId: '00000000-0000-4000-8000-00000000dead' }, 404, 'network_not_found'],
  ])('%j is refused', async (body, status, code) => {
    const { command } = await home();
    const answered = await command(body);
    expect([answered.status, (answered.body.error as { code: string }).code]).toEqual([status, code]);
  });
});

type Command = { readonly id: string; readonly networkId: string };

function answer(socket: BifrostSocket, { id, networkId }: Command, error?: 'command_failed'): void {
  const { networkId: own } = socket.credentials as DeviceCredentials;
  const payload = encodePayload(
    CommandResult,
    error ? { error: { code: 302, message: '' } } : { values: {} },
  );
  socket.send(
    {
      type: FrameType.COMMAND_RESULT,
      delivery: Delivery.STORED,
      destinationId: '00000000-0000-0000-0000-000000000000',
      correlationId: id,
      networkId: own === networkId ? networkId : own,
    },
    payload,
  );
}

describe('what was sent to a device', () => {
  interface Sent {
    readonly id: string;
    readonly name: string;
    readonly answeredAt: string | null;
    readonly error: string | null;
  }
  const sentTo = async ({ token }: { token: string }, deviceId: string) =>
    (await server.get<{ items: Sent[] }>(`/api/v1/devices/${deviceId}/commands`, token)).items;

  it('is listed with who sent it and what became of it, the last first, and a late answer is noted', async () => {
    const { household, device, command } = await home();
    const long = 'x'.repeat(4_000);
    const { body } = await command({
      name: 'led.set',
      arguments: { on: true, text: `\0${long}` },
      waitSeconds: 0,
    });
    const [waiting] = await sentTo(household, device.deviceId);
    expect(waiting).toEqual({
      id: body.id,
      networkId: household.network.id,
      accountId: household.userId,
      sentAt: expect.any(String),
      name: 'led.set',
      arguments: { on: true, text: `\ufffd${'x'.repeat(126)}…` },
      answeredAt: null,
      error: null,
    });

    const client = createBifrostClient(
      { url: `${server.webSocketUrl}/bifrost`, credentials: device },
      { core: createDeviceCore(), openSocket: openNodeSocket },
    );
    onTestFinished(() => client.close());
    client.on('command', ({ name, frame }) => {
      const error = name === 'led.set' ? null : { code: 'command_unknown' as const, message: name };
      client.answer(frame, { error, values: {} }).catch(() => undefined);
    });
    await client.connect();
    await command({ name: 'door.open' });
    const settled = async () =>
      (await sentTo(household, device.deviceId)).map(({ name, answeredAt, error }) => [
        name,
        answeredAt !== null,
        error,
      ]);
    await expect.poll(settled, { timeout: 20_000 }).toEqual([
      ['door.open', true, 'command_unknown'],
      ['led.set', true, null],
    ]);
  });

  it('is listed for the tenant that sent it, and no further back than fifty', async () => {
    const { household, device, command } = await home();
    for (let index = 0; index < 52; index++) await command({ name: `step.${index}`, waitSeconds: 0 });
    const names = (await sentTo(household, device.deviceId)).map(({ name }) => name);
    expect([names.length, names[0], names.at(-1)]).toEqual([50, 'step.51', 'step.2']);
    const others = await server.request('GET', `/api/v1/devices/${device.deviceId}/commands`, {
      token: world.bob.token,
    });
    expect(others.status).toBe(404);
  });
});
