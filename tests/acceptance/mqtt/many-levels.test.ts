import { afterAll, beforeAll, expect, it } from 'vitest';
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

const newDevice = () => createDevice(server, world.alice.token, world.alice.network.id, crypto.randomUUID());
const DEEP = `a${'/a'.repeat(199)}`;
const DEEP_FILTER = `a${'/+'.repeat(199)}`;

/** Reason codes of MQTT 5, and the return code of 3.1.1 for what isn't allowed. */
const TOPIC_NAME_INVALID = 0x90;
const NOT_AUTHORIZED = { 4: 5, 5: 0x87 } as const;

/** What became of what a client did: refused with this code, or its connection was cut, which is all that 3.1.1 can say. */
function outcomeOf(client: PlainClient, work: Promise<unknown>): Promise<unknown> {
  return Promise.race([
    work.then(
      () => 'done',
      (error: { code?: unknown; message: string }) => error.code ?? error.message,
    ),
    new Promise((resolve) => client.mqtt.once('close', () => resolve('cut'))),
  ]);
}

it.each([4, 5] as const)(
  'a topic and a filter of 200 levels are refused over MQTT level %i, and others go on',
  async (protocolVersion) => {
    const neighbour = await connectPlain(server, world.bob.device);
    await neighbour.mqtt.subscribeAsync('a', { qos: 1 });
    const publisher = await connectPlain(server, await newDevice(), { protocolVersion });
    expect(await outcomeOf(publisher, publisher.mqtt.publishAsync(DEEP, 'x', { qos: 1 }))).toBe(
      protocolVersion === 5 ? TOPIC_NAME_INVALID : 'cut',
    );
    const subscriber = await connectPlain(server, await newDevice(), { protocolVersion });
    expect(await outcomeOf(subscriber, subscriber.mqtt.subscribeAsync(DEEP_FILTER, { qos: 1 }))).toBe(
      protocolVersion === 5 ? 'Subscribe error: Topic Filter invalid' : 'cut',
    );
    const will = { topic: DEEP, payload: Buffer.from('x'), qos: 1 as const, retain: false };
    await expect(connectPlain(server, await newDevice(), { protocolVersion, will })).rejects.toMatchObject({
      code: NOT_AUTHORIZED[protocolVersion],
    });
    await neighbour.mqtt.publishAsync('a', 'x', { qos: 1 });
    expect(await neighbour.hears(1)).toEqual(['a x 1']);
  },
);
