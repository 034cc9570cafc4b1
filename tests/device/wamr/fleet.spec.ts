import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BifrostClient, createBifrostClient } from '../../../device/client/index.ts';
import { openNodeSocket } from '../../../device/node/websocket.ts';
import { deploy } from '../../../device/scripts/deploy.ts';
import { createMqttConnector } from '../../../device/virtual/mqtt-connector.ts';
import { VirtualDevice } from '../../../device/virtual/virtual-device.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { createDeviceCore } from '../../support/core.ts';
import { createMemoryScripts } from '../../support/memory-scripts.ts';
import { NativeHost } from '../../support/native-host-device.ts';
import { ownerKey, scriptModule, signedScript } from '../../support/scripts.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from '../../support/world.ts';

const SCRIPT_BYTES = 4_096;
/** Devices that are made, or get the script, at the same time. */
const AT_ONCE = 16;

/** `npm run device:fleet` has a thousand of both. */
const DEVICES = Number(process.env.FLEET_DEVICES ?? 20);
const COMMANDS = Number(process.env.FLEET_COMMANDS ?? 20);

/** A script of so many bytes: what it hasn't to say is a section that nobody reads. */
function scriptOf(bytes: number): Uint8Array {
  const module = scriptModule([], () => ({ COMMAND: [] }));
  const name = [1, 0x78];
  // A custom section: id 0, the length in two bytes, a name.
  const contentBytes = bytes - module.length - 3;
  const head = [0, (contentBytes & 0x7f) | 0x80, contentBytes >> 7, ...name];
  return Buffer.concat([module, Uint8Array.from(head), new Uint8Array(contentBytes - name.length)]);
}

async function inTurns<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

async function connectVirtual(server: TestServer, credentials: DeviceCredentials): Promise<VirtualDevice> {
  let connected: () => void = () => {};
  const whenConnected = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const device = new VirtualDevice(
    { credentials, intervalMs: 3_600_000, readingsMax: Number.POSITIVE_INFINITY },
    {
      core: createDeviceCore(),
      connect: createMqttConnector(server.mqttUrl, credentials),
      clock: createSystemClock(),
      random: createSystemRandom(),
      memory: { load: () => null, save: () => {} },
      scripts: { store: createMemoryScripts(), ownerKey },
      report: ({ kind }) => kind === 'connected' && connected(),
    },
  );
  void device.run();
  await whenConnected;
  return device;
}

let world: World;
let client: BifrostClient;

beforeAll(async () => {
  world = await createWorld(await startTestServer());
  const { server, alice } = world;
  client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials: alice.device },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );
  await client.connect();
});

afterAll(async () => {
  client.close();
  await world.server.stop();
});

it('a script reaches every virtual device of a fleet, and runs there', async () => {
  const { server, alice } = world;
  const names = Array.from({ length: DEVICES }, (_, index) => `Fleet ${index}`);
  const fleet: { readonly id: string; readonly device: VirtualDevice }[] = [];
  await inTurns(names, async (name) => {
    const credentials = await createDevice(server, alice.token, alice.network.id, name);
    fleet.push({ id: credentials.deviceId, device: await connectVirtual(server, credentials) });
  });
  const { manifest, signature, module } = signedScript('fleet', scriptOf(SCRIPT_BYTES));
  const began = performance.now();
  let running = 0;
  await inTurns(fleet, async ({ id }) => {
    const { version } = await deploy(client, id, { manifestBytes: manifest, signature, module });
    if (version === 1) running++;
  });
  const seconds = (performance.now() - began) / 1_000;
  console.log(`${module.length} bytes of script run on ${running} devices after ${seconds.toFixed(1)} s`);
  expect(running).toBe(DEVICES);
  await Promise.all(fleet.map(({ device }) => device.stop()));
});

it('a device in C answers one command after the other', async () => {
  const { server, alice } = world;
  const lamp = await createDevice(server, alice.token, alice.network.id, 'Lamp in C');
  const host = new NativeHost(server.mqttUrl, lamp, 'host');
  await host.connected();
  const times: number[] = [];
  for (let count = 0; count < COMMANDS; count++) {
    const start = performance.now();
    expect((await client.command(lamp.deviceId, 'led.get')).error).toBeNull();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const quantile = (share: number) =>
    (times[Math.floor(share * (times.length - 1))] ?? Number.NaN).toFixed(2);
  console.log(`a command to a device in C and back: median ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms`);
  await host.stop();
});
