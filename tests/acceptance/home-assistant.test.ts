import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createBifrostClient } from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { eventually } from '../integration/http/server-under-test.ts';
import { createDeviceCore } from '../support/core.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type DeviceCredentials,
  type World,
} from '../support/world.ts';
import { connectPlain } from './mqtt/plain-clients.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

/** A network with a device, and a client that hears all of its tree as Home Assistant does. */
async function home({ announces = true } = {}) {
  const household = await createHousehold(server, world.adminToken);
  const { token, device, network } = household;
  const path = `/api/v1/networks/${network.id}/home-assistant`;
  const announce = (on: boolean) =>
    server.request('PUT', path, { token, body: { announces: on }, expect: 200 });
  if (announces) await announce(true);
  const assistant = await connectPlain(
    server,
    await createDevice(server, token, network.id, 'Home Assistant'),
  );
  const tree = new Map<string, string>();
  assistant.mqtt.on('message', (topic, payload) => {
    if (topic.endsWith('/settled')) return;
    if (payload.length === 0) tree.delete(topic);
    else tree.set(topic, payload.toString());
  });
  await assistant.mqtt.subscribeAsync(['homeassistant/#', 'yggdrasil/#'], { qos: 1 });
  /** Topics under `homeassistant/` of a device, without its id. */
  const announced = ({ deviceId }: DeviceCredentials) =>
    [...tree.keys()]
      .filter((topic) => topic.startsWith('homeassistant/') && topic.includes(deviceId))
      .map((topic) => topic.replace(`/${deviceId}/`, ' '))
      .sort();
  const shows = (what: string, isThere: () => boolean) =>
    eventually(`${what}, not ${JSON.stringify([...tree])}`, isThere);
  const config = (topic: string) => JSON.parse(tree.get(topic) ?? '{}');
  return { household, token, device, network, path, announce, assistant, tree, announced, shows, config };
}

async function signing(credentials: DeviceCredentials, commands = ['led.set']) {
  const capabilities = { platform: 'esp32', firmware: '1.2', sensors: ['t'], actuators: ['led'], commands };
  const client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials, capabilities },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );
  onTestFinished(() => client.close());
  await client.connect();
  return client;
}

const value = (text: string | undefined) => JSON.parse(text ?? '{}').value;

describe('a network that announces its devices', () => {
  it('says of a signing device what it measures and switches, and switches it', async () => {
    const { device, assistant, tree, announced, shows, config } = await home();
    const id = device.deviceId;
    const client = await signing(device);
    await shows('the switch', () => announced(device).length === 2);
    expect(announced(device)).toEqual(['homeassistant/sensor t/config', 'homeassistant/switch led/config']);
    await client.publish({ name: 't', value: 21.5, unit: 'celsius' });
    await client.publish({ name: 'led.state', value: false, unit: '' });
    await shows('the state', () => tree.has(`yggdrasil/${id}/readings/led.state`));
    const topic = `homeassistant/sensor/${id}/t/config`;
    await shows('the unit', () => config(topic).unit_of_measurement !== undefined);
    expect(config(topic)).toEqual({
      name: 't',
      unique_id: `${id}_t`,
      state_topic: `yggdrasil/${id}/readings/t`,
      value_template: '{{ value_json.value }}',
      unit_of_measurement: '°C',
      device_class: 'temperature',
      state_class: 'measurement',
      availability_topic: `yggdrasil/${id}/online`,
      device: {
        identifiers: [`yggdrasil_${id}`],
        name: 'First device',
        manufacturer: 'Yggdrasil',
        model: 'esp32',
        sw_version: '1.2',
      },
      origin: { name: 'Yggdrasil' },
    });
    expect(JSON.parse(tree.get(`yggdrasil/${id}/readings/t`) ?? '')).toMatchObject({
      value: 21.5,
      unit: 'celsius',
    });
    await shows('its name', () =>
      config(`homeassistant/switch/${id}/led/config`).state_topic?.endsWith('led.state'),
    );
    const { command_topic, payload_on } = config(`homeassistant/switch/${id}/led/config`);
    const asked = new Promise((resolve) => {
      client.on('command', ({ name, arguments: given }) => resolve([name, given]));
    });
    await assistant.mqtt.publishAsync(command_topic, payload_on, { qos: 1 });
    expect(await asked).toEqual(['led.set', { on: true }]);
  });

  it('says the same of a plain device, and whether it is there', async () => {
    const { device, tree, announced, shows } = await home();
    const id = device.deviceId;
    const plain = await connectPlain(server, device);
    const say = (topic: string, json: unknown) =>
      plain.mqtt.publishAsync(`devices/${id}/${topic}`, JSON.stringify(json), { qos: 1 });
    await say('capabilities', { actuators: ['lamp', 'fan'], commands: ['state.set'] });
    await say('readings', { air: { co2: { value: 600, unit: 'ppm' } }, open: true, mode: 'eco' });
    await say('state/lamp', 'on');
    await shows('all of it', () => announced(device).length === 5);
    expect(announced(device)).toEqual([
      'homeassistant/binary_sensor open/config',
      'homeassistant/sensor air_2eco2/config',
      'homeassistant/sensor mode/config',
      'homeassistant/switch fan/config',
      'homeassistant/switch lamp/config',
    ]);
    await shows('its presence', () => tree.get(`yggdrasil/${id}/online`) === 'online');
    await say('readings/air/co2', { value: 700, unit: 'ppm' });
    await shows('the value', () => value(tree.get(`yggdrasil/${id}/readings/air.co2`)) === 700);
    await plain.vanish();
    await shows('its absence', () => tree.get(`yggdrasil/${id}/online`) === 'offline');
  });

  it('follows what happens to a device: its name, a command less, its end', async () => {
    const { device, token, announced, shows, config, tree } = await home();
    const id = device.deviceId;
    const first = await signing(device);
    await shows('the switch', () => announced(device).length === 2);
    await server.request('PUT', `/api/v1/devices/${id}`, { token, body: { name: 'Lamp' }, expect: 200 });
    await shows('the name', () => config(`homeassistant/sensor/${id}/t/config`).device?.name === 'Lamp');
    first.close();
    await signing(device, []);
    await shows('the sensor alone', () => announced(device).length === 1);
    await server.request('DELETE', `/api/v1/devices/${id}`, { token, expect: 200 });
    await shows('nothing', () => ![...tree.keys()].some((topic) => topic.includes(id)));
  });

  it('says nothing before it is switched on, and nothing after it is switched off', async () => {
    const { device, token, path, announce, announced, shows, tree, assistant } = await home({
      announces: false,
    });
    const client = await signing(device);
    await client.publish({ name: 't', value: 1, unit: '' });
    await assistant.settled();
    expect([...tree.keys()]).toEqual([]);
    expect(await server.get(path, token)).toEqual({ announces: false });
    await announce(true);
    await shows('the devices', () => announced(device).length === 2);
    const own = 'homeassistant/sensor/own/x/config';
    await assistant.mqtt.publishAsync(own, '{"state_topic":"own/x"}', { qos: 1, retain: true });
    await announce(false);
    await shows('nothing of ours', () => [...tree.keys()].join() === own);
    await client.publish({ name: 't', value: 2, unit: '' });
    await assistant.settled();
    expect([...tree.keys()]).toEqual([own]);
  });

  it('says nothing in other networks, and lets nobody speak in its place', async () => {
    const one = await home();
    const other = await home();
    await signing(one.device);
    await one.shows('the device', () => one.announced(one.device).length === 2);
    await other.assistant.settled();
    expect(other.announced(one.device)).toEqual([]);
    const plain = await connectPlain(server, other.device);
    const closed = new Promise<void>((resolve) => plain.mqtt.once('close', () => resolve()));
    plain.mqtt.publish(`yggdrasil/${other.device.deviceId}/online`, 'online');
    await closed;
  });
});
