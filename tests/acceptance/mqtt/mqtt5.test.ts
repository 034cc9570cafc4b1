import type { IClientOptions } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../integration/http/server-under-test.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from '../../support/world.ts';
import { connectPackets } from './packet-client.ts';
import { connectPlain, type PlainClient } from './plain-clients.ts';

let server: TestServer;
let world: World;
let names = 0;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const newDevice = (): Promise<DeviceCredentials> =>
  createDevice(server, world.alice.token, world.alice.network.id, `Five ${++names}`);

const connect5 = (device: DeviceCredentials, options: IClientOptions = {}): Promise<PlainClient> =>
  connectPlain(server, device, { protocolVersion: 5, ...options });

async function pair(): Promise<{ ann: PlainClient; ben: PlainClient; topic: string }> {
  return {
    ann: await connect5(await newDevice()),
    ben: await connect5(await newDevice()),
    topic: `five/${++names}`,
  };
}

const PROPERTIES = {
  payloadFormatIndicator: true,
  contentType: 'text/plain',
  responseTopic: 'answers/here',
  correlationData: Buffer.from([0, 1, 255]),
  userProperties: { one: ['1', '2'], two: 'ü' },
};

describe('a publication', () => {
  it.each([0, 1, 2] as const)(
    'of QoS %i brings its properties along, also to who comes later',
    async (qos) => {
      const { ann, ben, topic } = await pair();
      await ben.mqtt.subscribeAsync(topic, { qos });
      await ann.mqtt.publishAsync(topic, 'x', { qos, retain: true, properties: PROPERTIES });
      await ben.hears(1);
      const late = await connect5(await newDevice());
      await late.mqtt.subscribeAsync(topic, { qos });
      await late.hears(1);
      expect(ben.heard).toEqual([`${topic} x ${qos}`]);
      expect(late.heard).toEqual([`${topic} x ${qos} retained`]);
      for (const { packets } of [ben, late]) expect({ ...packets[0]?.properties }).toEqual(PROPERTIES);
    },
  );

  it('of a client of 3.1.1 reaches one of 5, and the other way round, with aliases or without', async () => {
    const { ann, topic } = await pair();
    const old = await connectPlain(server, await newDevice());
    await old.mqtt.subscribeAsync(`${topic}/#`, { qos: 2 });
    await ann.mqtt.subscribeAsync(`${topic}/#`, { qos: 2 });
    await old.mqtt.publishAsync(`${topic}/a`, 'old', { qos: 1 });
    await ann.mqtt.publishAsync(`${topic}/b`, 'new', {
      qos: 2,
      properties: { ...PROPERTIES, topicAlias: 3 },
    });
    await ann.mqtt.publishAsync('', 'alias', { qos: 1, properties: { topicAlias: 3 } });
    const all = [`${topic}/a old 1`, `${topic}/b new 2`, `${topic}/b alias 1`];
    expect(await old.hears(3)).toEqual(all);
    expect(await ann.hears(3)).toEqual(all);
  });

  it('is told how long it still lives, and goes to nobody after that', async () => {
    const { ann, topic } = await pair();
    const device = await newDevice();
    const lasting = { clientId: 'lasting', clean: false, properties: { sessionExpiryInterval: 600 } };
    const before = await connect5(device, lasting);
    await before.mqtt.subscribeAsync(topic, { qos: 1 });
    await before.mqtt.endAsync();
    const publish = (text: string, messageExpiryInterval: number) =>
      ann.mqtt.publishAsync(topic, text, { qos: 1, retain: true, properties: { messageExpiryInterval } });
    await publish('long', 600);
    await publish('short', 1);
    await eventually('the end of its life', async () => {
      const seen = await connect5(await newDevice());
      await seen.mqtt.subscribeAsync(topic);
      await seen.settled();
      return seen.heard.length === 0;
    });
    const after = await connect5(device, lasting);
    await after.settled();
    expect(after.heard).toEqual([`${topic} long 1`]);
    const left = after.packets[0]?.properties?.messageExpiryInterval ?? 0;
    expect(left).toBeGreaterThan(500);
    expect(left).toBeLessThan(600);
  });

  it('that ends a plain device’s reading badly is refused, and told on its topic as well', async () => {
    const device = await newDevice();
    const ann = await connect5(device);
    await ann.mqtt.subscribeAsync(`devices/${device.deviceId}/refused`, { qos: 1 });
    const refused = ann.mqtt.publishAsync(`devices/${device.deviceId}/readings/t`, '{', { qos: 1 });
    await expect(refused).rejects.toMatchObject({ code: 0x99 });
    const [told] = await ann.hears(1);
    expect(told).toContain('malformed_json');
    await ann.mqtt.publishAsync(`devices/${device.deviceId}/readings/t`, '1', { qos: 1 });
  });
});

describe('a subscription', () => {
  it('brings its identifier along, and those of all that match', async () => {
    const { ann, ben, topic } = await pair();
    await ann.mqtt.publishAsync(`${topic}/a`, 'kept', { qos: 1, retain: true });
    await ben.mqtt.subscribeAsync(`${topic}/#`, { qos: 1, properties: { subscriptionIdentifier: 5 } });
    await ben.mqtt.subscribeAsync(`${topic}/+`, {
      qos: 0,
      rh: 2,
      properties: { subscriptionIdentifier: 268_435_455 },
    });
    await ben.hears(1);
    for (const qos of [0, 1, 2] as const) await ann.mqtt.publishAsync(`${topic}/a`, 'x', { qos });
    await ben.hears(4);
    const [retained, ...live] = ben.packets.map(({ properties }) => properties?.subscriptionIdentifier);
    expect(retained).toBe(5);
    for (const identifiers of live) expect([identifiers].flat().sort()).toEqual([268_435_455, 5]);
  });

  it('with no local is not for what its own client publishes', async () => {
    const { ann, ben, topic } = await pair();
    await ann.mqtt.subscribeAsync(topic, { qos: 1, nl: true });
    await ann.mqtt.publishAsync(topic, 'own', { qos: 1 });
    await ben.mqtt.publishAsync(topic, 'other', { qos: 1 });
    await ann.settled();
    expect(ann.heard).toEqual([`${topic} other 1`]);
  });

  it('with retain as published hears the flag, and without it doesn’t', async () => {
    const { ann, ben, topic } = await pair();
    await ann.mqtt.subscribeAsync(topic, { qos: 1, rap: true });
    await ben.mqtt.subscribeAsync(topic, { qos: 1 });
    for (const [text, qos] of [
      ['zero', 0],
      ['one', 1],
    ] as const)
      await ann.mqtt.publishAsync(topic, text, { qos, retain: true });
    expect(await ann.hears(2)).toEqual([`${topic} zero 0 retained`, `${topic} one 1 retained`]);
    expect(await ben.hears(2)).toEqual([`${topic} zero 0`, `${topic} one 1`]);
  });

  it.each([
    [0, [1, 2]],
    [1, [1, 1]],
    [2, [0, 0]],
  ] as const)('with retain handling %i gets retained messages %j times', async (rh, counts) => {
    const { ann, ben, topic } = await pair();
    await ann.mqtt.publishAsync(topic, 'kept', { qos: 1, retain: true });
    for (const count of counts) {
      await ben.mqtt.subscribeAsync(topic, { qos: 1, rh });
      await ben.settled();
      expect(ben.heard).toHaveLength(count);
    }
  });
});

describe('a session', () => {
  it('goes on with its subscriptions, their options and what came meanwhile, until a clean start', async () => {
    const { ann, topic } = await pair();
    const device = await newDevice();
    const lasting = { clientId: 'lasting', clean: false, properties: { sessionExpiryInterval: 600 } };
    const before = await connect5(device, lasting);
    expect(before.sessionPresent).toBe(false);
    await before.mqtt.subscribeAsync(topic, { qos: 2, properties: { subscriptionIdentifier: 9 } });
    await before.vanish();
    await ann.mqtt.publishAsync(topic, 'one', { qos: 1, properties: PROPERTIES });
    await ann.mqtt.publishAsync(topic, 'two', { qos: 2 });

    const after = await connect5(device, lasting);
    await after.hears(2);
    expect([after.sessionPresent, after.heard]).toEqual([true, [`${topic} one 1`, `${topic} two 2`]]);
    expect({ ...after.packets[0]?.properties }).toEqual({ ...PROPERTIES, subscriptionIdentifier: 9 });
    await after.mqtt.endAsync(false, { reasonCode: 0, properties: { sessionExpiryInterval: 300 } });
    const clean = await connect5(device, { ...lasting, clean: true });
    await ann.mqtt.publishAsync(topic, 'three', { qos: 1 });
    await clean.settled();
    expect([clean.sessionPresent, clean.heard]).toEqual([false, []]);
  });

  it('is present though it has nothing, and over where DISCONNECT ends it', async () => {
    const device = await newDevice();
    const lasting = { clientId: 'empty', clean: false, properties: { sessionExpiryInterval: 600 } };
    await (await connect5(device, lasting)).mqtt.endAsync();
    const second = await connect5(device, lasting);
    await second.mqtt.endAsync(false, { reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    const third = await connect5(device, lasting);
    expect([second.sessionPresent, third.sessionPresent]).toEqual([true, false]);
  });

  it('of a network is not that of the same client id in another', async () => {
    const lasting = { clientId: 'same', clean: false, properties: { sessionExpiryInterval: 600 } };
    const [ours, theirs] = [world.alice.device, world.bob.device];
    const first = await connect5(ours, lasting);
    await first.mqtt.subscribeAsync('#', { qos: 1 });
    await first.mqtt.endAsync();
    const other = await connect5(theirs, lasting);
    await other.mqtt.publishAsync('home/a', 'theirs', { qos: 1, retain: true });
    const again = await connect5(ours, lasting);
    await again.settled();
    expect([other.sessionPresent, again.sessionPresent, again.heard]).toEqual([false, true, []]);
  });
});

describe('a will', () => {
  it('brings its properties along; a normal DISCONNECT takes it back, one with will publishes it', async () => {
    const { ben, topic } = await pair();
    await ben.mqtt.subscribeAsync(`${topic}/#`, { qos: 1 });
    const will = (name: string) => ({
      will: {
        topic: `${topic}/${name}`,
        payload: Buffer.from('gone'),
        qos: 1 as const,
        retain: false,
        properties: { ...PROPERTIES, willDelayInterval: 0 },
      },
    });
    await (await connect5(await newDevice(), will('normal'))).mqtt.endAsync();
    await (await connect5(await newDevice(), will('asked'))).mqtt.endAsync(false, { reasonCode: 4 });
    await (await connect5(await newDevice(), will('vanished'))).vanish();
    await ben.hears(2);
    expect(ben.heard).toEqual([`${topic}/asked gone 1`, `${topic}/vanished gone 1`]);
    for (const { properties } of ben.packets) expect({ ...properties }).toEqual(PROPERTIES);
  });

  it('that is delayed is not published where its client comes back', async () => {
    const { ben, topic } = await pair();
    const device = await newDevice();
    await ben.mqtt.subscribeAsync(topic, { qos: 1 });
    const options = {
      clientId: 'delayed',
      clean: false,
      properties: { sessionExpiryInterval: 600 },
      will: {
        topic,
        payload: Buffer.from('gone'),
        qos: 1 as const,
        retain: false,
        properties: { willDelayInterval: 1 },
      },
    };
    await (await connect5(device, options)).vanish();
    const back = await connect5(device, options);
    await back.vanish();
    await ben.hears(1);
    await ben.settled();
    expect(ben.heard).toEqual([`${topic} gone 1`]);
  });
});

it('a device that takes one message at a time gets its commands, one after the other', async () => {
  const device = await newDevice();
  const client = await connect5(device, { properties: { receiveMaximum: 1 } });
  await client.mqtt.subscribeAsync(`devices/${device.deviceId}/commands/#`, { qos: 1 });
  const asking = await connect5(await newDevice());
  for (const name of ['a', 'b', 'c'])
    await asking.mqtt.publishAsync(`devices/${device.deviceId}/commands/${name}`, '{}', { qos: 1 });
  await client.hears(3);
  expect(client.packets.map(({ topic }) => topic.at(-1))).toEqual(['a', 'b', 'c']);
});

it('MQTT 5 over WebSocket is the same', async () => {
  const url = `${server.httpUrl.replace('http', 'ws')}/mqtt`;
  const device = await newDevice();
  const client = await connectPlain(server, device, { protocolVersion: 5 }, url);
  await client.mqtt.subscribeAsync('socket/#', { qos: 2 });
  await client.mqtt.publishAsync('socket/a', 'x'.repeat(100_000), { qos: 2 });
  const [heard] = await client.hears(1);
  expect(heard).toHaveLength('socket/a '.length + 100_000 + 2);
});

it('a server that stops says so, and keeps what lasts', async () => {
  const own = await startTestServer();
  try {
    const { alice } = await createWorld(own);
    const client = await connectPackets(own, alice.device, { properties: { sessionExpiryInterval: 60 } });
    await own.stopApp();
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
    const again = await startTestServer({
      DATABASE_URL: own.databaseUrl,
      YGGDRASIL_DATA_DIR: own.dataDirectory,
    });
    try {
      const more = { clean: false, properties: { sessionExpiryInterval: 60 } };
      const { connack } = await connectPackets(again, alice.device, more);
      expect(connack.sessionPresent).toBe(true);
    } finally {
      await again.stopApp();
    }
  } finally {
    await own.stop();
  }
});
