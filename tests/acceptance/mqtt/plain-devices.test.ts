import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type BifrostClient, createBifrostClient } from '../../../device/client/index.ts';
import { openNodeSocket } from '../../../device/node/websocket.ts';
import { Delivery, FrameType } from '../../../proto/index.ts';
import { eventually } from '../../integration/http/server-under-test.ts';
import { BifrostSocket, codeOf } from '../../support/bifrost-socket.ts';
import { createDeviceCore } from '../../support/core.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createDevice, createHousehold, createWorld, type World } from '../../support/world.ts';
import { connectPlain, type PlainClient } from './plain-clients.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

/** A network with a plain device, a Bifrost client in it, and what that client hears. */
async function home() {
  const household = await createHousehold(server, world.adminToken);
  const plain = await createDevice(server, household.token, household.network.id, 'Plain');
  const client = await bifrost(household.device);
  const heard: [name: string, value: unknown, unit: string, made: boolean][] = [];
  const sources = new Set<string>();
  client.on('event', ({ name, value, unit, frame }) => {
    heard.push([name, value, unit, frame.madeByServer]);
    sources.add(frame.sourceId);
  });
  return { household, plain, client, heard, sources, topics: `devices/${plain.deviceId}` };
}

async function bifrost(credentials: Parameters<typeof BifrostSocket.open>[1]): Promise<BifrostClient> {
  const client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );
  onTestFinished(() => client.close());
  await client.connect();
  return client;
}

/** What the device reads on its topic of refusals, without the times. */
async function refusalsOf(client: PlainClient, topics: string) {
  const refusals: Record<string, unknown>[] = [];
  client.mqtt.on('message', (topic, payload) => {
    if (topic !== `${topics}/refused`) return;
    const { at, ...refusal } = JSON.parse(payload.toString());
    expect(Date.parse(at)).toBeGreaterThan(Date.now() - 60_000);
    refusals.push(refusal);
  });
  await client.mqtt.subscribeAsync(`${topics}/refused`, { qos: 1 });
  return refusals;
}

describe('what a plain device publishes', () => {
  it.each([0, 1, 2] as const)(
    'with QoS %i reaches Bifrost clients, in a frame made by the server',
    async (qos) => {
      const { plain, topics, heard, sources } = await home();
      const device = await connectPlain(server, plain);
      const publish = (topic: string, json: unknown) =>
        device.mqtt.publishAsync(`${topics}/${topic}`, JSON.stringify(json), { qos });
      await publish('readings/temperature', 21.5);
      await publish('readings/hall/temperature', {
        value: 20,
        unit: 'celsius',
        measuredAt: '2026-01-31T12:00:00Z',
      });
      await publish('readings', { humidity: 40, air: { co2: { value: 600, unit: 'ppm' }, fresh: true } });
      await publish('state', { led: 'on', level: 3, fault: null });
      await publish('settings/interval', 60);
      await eventually('all of it', () => heard.length >= 9);
      expect(heard).toEqual([
        ['temperature', 21.5, '', true],
        ['hall.temperature', 20, 'celsius', true],
        ['humidity', 40, '', true],
        ['air.co2', 600, 'ppm', true],
        ['air.fresh', true, '', true],
        ['led', 'on', '', true],
        ['level', 3, '', true],
        ['fault', null, '', true],
        ['interval', 60, '', true],
      ]);
      expect([...sources]).toEqual([plain.deviceId]);
    },
  );

  it('with QoS 1 waits in the stream for a client that is away', async () => {
    const { household, plain, topics } = await home();
    const away = await createDevice(server, household.token, household.network.id, 'Away');
    const device = await connectPlain(server, plain);
    await device.mqtt.publishAsync(`${topics}/readings/temperature`, '1', { qos: 0 });
    await device.mqtt.publishAsync(`${topics}/readings/temperature`, '2', { qos: 1 });
    const client = await BifrostSocket.open(server, away);
    const { header, streamOffset } = await client.next(FrameType.EVENT);
    expect(header).toMatchObject({ madeByServer: true, delivery: Delivery.STORED, sourceId: plain.deviceId });
    expect([streamOffset, client.frames]).toEqual([1, []]);
  });

  it('as its capabilities is kept with the device, and told', async () => {
    const { household, plain, topics, client } = await home();
    const told: unknown[] = [];
    client.on('capabilities', ({ frame, ...capabilities }) => told.push(capabilities, frame.madeByServer));
    const device = await connectPlain(server, plain);
    const said = { platform: 'tasmota', sensors: ['temperature'], commands: ['power'] };
    await device.mqtt.publishAsync(`${topics}/capabilities`, JSON.stringify(said), { qos: 1, retain: true });
    const capabilities = { firmware: '', actuators: [], ...said };
    await eventually('the capabilities', () => told.length > 0);
    expect(told).toEqual([capabilities, true]);
    expect(await server.get(`/api/v1/devices/${plain.deviceId}`, household.token)).toMatchObject({
      capabilities,
    });
  });

  it.each([
    ['no JSON', 'readings/t', 'ON', 'malformed_json'],
    ['no UTF-8', 'readings/t', Buffer.from([0x22, 0xff, 0x22]), 'malformed_json'],
    ['too large', 'readings/t', JSON.stringify('x'.repeat(16_383)), 'too_large'],
    ['nested a thousand deep', 'readings', `${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`, 'invalid_input'],
    ['a number beyond a double', 'readings/t', '1e400', 'invalid_input'],
    ['one deep in an object', 'state', '{"a":{"b":-1e999}}', 'invalid_input'],
    ['a list', 'readings', '{"a":[1]}', 'invalid_input'],
    ['half of a character', 'readings/t', '"\\ud800"', 'invalid_input'],
    [
      'too many values',
      'readings',
      JSON.stringify(Object.fromEntries(Array(65).fill(1).entries())),
      'invalid_input',
    ],
    ['a name that is none', 'readings', '{"":1}', 'invalid_input'],
    ['a time that is none', 'readings/t', '{"value":1,"measuredAt":"yesterday"}', 'invalid_input'],
    ['capabilities that are none', 'capabilities', '{"sensors":"all"}', 'invalid_input'],
    [
      'capabilities that are too many',
      'capabilities',
      JSON.stringify({ sensors: Array(500).fill('x') }),
      'invalid_input',
    ],
  ])(
    'and is %s is acknowledged, told of with a reason, and goes nowhere',
    async (_, topic, payload, code) => {
      const { household, plain, topics, heard } = await home();
      const [device, other] = [
        await connectPlain(server, plain),
        await connectPlain(
          server,
          await createDevice(server, household.token, household.network.id, 'Other'),
        ),
      ];
      await other.mqtt.subscribeAsync([`${topics}/${topic}`, `${topics}/state/after`]);
      const refusals = await refusalsOf(device, topics);
      for (const qos of [1, 2] as const)
        await device.mqtt.publishAsync(`${topics}/${topic}`, payload, { qos, retain: true });
      await device.mqtt.publishAsync(`${topics}/state/after`, 'true', { qos: 1 });
      await eventually('the refusal', () => refusals.length > 0);
      expect(refusals[0]).toEqual({
        topic: `${topics}/${topic}`,
        code,
        reason: expect.any(String),
        count: 1,
      });
      await other.hears(1);
      expect(other.heard).toEqual([`${topics}/state/after true 0`]);
      await eventually('the word after', () => heard.length > 0);
      expect(heard).toEqual([['after', true, '', true]]);
      const late = await connectPlain(server, household.device);
      await late.mqtt.subscribeAsync(`${topics}/${topic}`);
      await late.settled();
      expect(late.heard).toEqual([]);
      const { capabilities } = await server.get<{ capabilities: unknown }>(
        `/api/v1/devices/${plain.deviceId}`,
        household.token,
      );
      expect(capabilities).toBeNull();
    },
  );

  it('as another device ends its connection, and the reason is found on return', async () => {
    const { household, plain, topics, heard } = await home();
    const device = await connectPlain(server, plain);
    const closed = new Promise<void>((resolve) => device.mqtt.once('close', () => resolve()));
    const stolen = `devices/${household.device.deviceId}/readings/t`;
    device.mqtt.publish(stolen, '1', { qos: 1 });
    await closed;
    const again = await connectPlain(server, plain);
    const refusals = await refusalsOf(again, topics);
    await eventually('the reason', () => refusals.length > 0);
    const reason = 'This topic is not yours to publish to.';
    expect(refusals).toEqual([{ topic: stolen, code: 'topic_forbidden', reason, count: 1 }]);
    expect(heard).toEqual([]);
  });

  it.each(['refused', 'commands/x'])('under its own %s ends its connection', async (topic) => {
    const { plain, topics } = await home();
    const device = await connectPlain(server, plain);
    const closed = new Promise<void>((resolve) => device.mqtt.once('close', () => resolve()));
    device.mqtt.publish(`${topics}/${topic}`, '{}', { qos: 1 });
    await closed;
  });
});

describe('the will of a plain device', () => {
  it.each([4, 5] as const)(
    'of MQTT level %i reaches Bifrost clients as what it is, and its state is kept',
    async (protocolVersion) => {
      const { household, plain, topics, client } = await home();
      const wills: unknown[] = [];
      client.on('event', ({ name, value, isState, isWill, frame }) => {
        wills.push([name, value, isState, isWill, frame.madeByServer, frame.sourceId === plain.deviceId]);
      });
      const connect = (topic: string, text: string) =>
        connectPlain(server, plain, {
          clientId: topic,
          protocolVersion,
          will: { topic, payload: Buffer.from(text), qos: 1, retain: true },
        });
      const mapped = await connect(`${topics}/state/online`, 'false');
      const other = await connect('tele/plug/LWT', 'Offline');
      const polite = await connect('tele/plug/polite', 'Offline');
      await polite.mqtt.endAsync();
      await mapped.vanish();
      await eventually('the first will', () => wills.length > 0);
      await other.vanish();
      await eventually('the second will', () => wills.length > 1);
      expect(wills).toEqual([
        ['online', false, true, true, true, true],
        ['tele/plug/LWT', 'Offline', undefined, true, true, true],
      ]);
      const path = `/api/v1/devices/${plain.deviceId}/state`;
      const reported = async () =>
        (await server.get<{ reported: { state: object } }>(path, household.token)).reported;
      await eventually('its state', async () => Object.hasOwn((await reported()).state, 'online'));
      expect((await reported()).state).toEqual({ online: false });
    },
  );
});

describe('a command to a plain device', () => {
  /** Answers commands as a sketch would: with the id that came, and these words. */
  async function answering(device: PlainClient, topics: string, words: Record<string, unknown>) {
    const commands: [topic: string, command: Record<string, unknown>][] = [];
    device.mqtt.on('message', (topic, payload) => {
      if (!topic.startsWith(`${topics}/commands/`)) return;
      const command = JSON.parse(payload.toString());
      commands.push([topic, command]);
      device.mqtt.publish(`${topics}/results`, JSON.stringify({ id: command.id, ...words }), { qos: 1 });
    });
    await device.mqtt.subscribeAsync(`${topics}/commands/#`, { qos: 1 });
    return commands;
  }

  it('from a Bifrost client is JSON there, and its result a frame made by the server', async () => {
    const { household, plain, topics, client } = await home();
    const results: boolean[] = [];
    client.on('frame', ({ type, madeByServer }) => {
      if (type === FrameType.COMMAND_RESULT) results.push(madeByServer);
    });
    const device = await connectPlain(server, plain);
    const commands = await answering(device, topics, { values: { on: true, light: { level: 3 } } });
    const result = await client.command(plain.deviceId, 'led.set', {
      on: true,
      level: 0.5,
      raw: Uint8Array.of(1),
    });
    expect({ ...result, values: { ...result.values } }).toEqual({
      error: null,
      values: { on: true, 'light.level': 3 },
    });
    expect(commands).toEqual([
      [
        `${topics}/commands/led.set`,
        {
          id: expect.stringMatching(/^[\w-]{64}$/),
          name: 'led.set',
          arguments: { on: true, level: 0.5, raw: { base64: 'AQ==' } },
          from: household.device.deviceId,
        },
      ],
    ]);
    expect(results).toEqual([true]);
  });

  it.each([
    [{ error: 'stuck' }, { code: 'command_failed', message: 'stuck' }],
    [
      { error: { code: 'command_argument_wrong', message: 'level' } },
      { code: 'command_argument_wrong', message: 'level' },
    ],
  ])('that it answers with %j is answered with that error', async (words, error) => {
    const { plain, topics, client } = await home();
    await answering(await connectPlain(server, plain), topics, words);
    expect((await client.command(plain.deviceId, 'led.set')).error).toEqual(error);
  });

  it('that is away waits for it, and comes again until it is acknowledged', async () => {
    const { plain, topics, client } = await home();
    const result = client.command(plain.deviceId, 'led.set', { on: true });
    const first = await connectPlain(server, plain);
    // As a device that loses power before it acknowledges.
    (first.mqtt as unknown as { handleMessage: (packet: unknown, done: () => void) => void }).handleMessage =
      () => undefined;
    await first.mqtt.subscribeAsync(`${topics}/commands/led.set`, { qos: 1 });
    await first.hears(1);
    await first.vanish();
    const second = await connectPlain(server, plain);
    await answering(second, topics, {});
    expect((await result).error).toBeNull();
    await second.vanish();
    const third = await connectPlain(server, plain);
    await third.mqtt.subscribeAsync(`${topics}/commands/#`, { qos: 1 });
    await third.settled();
    expect(third.heard).toEqual([]);
  });

  it('of another name than it subscribed to, or that is no name, is refused in its place', async () => {
    const { plain, topics, client } = await home();
    const device = await connectPlain(server, plain);
    await device.mqtt.subscribeAsync(`${topics}/commands/led.set`, { qos: 1 });
    const [unknown, malformed] = [
      await client.command(plain.deviceId, 'led.get'),
      await client.command(plain.deviceId, 'a/b'),
    ];
    expect([unknown.error?.code, malformed.error?.code]).toEqual([
      'command_unknown',
      'frame_payload_malformed',
    ]);
  });

  it('can be given by a plain client, which hears the result on the topic of the device', async () => {
    const { household, plain, topics } = await home();
    await answering(await connectPlain(server, plain), topics, { values: { on: true } });
    const asking = await connectPlain(
      server,
      await createDevice(server, household.token, household.network.id, 'Asking'),
    );
    await asking.mqtt.subscribeAsync('devices/+/results', { qos: 1 });
    const id = '00000000-0000-4000-8000-0000000000c1';
    const command = JSON.stringify({ id, arguments: { on: true } });
    await asking.mqtt.publishAsync(`${topics}/commands/led.set`, command, { qos: 1 });
    await asking.hears(1);
    expect(asking.heard).toEqual([`${topics}/results {"id":"${id}","values":{"on":true}} 1`]);
  });

  it('given by a plain client reaches a signing device as any command', async () => {
    const { household, plain, client } = await home();
    client.on('command', ({ name, frame }) => client.answer(frame, { error: null, values: { name } }));
    const asking = await connectPlain(server, plain);
    await asking.mqtt.subscribeAsync('devices/+/results', { qos: 0 });
    const { deviceId } = household.device;
    await asking.mqtt.publishAsync(`devices/${deviceId}/commands/led.set`, '{"on":true}', { qos: 1 });
    await asking.hears(1);
    expect(asking.heard[0]).toMatch(`devices/${deviceId}/results {"id":"`);
    expect(asking.heard[0]).toMatch('"values":{"name":"led.set"}} 0');
  });
});

it('a device that says of its own frame that the server made it is refused', async () => {
  const { household } = await home();
  const socket = await BifrostSocket.open(
    server,
    await createDevice(server, household.token, household.network.id, 'X'),
  );
  socket.send({ madeByServer: true, delivery: Delivery.STORED });
  await eventually('the refusal', () => socket.frames.some(({ header }) => header.type === FrameType.ERROR));
  const error = socket.frames.find(({ header }) => header.type === FrameType.ERROR);
  expect(error && codeOf(error)).toBe('frame_source_wrong');
});
