import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { createBifrostClient } from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { connectPlain } from '../acceptance/mqtt/plain-clients.ts';
import { createDeviceCore } from '../support/core.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, type World } from '../support/world.ts';
import {
  type Entity,
  type HomeAssistant,
  installHomeAssistant,
  startHomeAssistant,
} from './home-assistant-process.ts';

let server: TestServer;
let world: World;
let assistant: HomeAssistant;

beforeAll(async () => {
  await installHomeAssistant();
  server = await startTestServer();
  world = await createWorld(server);
  const { token, network } = world.alice;
  const own = await createDevice(server, token, network.id, 'Home Assistant');
  await server.request('PUT', `/api/v1/networks/${network.id}/home-assistant`, {
    token,
    body: { announces: true },
    expect: 200,
  });
  const { hostname, port } = new URL(server.mqttUrl);
  assistant = await startHomeAssistant({
    host: hostname,
    port: Number(port),
    username: own.deviceId,
    password: own.token,
  });
});
afterAll(async () => {
  await assistant?.stop();
  await server?.stop();
});

/** The entities once they are as wanted. */
async function shows(
  what: string,
  isRight: (of: (id: string) => Entity | undefined) => boolean,
): Promise<void> {
  let entities: readonly Entity[] = [];
  for (let attempt = 0; attempt < 1_200; attempt++) {
    entities = await assistant.entities();
    if (isRight((id) => entities.find(({ entity_id }) => entity_id === id))) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const shown = entities.map(({ entity_id, state }) => `${entity_id} ${state}`).join(', ');
  throw new Error(`no ${what} in: ${shown}\n${assistant.output().slice(-5_000)}`);
}

it('shows a plain and a signing device of ours, switches both, and sees them go', async () => {
  const { token, network, device } = world.alice;
  const plainDevice = await createDevice(server, token, network.id, 'Plug');
  const plain = await connectPlain(server, plainDevice);
  const topics = `devices/${plainDevice.deviceId}`;
  const say = (topic: string, json: unknown) =>
    plain.mqtt.publishAsync(`${topics}/${topic}`, JSON.stringify(json), { qos: 1 });
  plain.mqtt.on('message', (_, payload) => {
    const { arguments: given } = JSON.parse(payload.toString());
    void say('state/relay', given.on);
  });
  await plain.mqtt.subscribeAsync(`${topics}/commands/#`, { qos: 1 });
  await say('capabilities', { platform: 'esp8266', actuators: ['relay'], commands: ['relay.set'] });
  await say('readings', { power: { value: 12.5, unit: 'watt' } });
  await say('state/relay', false);

  const client = createBifrostClient(
    {
      url: `${server.webSocketUrl}/bifrost`,
      credentials: device,
      capabilities: {
        platform: 'esp32',
        firmware: '1',
        sensors: ['t'],
        actuators: ['led'],
        commands: ['led.set'],
      },
    },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );
  onTestFinished(() => client.close());
  client.on('command', async ({ frame, arguments: given }) => {
    await client.answer(frame, { error: null, values: given });
    await client.publish({ name: 'led.state', value: given.on ?? null, unit: '' });
  });
  await client.connect();
  await client.publish({ name: 't', value: 21.5, unit: 'celsius' });
  await client.publish({ name: 'led.state', value: false, unit: '' });

  await shows('devices', (of) => {
    const states = [
      'sensor.plug_power',
      'switch.plug_relay',
      'sensor.first_device_t',
      'switch.first_device_led',
    ];
    return states.map((id) => of(id)?.state).join() === '12.5,off,21.5,off';
  });
  await shows('unit', (of) => of('sensor.first_device_t')?.attributes.unit_of_measurement === '°C');
  await assistant.call('switch', 'turn_on', 'switch.first_device_led');
  await shows('light', (of) => of('switch.first_device_led')?.state === 'on');
  await assistant.call('switch', 'turn_on', 'switch.plug_relay');
  await shows('current', (of) => of('switch.plug_relay')?.state === 'on');
  client.close();
  await shows('absence', (of) => of('sensor.first_device_t')?.state === 'unavailable');
  await server.request('DELETE', `/api/v1/devices/${device.deviceId}`, { token, expect: 200 });
  await shows(
    'end',
    (of) => of('sensor.first_device_t') === undefined && of('switch.plug_relay')?.state === 'on',
  );
  expect(assistant.output()).not.toMatch(/ERROR.*mqtt/);
});
