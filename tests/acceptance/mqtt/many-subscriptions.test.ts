import { afterAll, beforeAll, expect, it } from 'vitest';
import { CLIENT_SUBSCRIPTIONS_MAX } from '../../../server/platform/mqtt/limits.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createDevice, createWorld, type World } from '../../support/world.ts';
import { connectPlain } from './plain-clients.ts';

let server: TestServer;
let world: World;
beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const newDevice = (name: string) => createDevice(server, world.alice.token, world.alice.network.id, name);

/** Filters of one packet: as many as it has room for. */
const TOGETHER = 100;

it('a client has 20,000 subscriptions and no more, hears by each, and has them when it returns; others subscribe beside it', async () => {
  expect(CLIENT_SUBSCRIPTIONS_MAX).toBe(20_000);
  const device = await newDevice('Subscriber');
  const options = { clientId: 'many', clean: false };
  const first = await connectPlain(server, device, options);
  for (let from = 0; from < CLIENT_SUBSCRIPTIONS_MAX; from += TOGETHER) {
    const filters = Array.from({ length: TOGETHER }, (_, index) => `many/${from + index}/+`);
    const granted = await first.mqtt.subscribeAsync(filters, { qos: 1 });
    expect(granted.filter(({ qos }) => qos === 1)).toHaveLength(TOGETHER);
  }
  await expect(first.mqtt.subscribeAsync('one/more', { qos: 1 })).rejects.toThrow();
  const beside = await connectPlain(server, await newDevice('Beside'));
  await beside.mqtt.subscribeAsync('many/7/+', { qos: 1 });

  await first.vanish();
  const again = await connectPlain(server, device, options);
  expect(again.sessionPresent).toBe(true);
  for (const number of [0, 7, CLIENT_SUBSCRIPTIONS_MAX - 1, CLIENT_SUBSCRIPTIONS_MAX])
    await beside.mqtt.publishAsync(`many/${number}/x`, 'x', { qos: 1 });
  expect(await again.hears(3)).toEqual(['many/0/x x 1', 'many/7/x x 1', 'many/19999/x x 1']);
  expect(await beside.hears(1)).toEqual(['many/7/x x 1']);
  await again.mqtt.unsubscribeAsync('many/0/+');
  await again.mqtt.subscribeAsync('one/more', { qos: 1 });
}, 60_000);
