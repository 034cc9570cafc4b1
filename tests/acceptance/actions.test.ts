import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  ActionFailure,
  type ActionReport,
  type BifrostClient,
  type BifrostSocket as BifrostSocketOfClient,
  createBifrostClient,
  systemClock,
  systemRandom,
} from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { createMqttConnector } from '../../device/virtual/mqtt-connector.ts';
import type { DeviceMemoryContent } from '../../device/virtual/ports.ts';
import { VirtualDevice } from '../../device/virtual/virtual-device.ts';
import { Delivery, encodePayload, FrameType, ThorResult, uuidToBytes } from '../../proto/index.ts';
import { eventually } from '../integration/http/server-under-test.ts';
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

interface ActionBody {
  readonly id: string;
  readonly status: string;
  readonly error: { readonly code: string } | null;
  readonly values: Readonly<Record<string, unknown>>;
  readonly lastEvent: number;
}

/** A household with a second device, and what its owner asks. */
async function home() {
  const household = await createHousehold(server, world.adminToken);
  const { device, token, network } = household;
  const other = await createDevice(server, token, network.id, 'Second device');
  const ask = async (body: Readonly<Record<string, unknown>>, deviceId = device.deviceId) => {
    const answer = await server.request('POST', `/api/v1/devices/${deviceId}/actions`, { body, token });
    return {
      status: answer.status,
      body: answer.body as unknown as ActionBody & { error: { code: string } },
    };
  };
  const get = (id: string) => server.get<ActionBody>(`/api/v1/actions/${id}`, token);
  /** The action, once it has ended, or stands like this. */
  const until = (id: string, ...states: string[]) =>
    eventually(`action ${states.join(', ')}`, async () => {
      const action = await get(id);
      return states.includes(action.status) && action;
    });
  const cancel = (id: string) => server.request('POST', `/api/v1/actions/${id}/cancel`, { token });
  return { household, device, other, token, ask, get, until, cancel };
}

function clientOf(credentials: DeviceCredentials, sockets: BifrostSocketOfClient[] = []): BifrostClient {
  const openSocket: typeof openNodeSocket = (...where) => {
    const socket = openNodeSocket(...where);
    sockets.push(socket);
    return socket;
  };
  const client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials },
    { core: createDeviceCore(), openSocket },
  );
  onTestFinished(() => client.close());
  return client;
}

/** A simulated ESP32 with a memory that outlives it. */
async function startVirtual(credentials: DeviceCredentials, saved: DeviceMemoryContent[] = []) {
  const device = new VirtualDevice(
    { credentials, intervalMs: 60_000, readingsMax: Number.POSITIVE_INFINITY },
    {
      core: createDeviceCore(),
      connect: createMqttConnector(server.mqttUrl, credentials),
      clock: systemClock,
      random: systemRandom,
      memory: { load: () => saved.at(-1) ?? null, save: (content) => void saved.push(content) },
      report: () => undefined,
    },
  );
  const ended = device.run();
  onTestFinished(async () => {
    await device.stop();
    await ended;
  });
  return device;
}

/** Reads the events of an action to their end, behind `after`. */
async function eventsOf(id: string, token: string, after = 0): Promise<string[]> {
  const response = await fetch(`${server.httpUrl}/api/v1/actions/${id}/events`, {
    headers: { authorization: `Bearer ${token}`, 'last-event-id': String(after) },
  });
  const blocks = (await response.text()).split('\n\n').filter((block) => block.startsWith('id: '));
  return blocks.map((block) => {
    const [number = '', event = '', data = ''] = block.split('\n');
    const { at: _, ...rest } = JSON.parse(data.slice(6));
    return `${number.slice(4)} ${event.slice(7)} ${JSON.stringify(rest)}`;
  });
}

const collected = async (events: AsyncIterable<ActionReport>) => {
  const reports: ActionReport[] = [];
  for await (const report of events) reports.push(report);
  return reports;
};

describe('an action over REST', () => {
  it('is carried out once, whoever repeats it, and its events are read from anywhere on', async () => {
    const { device, token, ask, until } = await home();
    const client = clientOf(device);
    let times = 0;
    client.onAction('count', async (action) => {
      times++;
      action.progress(0.5, 'half');
      await action.send(Buffer.from('part'));
      return { to: action.arguments.to ?? 0 };
    });
    await client.connect();
    const id = systemRandom.uuid();
    const body = { id, name: 'count', arguments: { to: 3 } };
    expect((await ask(body)).status).toBe(202);
    expect(await until(id, 'done')).toMatchObject({ values: { to: 3 }, error: null });
    const again = await ask(body);
    expect([again.status, again.body.values]).toEqual([200, { to: 3 }]);
    const other = await ask({ ...body, arguments: { to: 4 } });
    expect([other.status, other.body.error.code, times]).toEqual([409, 'action_id_taken', 1]);
    const events = [
      '1 begun {}',
      '2 progress {"fraction":0.5,"text":"half"}',
      '3 chunk {"base64":"cGFydA=="}',
      '4 end {"status":"done","error":null,"values":{"to":3}}',
    ];
    expect(await eventsOf(id, token)).toEqual(events);
    expect(await eventsOf(id, token, 2)).toEqual(events.slice(2));
  });

  it('waits for a device that is away, the highest priority first, and ends with its time', async () => {
    const { device, ask, until } = await home();
    const [low, high] = [
      (await ask({ name: 'note', arguments: { which: 'low' }, priority: 1 })).body.id,
      (await ask({ name: 'note', arguments: { which: 'high' }, priority: 9 })).body.id,
    ];
    const late = (await ask({ name: 'note', timeoutSeconds: 1 })).body.id;
    expect((await until(late, 'timed_out')).error).toBeNull();
    const client = clientOf(device);
    const order: unknown[] = [];
    client.onAction('note', ({ arguments: { which } }) => {
      order.push(which);
      return {};
    });
    await client.connect();
    await until(low, 'done');
    await until(high, 'done');
    expect(order).toEqual(['high', 'low']);
  });

  it('is stopped by its cancellation, after which its device is refused', async () => {
    const { device, ask, until, cancel, get } = await home();
    const client = clientOf(device);
    let refusal: unknown = null;
    client.onAction('endless', async (action) => {
      await new Promise((resolve) => action.signal.addEventListener('abort', resolve));
      refusal = await action.send(Buffer.from('late')).catch((error: { code: string }) => error.code);
      return { never: true };
    });
    await client.connect();
    const { id } = (await ask({ name: 'endless' })).body;
    await until(id, 'begun');
    expect((await cancel(id)).status).toBe(200);
    await eventually('the handler is refused', () => refusal === 'aborted');
    expect(await get(id)).toMatchObject({ status: 'cancelled', values: {}, lastEvent: 2 });
    expect((await cancel(id)).body).toMatchObject({ error: { code: 'action_over' } });
  });

  it('is refused by a device that has no such action, and fails where its handler does', async () => {
    const { device, ask, until } = await home();
    const client = clientOf(device);
    client.onAction('fail', () => {
      throw new ActionFailure('command_argument_wrong', 'no', 'refused');
    });
    client.onAction('break', () => {
      throw new Error('stuck');
    });
    client.onAction('guarded', () => ({}), { allows: (sourceId) => sourceId !== null });
    await client.connect();
    const ends = [];
    for (const name of ['none', 'fail', 'break', 'guarded']) {
      const { id } = (await ask({ name })).body;
      const { status, error } = await until(id, 'refused', 'failed', 'done');
      ends.push(`${status} ${error?.code}`);
    }
    expect(ends).toEqual([
      'refused command_unknown',
      'refused command_argument_wrong',
      'failed command_failed',
      'refused forbidden',
    ]);
  });
});

describe('the reports of a device', () => {
  it('count only for what it was asked, in their order, and not after the end', async () => {
    const { device, other, ask } = await home();
    const owner = await BifrostSocket.open(server, device);
    const stranger = await BifrostSocket.open(server, other);
    const { id } = (await ask({ name: 'x' })).body;
    const say = async (socket: BifrostSocket, report: Parameters<typeof ThorResult.encode>[0]) => {
      const payload = encodePayload(ThorResult, { actionId: uuidToBytes(id), ...report });
      socket.send({ type: FrameType.THOR_RESULT, delivery: Delivery.STORED }, payload);
      return socket.next(FrameType.ACK).then(
        () => 'kept',
        (error: Error) => {
          const refusal = socket.frames.findIndex(({ header }) => header.type === FrameType.ERROR);
          if (refusal >= 0) socket.frames.splice(refusal, 1);
          return error.message.replace('refused: ', '');
        },
      );
    };
    // It announced no capabilities: it was asked by a command.
    await owner.next(FrameType.COMMAND);
    const answers = [
      await say(stranger, { position: 1, begun: {} }),
      await say(owner, { position: 0, begun: {} }),
      await say(owner, { position: 1 }),
      await say(owner, { position: 2, chunk: Uint8Array.of(1) }),
      await say(owner, { position: 1, begun: {} }),
      await say(owner, { position: 1, begun: {} }),
      await say(owner, { position: 2, end: { outcome: 1 } }),
      await say(owner, { position: 3, chunk: Uint8Array.of(1) }),
    ];
    expect(answers).toEqual([
      'action_not_found',
      'frame_malformed',
      'frame_payload_malformed',
      'action_out_of_order',
      'kept',
      'kept',
      'kept',
      'action_over',
    ]);
  });
});

describe('an action from device to device', () => {
  it('streams its result as far as it is taken, over connections that end in between', async () => {
    const { device, other } = await home();
    const sockets: BifrostSocketOfClient[][] = [[], []];
    const [asked, asking] = [clientOf(device, sockets[0]), clientOf(other, sockets[1])];
    const parts = 100;
    let times = 0;
    asked.onAction('stream', async (action) => {
      times++;
      for (let part = 0; part < parts; part++) await action.send(Uint8Array.of(part));
      return { parts, from: action.sourceId ?? '' };
    });
    await asked.connect();
    await asking.connect();
    const run = asking.act(device.deviceId, 'stream');
    const seen: number[] = [];
    for await (const report of run) {
      if (report.kind !== 'chunk') continue;
      seen.push(report.content[0] ?? -1);
      if (seen.length === 10) sockets[0]?.at(-1)?.close();
      if (seen.length === 30) sockets[1]?.at(-1)?.close();
    }
    expect(seen).toEqual(Array.from({ length: parts }, (_, part) => part));
    expect(await run.result).toMatchObject({ outcome: 'done', values: { parts, from: other.deviceId } });
    // The same id from another connection: the first result, and nothing is done again.
    asking.close();
    const later = clientOf(other);
    await later.connect();
    const again = await collected(later.act(device.deviceId, 'stream', {}, { id: run.id }));
    expect([again.length, again.at(-1)]).toEqual([parts + 2, expect.objectContaining({ outcome: 'done' })]);
    expect([times, sockets.map(({ length }) => length)]).toEqual([1, [2, 2]]);
  });

  it('takes the permission of the pair, and does not come back to who asked for it', async () => {
    const { household, device, other } = await home();
    const [asked, asking] = [clientOf(device), clientOf(other)];
    asked.onAction('ping', () => ({}));
    asked.onAction('loop', async (action) => {
      const end = await action.act(other.deviceId, 'back').result.catch((error: { code: string }) => error);
      return { code: 'code' in end ? end.code : 'done' };
    });
    asking.onAction('back', () => ({}));
    await asked.connect();
    await asking.connect();
    const loop = await asking.act(device.deviceId, 'loop').result;
    expect(loop).toMatchObject({ outcome: 'done', values: { code: 'action_cyclic' } });
    await server.request('PUT', `/api/v1/networks/${household.network.id}/connection-rule`, {
      body: { rule: 'ask' },
      token: household.token,
      expect: 200,
    });
    await expect(asking.act(device.deviceId, 'ping').result).rejects.toMatchObject({
      code: 'connection_required',
    });
    const connection = {
      networkId: household.network.id,
      sourceId: other.deviceId,
      targetId: device.deviceId,
    };
    await server.post('/api/v1/connections', { ...connection, operations: ['ping'] }, household.token);
    expect(await asking.act(device.deviceId, 'ping').result).toMatchObject({ outcome: 'done' });
    await expect(asking.act(device.deviceId, 'loop').result).rejects.toMatchObject({
      code: 'connection_limited',
    });
  });

  it('for an unknown device, a stranger’s and itself is refused alike', async () => {
    const { device } = await home();
    const client = clientOf(device);
    await client.connect();
    for (const target of [device.deviceId, world.alice.device.deviceId, systemRandom.uuid()]) {
      await expect(client.act(target, 'x').result).rejects.toMatchObject({
        code: 'device_not_found',
        message: 'Device not found.',
      });
    }
  });
});

describe('an action for a device on MQTT', () => {
  it('is a command for a plain one, and its result the action’s', async () => {
    const { device, ask, until, token } = await home();
    const plain = await connectPlain(server, device);
    const topics = `devices/${device.deviceId}`;
    const given: string[] = [];
    plain.mqtt.on('message', (_, payload) => {
      const { id, name, arguments: args } = JSON.parse(payload.toString());
      given.push(name);
      const result = name === 'led.set' ? { id, values: args } : { id, error: 'stuck' };
      plain.mqtt.publish(`${topics}/results`, JSON.stringify(result), { qos: 1 });
    });
    await plain.mqtt.subscribeAsync(`${topics}/commands/#`, { qos: 1 });
    const { id } = (await ask({ name: 'led.set', arguments: { on: true } })).body;
    expect(await until(id, 'done')).toMatchObject({ values: { on: true } });
    const failed = (await ask({ name: 'led.get' })).body.id;
    expect((await until(failed, 'failed')).error).toMatchObject({ code: 'command_failed', message: 'stuck' });
    expect(given).toEqual(['led.set', 'led.get']);
    expect(await eventsOf(id, token)).toEqual(['1 end {"status":"done","error":null,"values":{"on":true}}']);
  });

  it('is unknown after a loss of power, and not carried out again', async () => {
    const { device, ask, until } = await home();
    const saved: DeviceMemoryContent[] = [];
    const first = await startVirtual(device, saved);
    const blink = { name: 'led.blink', arguments: { times: 100, intervalMs: 60_000 } };
    const { id } = (await ask(blink)).body;
    await until(id, 'begun');
    await first.stop();
    await startVirtual(device, saved);
    expect((await until(id, 'unknown')).error).toMatchObject({ code: 'command_outcome_unknown' });
  });
});

describe('yggdrasil act', () => {
  it('shows what happens, and cancels at SIGINT', async () => {
    const { device, token, until } = await home();
    await startVirtual(device);
    const start = (...args: string[]) => {
      const child = spawn(
        process.execPath,
        ['build/yggdrasil.js', 'act', device.deviceId, 'led.blink', ...args],
        {
          env: { PATH: process.env.PATH, YGGDRASIL_TOKEN: token },
        },
      );
      onTestFinished(() => void child.kill('SIGKILL'));
      const output = { out: '', err: '' };
      child.stdout.on('data', (text) => {
        output.out += text;
      });
      child.stderr.on('data', (text) => {
        output.err += text;
      });
      return { child, output, code: once(child, 'close').then(([code]) => code) };
    };
    const at = ['--server', server.httpUrl];
    const done = start(...at, '--arg', 'times=2', '--arg', 'intervalMs=1');
    expect([await done.code, done.output]).toEqual([
      0,
      { out: 'times=2\n', err: 'begun\n50 % 1 of 2\n100 % 2 of 2\ndone\n' },
    ]);
    const id = systemRandom.uuid();
    const stopped = start(...at, '--arg', 'times=9', '--arg', 'intervalMs=60000', '--id', id, '--json');
    await eventually('it has begun', () => stopped.output.out.includes('"begun"'));
    stopped.child.kill('SIGINT');
    expect(await stopped.code).toBe(1);
    expect(stopped.output.out.trim().split('\n').at(-1)).toContain('"status":"cancelled"');
    await until(id, 'cancelled');
  });
});
