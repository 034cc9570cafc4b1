import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { field, packet } from '../../integration/mqtt/server-under-test.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from '../../support/world.ts';
import { connectPlain, connectRaw, type PlainClient } from './plain-clients.ts';

let server: TestServer;
let world: World;
let names = 0;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const newDevice = (): Promise<DeviceCredentials> =>
  createDevice(server, world.alice.token, world.alice.network.id, `Plain ${++names}`);

/** Two clients of one network, of devices of their own, and a topic that is nobody's. */
async function pair(): Promise<{ ann: PlainClient; ben: PlainClient; topic: string }> {
  const [ann, ben] = [
    await connectPlain(server, await newDevice()),
    await connectPlain(server, await newDevice()),
  ];
  return { ann, ben, topic: `home/${++names}` };
}

describe('a publication', () => {
  it.each([0, 1, 2] as const)(
    'of QoS %i reaches a subscriber once, with at most the QoS granted',
    async (qos) => {
      const { ann, ben, topic } = await pair();
      for (const granted of [0, 1, 2] as const) {
        await ben.mqtt.subscribeAsync(`${topic}/${granted}`, { qos: granted });
        await ann.mqtt.publishAsync(`${topic}/${granted}`, 'x', { qos });
      }
      await ben.hears(3);
      await ben.settled();
      expect([...ben.heard].sort()).toEqual(
        [0, 1, 2].map((granted) => `${topic}/${granted} x ${Math.min(granted, qos)}`),
      );
    },
  );

  it('reaches overlapping subscriptions once, at the highest of their QoS', async () => {
    const { ann, ben, topic } = await pair();
    await ben.mqtt.subscribeAsync({
      [`${topic}/#`]: { qos: 2 },
      [`${topic}/+`]: { qos: 1 },
      [`${topic}/a`]: { qos: 0 },
    });
    await ann.mqtt.publishAsync(`${topic}/a`, 'x', { qos: 2 });
    await ben.hears(1);
    await ben.settled();
    expect(ben.heard).toEqual([`${topic}/a x 2`]);
  });

  it('of each QoS comes back to its publisher where that is subscribed', async () => {
    const { ann, topic } = await pair();
    await ann.mqtt.subscribeAsync(topic, { qos: 2 });
    for (const qos of [0, 1, 2] as const) await ann.mqtt.publishAsync(topic, `qos ${qos}`, { qos });
    await ann.hears(3);
    await ann.settled();
    expect([...ann.heard].sort()).toEqual([0, 1, 2].map((qos) => `${topic} qos ${qos} ${qos}`));
  });

  it('is matched by wildcards level by level, and its parent by #', async () => {
    const { ann, ben, topic } = await pair();
    await ben.mqtt.subscribeAsync([`${topic}/+/c`, `${topic}/p/#`]);
    for (const end of ['a/c', '/c', 'a/b/c', 'a/c/d', 'p', 'p/q/r', 'P']) {
      await ann.mqtt.publishAsync(`${topic}/${end}`, 'x', { qos: 1 });
    }
    await ben.settled();
    expect([...ben.heard].sort()).toEqual(['/c', 'a/c', 'p', 'p/q/r'].map((end) => `${topic}/${end} x 0`));
  });

  it('comes in the order of its publisher, whatever the number', async () => {
    const { ann, ben, topic } = await pair();
    await ben.mqtt.subscribeAsync(topic, { qos: 1 });
    await Promise.all(
      Array.from({ length: 500 }, (_, index) => ann.mqtt.publishAsync(topic, String(index), { qos: 1 })),
    );
    await ben.hears(500);
    expect(ben.heard).toEqual(Array.from({ length: 500 }, (_, index) => `${topic} ${index} 1`));
  });

  it('is not heard any more after UNSUBSCRIBE', async () => {
    const { ann, ben, topic } = await pair();
    await ben.mqtt.subscribeAsync([`${topic}/a`, `${topic}/b`]);
    await ben.mqtt.unsubscribeAsync(`${topic}/a`);
    await ann.mqtt.publishAsync(`${topic}/a`, 'x', { qos: 1 });
    await ann.mqtt.publishAsync(`${topic}/b`, 'x', { qos: 1 });
    await ben.settled();
    expect(ben.heard).toEqual([`${topic}/b x 0`]);
  });

  it.each([
    'devices/00000000-0000-4000-8000-00000000dead/state',
    'bifrost/v1/x',
    '$SYS/x',
    `a${'/b'.repeat(100)}`,
    'x'.repeat(1_025),
  ])('to %s ends the connection, and nobody hears it', async (topic) => {
    const { ann, ben } = await pair();
    await ben.mqtt.subscribeAsync('#');
    const closed = new Promise<void>((resolve) => ann.mqtt.once('close', () => resolve()));
    ann.mqtt.publish(topic, 'x', { qos: 1 }, () => undefined);
    await closed;
    await ben.settled();
    expect(ben.heard.filter((heard) => heard.startsWith(topic))).toEqual([]);
  });
});

describe('a subscription', () => {
  it('is refused with 0x80 for shared filters, for $SYS, and for more levels or bytes than a topic has', async () => {
    const client = await connectPlain(server, await newDevice());
    for (const filter of ['$share/g/a', '$SYS/#', `a${'/+'.repeat(99)}`, 'x'.repeat(1_025), 'bifrost/#']) {
      if (filter.startsWith('a/')) {
        expect(await client.mqtt.subscribeAsync(filter), filter).toHaveLength(1);
        continue;
      }
      await expect(client.mqtt.subscribeAsync(filter), filter).rejects.toThrow();
    }
  });

  it('of wildcards never matches a topic with $ that is not asked for', async () => {
    const { ann, ben } = await pair();
    await ben.mqtt.subscribeAsync(['#', '+/x']);
    const closed = new Promise<void>((resolve) => ann.mqtt.once('close', () => resolve()));
    ann.mqtt.publish('$x/x', 'x', () => undefined);
    await closed;
    await ben.settled();
    expect(ben.heard.filter((heard) => heard.startsWith('$'))).toEqual([]);
  });

  it.each(['__proto__', 'constructor', '__proto__/constructor'])(
    'to %s is one like any other',
    async (topic) => {
      const { ann, ben } = await pair();
      await ben.mqtt.subscribeAsync(topic, { qos: 1 });
      await ann.mqtt.publishAsync(topic, 'x', { qos: 1 });
      await ben.hears(1);
      expect(ben.heard).toEqual([`${topic} x 1`]);
    },
  );
});

describe('a retained message', () => {
  it('is sent to who subscribes later, is replaced, and goes with an empty payload', async () => {
    const { ann, ben, topic } = await pair();
    for (const [end, payload, qos] of [
      ['a', 'old', 1],
      ['a', 'new', 1],
      ['b', 'x', 0],
      ['c', 'gone', 2],
      ['c', '', 1],
    ] as const) {
      await ann.mqtt.publishAsync(`${topic}/${end}`, payload, { qos, retain: true });
    }
    await ben.mqtt.subscribeAsync(`${topic}/+`, { qos: 2 });
    await ben.hears(2);
    await ben.settled();
    expect([...ben.heard].sort()).toEqual([`${topic}/a new 1 retained`, `${topic}/b x 0 retained`]);
  });

  it('of each QoS goes with an empty payload of any [MQTT-3.3.1-10]', async () => {
    const { ann, ben, topic } = await pair();
    const all = [0, 1, 2] as const;
    for (const kept of all) {
      for (const qos of all)
        await ann.mqtt.publishAsync(`${topic}/${kept}/${qos}`, 'x', { qos: kept, retain: true });
      await ann.mqtt.publishAsync(`${topic}/${kept}/stays`, 'x', { qos: kept, retain: true });
      for (const qos of all)
        await ann.mqtt.publishAsync(`${topic}/${kept}/${qos}`, '', { qos, retain: true });
    }
    await ann.settled();
    await ben.mqtt.subscribeAsync(`${topic}/#`, { qos: 2 });
    await ben.hears(3);
    await ben.settled();
    expect([...ben.heard].sort()).toEqual(all.map((qos) => `${topic}/${qos}/stays x ${qos} retained`));
  });

  it('is not marked so for who is subscribed when it is published [MQTT-3.3.1-9]', async () => {
    const { ann, ben, topic } = await pair();
    await ben.mqtt.subscribeAsync(topic, { qos: 1 });
    await ann.mqtt.publishAsync(topic, 'x', { qos: 1, retain: true });
    await ben.hears(1);
    expect(ben.heard).toEqual([`${topic} x 1`]);
  });

  it('is sent again with every SUBSCRIBE of the same filter [MQTT-3.8.4-3]', async () => {
    const { ann, ben, topic } = await pair();
    await ann.mqtt.publishAsync(topic, 'x', { qos: 1, retain: true });
    await ben.mqtt.subscribeAsync(topic);
    await ben.mqtt.subscribeAsync(topic);
    await ben.hears(2);
    expect(ben.heard).toEqual([`${topic} x 0 retained`, `${topic} x 0 retained`]);
  });
});

describe('a will', () => {
  const will = (topic: string) => ({ topic, payload: Buffer.from('dead'), qos: 1 as const, retain: true });

  it('is published when its client vanishes, and retained where it asks for it', async () => {
    const { ben, topic } = await pair();
    await ben.mqtt.subscribeAsync(topic, { qos: 1 });
    const dying = await connectPlain(server, await newDevice(), { will: will(topic) });
    await dying.vanish();
    await ben.hears(1);
    const late = await connectPlain(server, await newDevice());
    await late.mqtt.subscribeAsync(topic, { qos: 1 });
    await late.hears(1);
    expect([ben.heard, late.heard]).toEqual([[`${topic} dead 1`], [`${topic} dead 1 retained`]]);
  });

  it('is published where its client is silent for longer than its keep-alive [MQTT-3.1.2-24]', async () => {
    const { ben, topic } = await pair();
    await ben.mqtt.subscribeAsync(topic, { qos: 1 });
    const { deviceId, token } = await newDevice();
    const { hostname, port } = new URL(server.mqttUrl);
    const socket = createConnection(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    // A user name, a password, a will of QoS 1, a clean session; a second of keep-alive.
    const head = [field('MQTT'), Buffer.from([4, 0xce, 0, 1])];
    socket.write(
      packet(0x10, ...head, ...['silent', topic, 'dead', deviceId, token].map((text) => field(text))),
    );
    await ben.hears(1);
    expect(ben.heard).toEqual([`${topic} dead 1`]);
  });

  it('is not published after DISCONNECT [MQTT-3.14.4-3]', async () => {
    const { ben, topic } = await pair();
    await ben.mqtt.subscribeAsync(topic, { qos: 1 });
    const leaving = await connectPlain(server, await newDevice(), { will: will(topic) });
    await leaving.mqtt.endAsync();
    await ben.settled();
    expect(ben.heard).toEqual([]);
  });

  it('into another device’s topics, to $SYS, or too large is refused in CONNACK', async () => {
    const other = await newDevice();
    for (const refused of [
      will(`devices/${other.deviceId}/state`),
      will('$SYS/x'),
      { ...will('home/will'), payload: Buffer.alloc(2_049) },
    ]) {
      const device = await newDevice();
      await expect(connectPlain(server, device, { will: refused })).rejects.toMatchObject({ code: 5 });
    }
  });
});

it('a client without a client id gets a session of its own [MQTT-3.1.3-6]', async () => {
  const device = await newDevice();
  const clients = [
    await connectPlain(server, device, { clientId: '' }),
    await connectPlain(server, device, { clientId: '' }),
  ];
  for (const client of clients) await client.settled();
});

it('a client without a client id is refused a lasting session with 2, and its connection ends [MQTT-3.1.3-8]', async () => {
  const { deviceId, token } = await newDevice();
  const { hostname, port } = new URL(server.mqttUrl);
  const socket = createConnection(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  // A user name and a password, and no clean session.
  const head = [field('MQTT'), Buffer.from([4, 0xc0, 0, 60])];
  socket.write(packet(0x10, ...head, ...['', deviceId, token].map((text) => field(text))));
  expect(Buffer.concat(await socket.toArray())).toEqual(Buffer.from([0x20, 2, 0, 2]));
});

describe('a lasting session', () => {
  const lasting = { clean: false, clientId: 'lasting' };

  it('gets what was published with QoS 1 and 2 while it was away, in order, and nothing of QoS 0', async () => {
    const { ann, topic } = await pair();
    const device = await newDevice();
    const before = await connectPlain(server, device, lasting);
    await before.mqtt.subscribeAsync(`${topic}/#`, { qos: 2 });
    await before.mqtt.endAsync();
    for (const [index, qos] of ([1, 0, 1, 2, 1] as const).entries()) {
      await ann.mqtt.publishAsync(`${topic}/${qos}`, String(index), { qos });
    }
    const after = await connectPlain(server, device, lasting);
    await after.hears(4);
    await ann.mqtt.publishAsync(`${topic}/1`, 'live', { qos: 1 });
    await after.hears(5);
    expect([before.sessionPresent, after.sessionPresent]).toEqual([false, true]);
    const ofQos = (qos: number) => after.heard.filter((heard) => heard.startsWith(`${topic}/${qos}`));
    expect(ofQos(1)).toEqual(['0', '2', '4', 'live'].map((payload) => `${topic}/1 ${payload} 1`));
    expect([ofQos(2), ofQos(0)]).toEqual([[`${topic}/2 3 2`], []]);
  });

  it('ends when the same client asks for a clean one', async () => {
    const { ann, topic } = await pair();
    const device = await newDevice();
    const before = await connectPlain(server, device, lasting);
    await before.mqtt.subscribeAsync(topic, { qos: 1 });
    await before.mqtt.endAsync();
    await ann.mqtt.publishAsync(topic, 'x', { qos: 1 });
    const clean = await connectPlain(server, device, { ...lasting, clean: true });
    await clean.mqtt.endAsync();
    const after = await connectPlain(server, device, lasting);
    await after.settled();
    expect([after.sessionPresent, after.heard]).toEqual([false, []]);
  });

  it.each([1, 2] as const)(
    'gets a message of QoS %i again that it did not acknowledge [MQTT-4.4.0-1]',
    async (qos) => {
      const { ann, topic } = await pair();
      const device = await newDevice();
      const silent = await connectRaw(server, device);
      silent.send(0x82, Buffer.from([0, 1]), field(topic), Buffer.from([qos]));
      await silent.receives(0x90);
      await ann.mqtt.publishAsync(topic, 'x', { qos });
      await silent.receives(0x30 | (qos << 1));
      await silent.vanish();
      const after = await connectPlain(server, device, lasting);
      await after.hears(1);
      await after.settled();
      expect(after.heard).toEqual([`${topic} x ${qos} repeated`]);
    },
  );

  it('is sent PUBREL again, and not the message, where it received that [MQTT-4.3.3-1]', async () => {
    const { ann, topic } = await pair();
    const device = await newDevice();
    const silent = await connectRaw(server, device);
    silent.send(0x82, Buffer.from([0, 1]), field(topic), Buffer.from([2]));
    await silent.receives(0x90);
    await ann.mqtt.publishAsync(topic, 'x', { qos: 2 });
    await silent.receives(0x34);
    silent.send(0x50, Buffer.from([0, 1]));
    await silent.receives(0x62);
    await silent.vanish();
    const again = await connectRaw(server, device);
    await again.receives(0x62);
    again.send(0x70, Buffer.from([0, 1]));
    again.send(0xc0);
    await again.receives(0xd0);
    expect(again.types()).toEqual([0x20, 0x62, 0xd0]);
    await again.vanish();
    const after = await connectRaw(server, device);
    after.send(0xc0);
    await after.receives(0xd0);
    expect(after.types()).toEqual([0x20, 0xd0]);
  });

  it('hears a QoS 2 publication once, however often its publisher repeats it before PUBREL [MQTT-4.3.3-2]', async () => {
    const { ben, topic } = await pair();
    await ben.mqtt.subscribeAsync(topic, { qos: 2 });
    const device = await newDevice();
    const publish = [field(topic), Buffer.from([0, 7]), Buffer.from('x')];
    const first = await connectRaw(server, device);
    first.send(0x34, ...publish);
    await first.receives(0x50);
    await first.vanish();
    const again = await connectRaw(server, device);
    again.send(0x3c, ...publish);
    await again.receives(0x50);
    again.send(0x62, Buffer.from([0, 7]));
    await again.receives(0x70);
    await ben.settled();
    expect(ben.heard).toEqual([`${topic} x 2`]);
  });

  it('outlasts the server, with its queue, its subscriptions and the retained messages of the tree', async () => {
    const own = await startTestServer();
    try {
      const { alice } = await createWorld(own);
      const [first, second] = [
        alice.device,
        await createDevice(own, alice.token, alice.network.id, 'Second'),
      ];
      const before = await connectPlain(own, first, lasting);
      await before.mqtt.subscribeAsync('home/#', { qos: 2 });
      await before.mqtt.endAsync();
      const publisher = await connectPlain(own, second);
      await publisher.mqtt.publishAsync('home/a', 'kept', { qos: 2 });
      await publisher.mqtt.publishAsync('other/b', 'retained', { qos: 1, retain: true });
      await publisher.mqtt.endAsync();
      await own.stopApp();
      const again = await startTestServer({
        DATABASE_URL: own.databaseUrl,
        YGGDRASIL_DATA_DIR: own.dataDirectory,
      });
      try {
        const after = await connectPlain(again, first, lasting);
        await after.hears(1);
        await after.mqtt.subscribeAsync('other/b', { qos: 1 });
        await after.hears(2);
        expect([after.sessionPresent, after.heard]).toEqual([
          true,
          ['home/a kept 2', 'other/b retained 1 retained'],
        ]);
      } finally {
        await again.stopApp();
      }
    } finally {
      await own.stop();
    }
  });
});
