import { afterAll, beforeAll, expect, it } from 'vitest';
import { RETAINED_MESSAGES_MAX } from '../../../server/domains/topics/limits.ts';
import { eventually } from '../../integration/http/server-under-test.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createDevice, createWorld, type World } from '../../support/world.ts';
import { connectPlain, type PlainClient } from './plain-clients.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const newDevice = (name: string) => createDevice(server, world.alice.token, world.alice.network.id, name);

/** Messages under way at a time: fewer than a session may have. */
const UNDER_WAY = 500;

it('as many retained messages as a network may have are kept, and no more; neighbours keep theirs', async () => {
  const device = await newDevice('Flooder');
  const flooder = await connectPlain(server, device);
  const neighbour = await connectPlain(server, world.bob.device);
  await neighbour.mqtt.subscribeAsync('#', { qos: 1 });
  const retain = (topic: string, payload: string) =>
    flooder.mqtt.publishAsync(topic, payload, { qos: 1, retain: true });
  let next = 0;
  const flood = async () => {
    while (next < RETAINED_MESSAGES_MAX) await retain(`flood/${next++}`, 'x');
  };
  const flooding = Promise.all(Array.from({ length: UNDER_WAY }, flood));
  await eventually('a part of the flood', () => next > RETAINED_MESSAGES_MAX / 10);
  await neighbour.mqtt.publishAsync('flood/1', 'mine', { qos: 1, retain: true });
  expect(await neighbour.hears(1)).toEqual(['flood/1 mine 1']);
  await flooding;

  await flooder.mqtt.subscribeAsync(`devices/${device.deviceId}/dropped/sent`, { qos: 1 });
  await retain('flood/beyond', 'x');
  const [notice = ''] = await flooder.hears(1);
  expect(notice).toContain('"cause":"retained_full","count":1,"topics":["flood/beyond"]');
  await retain('flood/0', '');
  await retain('flood/room', 'x');

  const readers = [
    await connectPlain(server, await newDevice('Reader')),
    await connectPlain(server, world.bob.device),
  ];
  const [reader, stranger] = readers as [PlainClient, PlainClient];
  await reader.mqtt.subscribeAsync('flood/#', { qos: 1 });
  await stranger.mqtt.subscribeAsync('#', { qos: 1 });
  await eventually('all', () => reader.heard.length >= RETAINED_MESSAGES_MAX, 60_000);
  await reader.settled();
  const numbers = Array.from({ length: RETAINED_MESSAGES_MAX - 1 }, (_, number) => String(number + 1));
  expect(new Set(reader.heard)).toEqual(
    new Set([...numbers, 'room'].map((name) => `flood/${name} x 1 retained`)),
  );
  expect(reader.heard).toHaveLength(RETAINED_MESSAGES_MAX);
  expect(await stranger.hears(1)).toEqual(['flood/1 mine 1 retained']);
}, 300_000);
