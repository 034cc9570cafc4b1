import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BifrostClient,
  createBifrostClient,
  type DeviceEvent,
  type PlainValue,
} from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { deploy } from '../../device/scripts/deploy.ts';
import { eventually } from '../integration/http/server-under-test.ts';
import { createDeviceCore } from './core.ts';
import { failing, keeper, LOOP, signedScript } from './scripts.ts';
import { startTestServer, type TestServer } from './server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from './world.ts';

/** A device that is connected: it has the sensor `sensor.temperature`, the actuator `led`, and takes the scripts of `ownerKey`. */
export type ConnectDevice = (
  server: TestServer,
  credentials: DeviceCredentials,
) => Promise<{ stop(): Promise<void> }>;

/** A server with a device of one kind, and a client of its network that follows its events. */
export interface DeviceScene {
  readonly server: TestServer;
  readonly world: World;
  readonly credentials: DeviceCredentials;
  readonly client: BifrostClient;
  readonly events: readonly DeviceEvent[];
  ask(name: string, args?: Record<string, PlainValue>): ReturnType<BifrostClient['command']>;
  /** Resolves with the first event of the device that fits. */
  event(fits: (event: DeviceEvent) => boolean): Promise<DeviceEvent>;
}

async function createScene(connectDevice: ConnectDevice): Promise<DeviceScene & { stop(): Promise<void> }> {
  const server = await startTestServer();
  const world = await createWorld(server);
  const { token, network, device } = world.alice;
  const credentials = await createDevice(server, token, network.id, 'Lamp');
  const client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials: device },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );
  const events: DeviceEvent[] = [];
  const watchers = new Set<() => void>();
  client.on('event', (event) => {
    if (event.frame.sourceId !== credentials.deviceId) return;
    events.push(event);
    for (const watcher of watchers) watcher();
  });
  await client.connect();
  const { stop } = await connectDevice(server, credentials);
  return {
    ...{ server, world, credentials, client, events },
    ask: (name, args = {}) => client.command(credentials.deviceId, name, args),
    event: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          const found = events.find(fits);
          if (found === undefined) return;
          watchers.delete(look);
          resolve(found);
        };
        watchers.add(look);
        look();
      }),
    async stop() {
      client.close();
      await stop();
      await server.stop();
    },
  };
}

const done = (values: Record<string, unknown>) => ({ error: null, values });
const codeOf = async (answer: ReturnType<DeviceScene['ask']>) => (await answer).error?.code;

/** What a device of any kind does over the wire: on a server of its own, which it gives. */
export function describeDevice(kind: string, connectDevice: ConnectDevice): () => DeviceScene {
  let scene: Awaited<ReturnType<typeof createScene>>;
  beforeAll(async () => {
    scene = await createScene(connectDevice);
  });
  afterAll(() => scene.stop());

  describe(kind, () => {
    it('says what it can do, and that it is simulated', async () => {
      const { server, world, credentials } = scene;
      const path = `/api/v1/devices/${credentials.deviceId}`;
      const capabilities = await eventually('the device says what it can do', async () => {
        const device = await server.get<{ capabilities: object | null }>(path, world.alice.token);
        return device.capabilities;
      });
      expect(capabilities).toMatchObject({
        platform: expect.stringContaining('simulated'),
        sensors: ['sensor.temperature'],
        actuators: ['led'],
        commands: expect.arrayContaining(['led.set', 'sensor.read', 'GetCapabilities', 'script.begin']),
      });
    });

    it('measures', async () => {
      const reading = await scene.event(({ name }) => name === 'sensor.temperature');
      expect(reading).toMatchObject({ value: 20.5, unit: 'celsius' });
      expect(await scene.ask('sensor.read')).toEqual(
        done({ temperature: 20.5, unit: 'celsius', simulated: true }),
      );
    });

    it('carries a command out, answers it, and says what changed', async () => {
      expect(await scene.ask('led.set', { on: true })).toEqual(done({ on: true }));
      expect(await scene.event(({ name, value }) => name === 'led.state' && value === true)).toMatchObject({
        unit: '',
      });
      expect(await scene.ask('led.get')).toEqual(done({ on: true }));
      expect(await scene.ask('led.set', { on: false })).toEqual(done({ on: false }));
      expect(await scene.ask('led.get')).toEqual(done({ on: false }));
    });

    it.each([
      ['command_argument_wrong', 'led.set', { on: 'yes' }],
      ['command_argument_wrong', 'led.set', {}],
      ['command_argument_wrong', 'led.get', { on: true }],
      ['command_unknown', 'door.open', {}],
      ['script_not_found', 'Script_nothing', {}],
      ['script_chunk_order_wrong', 'script.commit', {}],
    ] as const)('refuses with %s: %s %o', async (code, name, args) => {
      expect(await codeOf(scene.ask(name, args))).toBe(code);
    });

    describeSettings(() => scene);
    describeScripts(() => scene);
  });
  return () => scene;
}

function describeScripts(scene: () => DeviceScene): void {
  it('takes a signed script, lists it, calls it by name, and removes it', async () => {
    const { manifest, signature, module } = signedScript('keeper', keeper(7));
    const deployed = await deploy(scene().client, scene().credentials.deviceId, {
      ...{ manifestBytes: manifest, signature, module },
    });
    expect(deployed).toEqual({ name: 'keeper', version: 1 });
    expect(await scene().ask('Script_keeper')).toEqual(done({ kept: 7 }));
    expect(await scene().ask('ListScripts')).toMatchObject(
      done({ count: 1, 'keeper.version': 1, 'keeper.state': 'running' }),
    );
    const { values } = await scene().ask('GetCapabilities');
    expect(values.commands).toContain('Script_keeper');
    expect(await codeOf(scene().ask('script.begin', { manifest, signature }))).toBe('script_version_old');
    expect(await codeOf(scene().ask('script.remove', { name: 'keeper' }))).toBeUndefined();
    expect(await codeOf(scene().ask('Script_keeper'))).toBe('script_not_found');
  });

  it('stops a script that loops, says so, and stays', async () => {
    const { manifest, signature, module } = signedScript('looper', failing(LOOP), { callMsMax: 100 });
    await deploy(scene().client, scene().credentials.deviceId, {
      manifestBytes: manifest,
      signature,
      module,
    });
    expect(await codeOf(scene().ask('Script_looper'))).toBe('script_stopped');
    expect(
      await scene().event(({ name, value }) => name === 'script.looper.state' && value === 'failed'),
    ).toMatchObject({ isState: true });
    expect(await codeOf(scene().ask('Script_looper'))).toBe('script_not_running');
    expect(await scene().ask('led.get')).toEqual(done({ on: false }));
  });
}

function describeSettings(scene: () => DeviceScene): void {
  it('takes settings as a whole or not at all', async () => {
    const interval = 'capability_configuration.reading_interval_ms';
    const updates = 'ota_update_settings.enabled';
    const { values } = await scene().ask('settings.get');
    expect(await codeOf(scene().ask('settings.set', { [updates]: 0, colour: 1 }))).toBe('setting_unknown');
    expect(await codeOf(scene().ask('settings.set', { [updates]: 0, [interval]: 999 }))).toBe(
      'setting_wrong',
    );
    expect(await scene().ask('settings.get')).toEqual(done(values));
    expect((await scene().ask('settings.set', { [interval]: 300_000 })).values).toEqual({
      ...values,
      [interval]: 300_000,
    });
  });
}
