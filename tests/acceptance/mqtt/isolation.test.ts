import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from '../../support/world.ts';
import { connectPlain, type PlainClient } from './plain-clients.ts';

const TOPIC = 'home/lamp/state';
const FILTERS = ['#', '+/#', '+/lamp/+', TOPIC];

/** Everything that a client of Alice's hears and is told, while neighbours under the same names are there or not. */
async function transcript(withNeighbours: boolean): Promise<string[]> {
  const server = await startTestServer();
  try {
    const world = await createWorld(server);
    const { alice } = world;
    const cellar = await server.post<{ id: string }>('/api/v1/networks', { name: 'Cellar' }, alice.token);
    const ofCellar = await createDevice(server, alice.token, cellar.id, 'Cellar device');
    const neighbours = withNeighbours
      ? ([
          [world.bob.device, 4],
          [ofCellar, 5],
        ] as const)
      : [];
    for (const neighbour of neighbours) await disturb(server, neighbour, 'before');
    const told: string[] = [];
    const second = await createDevice(server, alice.token, alice.network.id, 'Second');
    const listener = await listen(server, second, told);
    for (const neighbour of neighbours) await disturb(server, neighbour, 'meanwhile');
    const speaker = await connectPlain(server, alice.device, {
      clientId: 'speaker',
      protocolVersion: 5,
      will: { topic: TOPIC, payload: Buffer.from('own will'), qos: 1, retain: false },
    });
    await speaker.mqtt.publishAsync(TOPIC, 'own', { qos: 2, retain: true });
    // A message of QoS 2 is heard when its exchange has ended, which takes longer than one of QoS 1.
    await listener.hears(1);
    await speaker.vanish();
    await listener.hears(2);
    await listener.settled();
    told.push(...listener.heard);
    await listener.mqtt.endAsync();
    for (const neighbour of neighbours) await disturb(server, neighbour, 'after');
    const again = await connectPlain(server, second, { clean: false, clientId: 'same' });
    await again.settled();
    told.push(`again ${again.sessionPresent}`, ...again.heard);
    return told;
  } finally {
    await server.stop();
  }
}

async function listen(server: TestServer, device: DeviceCredentials, told: string[]): Promise<PlainClient> {
  const client = await connectPlain(server, device, { clean: false, clientId: 'same' });
  told.push(`session ${client.sessionPresent}`);
  for (const filter of [...FILTERS, '$SYS/#', '$share/g/#']) {
    const granted = await client.mqtt.subscribeAsync(filter, { qos: 2 }).catch(() => [{ qos: 128 }]);
    told.push(`${filter} ${granted.map(({ qos }) => qos)}`);
  }
  return client;
}

/** The same client id, topics and filters in another network: retained messages, a lasting session, and a will. */
async function disturb(
  server: TestServer,
  [device, protocolVersion]: readonly [DeviceCredentials, 4 | 5],
  when: string,
): Promise<void> {
  const client = await connectPlain(server, device, {
    clean: false,
    clientId: 'same',
    protocolVersion,
    ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 600 } } : {}),
    will: { topic: TOPIC, payload: Buffer.from(`a neighbour's will ${when}`), qos: 2, retain: true },
  });
  await client.mqtt.subscribeAsync(FILTERS, { qos: 2 });
  for (const qos of [0, 1, 2] as const) {
    await client.mqtt.publishAsync(TOPIC, `a neighbour's ${when}`, { qos, retain: true });
    await client.mqtt.publishAsync(`home/${when}/${qos}`, 'a neighbour’s', { qos });
  }
  await client.settled();
  await client.vanish();
}

it('nothing of a tree tells whether there are neighbours: of the tenant or another, under the same names', async () => {
  const [alone, amongOthers] = [await transcript(false), await transcript(true)];
  expect(amongOthers).toEqual(alone);
  expect(alone).toContain(`${TOPIC} own 2`);
}, 60_000);

describe('a device of several networks', () => {
  let server: TestServer;
  let world: World;
  beforeAll(async () => {
    server = await startTestServer();
    world = await createWorld(server);
  });
  afterAll(() => server.stop());

  it('sees the tree of the one it joined first, or of the one it names, and never of one it is not in', async () => {
    const { alice, bob } = world;
    const second = await server.post<{ id: string }>('/api/v1/networks', { name: 'Second' }, alice.token);
    const other = await createDevice(server, alice.token, second.id, 'In the second');
    await server.request('PUT', `/api/v1/devices/${alice.device.deviceId}/networks/${second.id}`, {
      token: alice.token,
    });
    const speaker = await connectPlain(server, other);
    await speaker.mqtt.publishAsync('here', 'second', { qos: 1, retain: true });
    const heardIn = async (network: string) => {
      const client = await connectPlain(server, alice.device, {
        username: `${alice.device.deviceId}${network}`,
      });
      await client.mqtt.subscribeAsync('here');
      await client.settled();
      return client.heard;
    };
    expect(await heardIn('')).toEqual([]);
    expect(await heardIn(`@${alice.network.id}`)).toEqual([]);
    expect(await heardIn(`@${second.id}`)).toEqual(['here second 0 retained']);
    const outside = await connectPlain(server, alice.device, {
      username: `${alice.device.deviceId}@${bob.network.id}`,
    });
    await expect(outside.mqtt.subscribeAsync('here')).rejects.toThrow();
  });

  it('is cut off when it leaves the network, and finds nothing of then when it comes back', async () => {
    const { alice } = world;
    const network = await server.post<{ id: string }>('/api/v1/networks', { name: 'Third' }, alice.token);
    const [guest, host] = [
      await createDevice(server, alice.token, network.id, 'Guest'),
      await createDevice(server, alice.token, network.id, 'Host'),
    ];
    const lasting = { clean: false, clientId: 'guest' };
    const client = await connectPlain(server, guest, lasting);
    await client.mqtt.subscribeAsync('#', { qos: 1 });
    const closed = new Promise<void>((resolve) => client.mqtt.once('close', () => resolve()));
    const path = `/api/v1/devices/${guest.deviceId}/networks/${network.id}`;
    await server.request('DELETE', path, { token: alice.token });
    await closed;
    const speaker = await connectPlain(server, host);
    await speaker.mqtt.publishAsync('secret', 'while it was no member', { qos: 1 });
    await server.request('PUT', path, { token: alice.token });
    const again = await connectPlain(server, guest, lasting);
    await again.settled();
    expect([again.sessionPresent, again.heard]).toEqual([false, []]);
  });
});
