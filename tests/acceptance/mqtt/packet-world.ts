import { afterAll, expect } from 'vitest';
import { startTestServer } from '../../support/server.ts';
import { createDevice, createWorld } from '../../support/world.ts';
import { connectPackets, type PacketClient, subscribe } from './packet-client.ts';

/** A server with a device whose MQTT packets a test writes itself, until the test's file ends. `name` begins all names in it. */
export async function startPacketWorld(name: string) {
  const server = await startTestServer();
  afterAll(() => server.stop());
  const world = await createWorld(server);
  let names = 0;
  const newName = () => `${name}-${++names}`;
  const newDevice = () => createDevice(server, world.alice.token, world.alice.network.id, newName());
  const device = await newDevice();
  const connected = (more: object = {}) => connectPackets(server, device, more);
  return {
    server,
    world,
    device,
    newName,
    newDevice,
    newTopic: () => `${name}/${++names}`,
    connected,
    /** A client that is subscribed to this filter. */
    async subscribed(filter: string, options: object = {}, more: object = {}): Promise<PacketClient> {
      const client = await connected({ clientId: newName(), ...more });
      client.send(subscribe(filter, options));
      expect(await client.next()).toMatchObject({ cmd: 'suback' });
      return client;
    },
  };
}
