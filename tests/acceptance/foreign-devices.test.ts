import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../integration/http/server-under-test.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createHousehold, createWorld, type World } from '../support/world.ts';
import { connectPlain } from './mqtt/plain-clients.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

async function home() {
  const household = await createHousehold(server, world.adminToken);
  const { device, token, network } = household;
  const client = await connectPlain(server, device);
  const say = (topic: string, payload: unknown, options = {}) =>
    client.mqtt.publishAsync(topic, typeof payload === 'string' ? payload : JSON.stringify(payload), {
      qos: 1,
      ...options,
    });
  const path = `/api/v1/devices/${device.deviceId}`;
  const capabilities = async () =>
    (await server.get<{ capabilities: Record<string, unknown> | null }>(path, token)).capabilities;
  const command = (name: string, given: unknown) =>
    server.request('POST', `${path}/commands`, { token, body: { name, arguments: given } });
  const readings = async () =>
    (await server.get<{ items: { name: string; value: unknown }[] }>(`${path}/readings`, token)).items.map(
      ({ name, value }) => [name, value],
    );
  return { device, token, network, client, say, path, capabilities, command, readings };
}

describe('a device with a firmware of its own', () => {
  it('is read, told what is wanted in its own words, and shown with what it can do', async () => {
    const { client, say, path, token, capabilities, command, readings } = await home();
    await client.mqtt.subscribeAsync('cmnd/plug/+', { qos: 1 });
    await say('tele/plug/LWT', 'Online', { retain: true });
    await say('stat/plug/POWER', 'OFF');
    await say('tele/plug/SENSOR', { Time: '2024-02-11T14:30:00', ENERGY: { Power: 42 } });
    await eventually(
      'what it can do',
      async () => ((await capabilities())?.sensors as string[])?.length === 1,
    );
    expect(await capabilities()).toEqual({
      platform: 'tasmota',
      firmware: '',
      sensors: ['ENERGY.Power'],
      actuators: ['POWER'],
      commands: ['POWER.set'],
      sealKey: null,
    });
    expect(await readings()).toEqual([
      ['ENERGY.Power', 42],
      ['POWER', false],
    ]);
    expect(await server.get(`${path}/state`, token)).toMatchObject({ reported: { state: { POWER: false } } });
    expect((await command('POWER.set', { on: true })).body).toMatchObject({
      result: { error: null, values: { on: true } },
    });
    expect((await client.hears(1))[0]).toBe('cmnd/plug/POWER ON 1');
    expect((await command('POWER.set', { on: 'perhaps' })).body).toMatchObject({
      result: { error: { code: 'command_argument_wrong' } },
    });
    expect((await command('other.set', { on: true })).body).toMatchObject({
      result: { error: { code: 'command_unknown' } },
    });
  });

  it('keeps what it was found to do when it returns, and says it itself where it wants', async () => {
    const { device, client, say, capabilities } = await home();
    await say('kitchen/sensor/t/state', '20');
    await say('kitchen/switch/relay/state', 'ON');
    await eventually('both', async () => ((await capabilities())?.commands as string[])?.length === 1);
    await client.vanish();
    const second = await connectPlain(server, device);
    await second.mqtt.publishAsync('kitchen/sensor/h/state', '40', { qos: 1 });
    await eventually('all', async () => ((await capabilities())?.sensors as string[])?.length === 2);
    expect(await capabilities()).toMatchObject({ sensors: ['h', 't'], commands: ['relay.set'] });
    await second.mqtt.publishAsync(
      `devices/${device.deviceId}/capabilities`,
      JSON.stringify({ platform: 'own', sensors: ['x'] }),
      { qos: 1 },
    );
    await second.mqtt.publishAsync('kitchen/sensor/more/state', '1', { qos: 1 });
    expect(await capabilities()).toMatchObject({ platform: 'own', sensors: ['x'] });
  });

  it('announces itself by discovery messages, and is not announced in its place', async () => {
    const { device, token, network, client, say, capabilities, readings } = await home();
    await server.request('PUT', `/api/v1/networks/${network.id}/home-assistant`, {
      token,
      body: { announces: true },
      expect: 200,
    });
    const watcher = await connectPlain(server, await createDevice(server, token, network.id, 'Watcher'));
    const topics = new Set<string>();
    watcher.mqtt.on('message', (topic) => topics.add(topic));
    await watcher.mqtt.subscribeAsync(['homeassistant/#', 'yggdrasil/#'], { qos: 1 });
    await say('homeassistant/switch/pump/config', { stat_t: 'pump/on', cmd_t: 'pump/set' }, { retain: true });
    await say('pump/on', 'ON');
    await eventually('its value', () => topics.has(`yggdrasil/${device.deviceId}/readings/pump`));
    await client.settled();
    await watcher.settled();
    expect(await capabilities()).toMatchObject({ platform: 'home-assistant', commands: ['pump.set'] });
    expect(await readings()).toEqual([['pump', true]]);
    const configs = [...topics].filter((topic) => topic.startsWith('homeassistant/'));
    expect(configs).toEqual(['homeassistant/switch/pump/config']);
  });

  it('is told why a discovery message was refused, which nobody gets', async () => {
    const { device, token, network, client, say, capabilities } = await home();
    const other = await createDevice(server, token, network.id, 'Other');
    const watcher = await connectPlain(server, other);
    await watcher.mqtt.subscribeAsync('homeassistant/#', { qos: 1 });
    await client.mqtt.subscribeAsync(`devices/${device.deviceId}/refused`, { qos: 1 });
    const topic = 'homeassistant/switch/x/config';
    await say(topic, { command_topic: `devices/${other.deviceId}/commands/led.set` }, { retain: true });
    await eventually('the refusal', () => client.heard.length > 0);
    expect(JSON.parse(client.heard[0]?.split(' ').slice(1, -1).join(' ') ?? '')).toMatchObject({
      topic,
      code: 'topic_forbidden',
      reason: 'The discovery message names another device.',
    });
    await watcher.settled();
    expect([watcher.heard, await capabilities()]).toEqual([[], null]);
  });
});
