import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { IClientOptions } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BifrostClient, createBifrostClient } from '../../../device/client/index.ts';
import { passwordLine } from '../../../device/mosquitto/files.ts';
import { openNodeSocket } from '../../../device/node/websocket.ts';
import { Delivery, Event, encodePayload, FrameType, readFrame } from '../../../proto/index.ts';
import { eventually } from '../../integration/http/server-under-test.ts';
import { isSignedFor, signedFrame } from '../../support/bifrost-socket.ts';
import { createDeviceCore } from '../../support/core.ts';
import { prepareMosquitto, type RunningMosquitto } from '../../support/mosquitto.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type DeviceCredentials,
  type Household,
} from '../../support/world.ts';
import { connectPlain, type PlainClient } from './plain-clients.ts';

const WAYS = ['our own broker', 'mosquitto'] as const;
type Way = (typeof WAYS)[number];
/** Every test has devices of its own; they are made first, so that mosquitto is told of all at once. */
const NAMES = ['Reader', 'Lamp', 'Sleeper', 'Liar', 'Victim', 'Spy', 'Wanted', 'Signer'] as const;
const SERVER_PASSWORD = 'what the server signs in with';

let mosquitto: RunningMosquitto;
let server: TestServer;
let household: Household;
let neighbour: { readonly id: string };
let client: BifrostClient;
const devices = new Map<string, DeviceCredentials>();
/** At mosquitto, by user. */
const passwords = new Map<string, string>();

beforeAll(async () => {
  mosquitto = await prepareMosquitto();
  server = await startTestServer({
    YGGDRASIL_MQTT_BROKER_URL: `mqtt://yggdrasil:${encodeURIComponent(SERVER_PASSWORD)}@127.0.0.1:${mosquitto.port}`,
  });
  const { adminToken } = await createWorld(server);
  household = await createHousehold(server, adminToken);
  neighbour = await server.post('/api/v1/networks', { name: 'Next door' }, household.token);
  for (const way of WAYS) {
    for (const name of NAMES) {
      const { id } = name === 'Spy' ? neighbour : household.network;
      devices.set(`${name} at ${way}`, await createDevice(server, household.token, id, `${name} at ${way}`));
    }
  }
  writeFileSync(join(mosquitto.directory, 'passwords'), `${passwordLine('yggdrasil', SERVER_PASSWORD)}\n`);
  await writeFiles();
  await mosquitto.start();
  // It began before mosquitto, and tries again after growing waits; what is said before it has subscribed is nobody's.
  await eventually('the server at mosquitto', () => server.logs.some(isConnected), 60_000);
  client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials: household.device },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );
  await client.connect();
}, 300_000);
afterAll(async () => {
  await client?.close();
  await server?.stop();
  await mosquitto?.stop();
});

const isConnected = ({ message }: { readonly message: string }) => message === 'connected with the broker';

/** Writes mosquitto's files by the command, as its operator does. The users that are new. */
async function writeFiles(): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['build/yggdrasil.js', 'mosquitto', '--dir', mosquitto.directory, '--json'],
    ...['--server', server.httpUrl, '--token', household.token],
  ]);
  const { items } = JSON.parse(stdout) as { items: { user: string; password: string }[] };
  for (const { user, password } of items) passwords.set(user, password);
  return items.map(({ user }) => user);
}

/** A device at one of the brokers, with its topics there. */
async function at(way: Way, name: (typeof NAMES)[number], options: IClientOptions = {}) {
  const device = devices.get(`${name} at ${way}`) as DeviceCredentials;
  const isOurs = way === 'our own broker';
  const password = isOurs ? device.token : (passwords.get(device.deviceId) ?? '');
  const url = isOurs ? server.mqttUrl : `mqtt://127.0.0.1:${mosquitto.port}`;
  const connection = await connectPlain(server, device, { password, ...options }, url);
  const tree = isOurs ? '' : `networks/${household.network.id}/`;
  return { ...connection, device, tree, topics: `${tree}devices/${device.deviceId}` };
}

const say = ({ mqtt }: PlainClient, topic: string, json: unknown, retain = false) =>
  mqtt.publishAsync(topic, JSON.stringify(json), { qos: 1, retain });

/** What the Bifrost client hears of a device. */
function heardOf({ deviceId }: DeviceCredentials) {
  const heard: [name: string, value: unknown, isMade: boolean][] = [];
  client.on('event', ({ name, value, frame }) => {
    if (frame.sourceId === deviceId) heard.push([name, value, frame.madeByServer]);
  });
  return heard;
}

const readingsOf = async ({ deviceId }: DeviceCredentials) => {
  const path = `/api/v1/devices/${deviceId}/readings`;
  const { items } = await server.get<{ items: { name: string; value: unknown }[] }>(path, household.token);
  return items.map(({ name, value }) => [name, value]);
};

/** Answers every command with its arguments. */
async function answering({ mqtt }: PlainClient, topics: string) {
  mqtt.on('message', (topic, payload) => {
    if (!topic.startsWith(`${topics}/commands/`)) return;
    const { id, arguments: given } = JSON.parse(payload.toString());
    mqtt.publish(`${topics}/results`, JSON.stringify({ id, values: given }), { qos: 1 });
  });
  await mqtt.subscribeAsync(`${topics}/commands/#`, { qos: 1 });
}

describe.each(WAYS)('a device at %s', (way) => {
  it('says readings that are kept, and reach Bifrost clients', async () => {
    const reader = await at(way, 'Reader');
    const heard = heardOf(reader.device);
    await say(reader, `${reader.topics}/readings`, { temperature: 21.5, air: { co2: 600 } });
    await say(reader, `${reader.topics}/state/led`, true);
    await eventually('three events', () => heard.length >= 3);
    expect(heard).toEqual([
      ['temperature', 21.5, true],
      ['air.co2', 600, true],
      ['led', true, true],
    ]);
    await eventually('three readings', async () => (await readingsOf(reader.device)).length >= 3);
    expect(await readingsOf(reader.device)).toEqual(
      expect.arrayContaining([
        ['temperature', 21.5],
        ['air.co2', 600],
      ]),
    );
  });

  it('is told what it was refused', async () => {
    const liar = await at(way, 'Liar');
    await liar.mqtt.subscribeAsync(`${liar.topics}/refused`, { qos: 1 });
    await liar.mqtt.publishAsync(`${liar.topics}/readings/t`, 'no JSON', { qos: 1 });
    const [refusal = ''] = await liar.hears(1);
    expect(refusal).toContain('"code":"malformed_json"');
  });

  it('gets a command, and its result goes back', async () => {
    const lamp = await at(way, 'Lamp');
    await answering(lamp, lamp.topics);
    await say(lamp, `${lamp.topics}/capabilities`, { commands: ['led.set'] }, true);
    const result = await client.command(lamp.device.deviceId, 'led.set', { on: true });
    expect(result.values).toEqual({ on: true });
  });

  it('gets a command that came before it was subscribed', async () => {
    const sleeper = await at(way, 'Sleeper');
    const { deviceId } = sleeper.device;
    await say(sleeper, `${sleeper.topics}/readings/t`, 1);
    const result = client.command(deviceId, 'led.set', { on: 1 });
    // There it went out, and nobody was subscribed.
    const cameBack = () =>
      server.logs.some(({ message, fields }) => message === 'ended' && fields.deviceId === deviceId);
    if (way === 'mosquitto') await eventually('the command to come back', cameBack);
    await answering(sleeper, sleeper.topics);
    await say(sleeper, `${sleeper.topics}/readings/t`, 2);
    expect((await result).values).toEqual({ on: 1 });
  });

  it('sees nothing of another network, and says nothing in the name of another device', async () => {
    const [spy, victim] = [await at(way, 'Spy'), await at(way, 'Victim')];
    const heard = heardOf(victim.device);
    for (const topic of ['#', 'networks/#', 'networks/+/devices/+/readings/+', victim.topics]) {
      await spy.mqtt.subscribeAsync(topic, { qos: 1 }).catch(() => undefined);
    }
    // Who may not publish is cut off, or acknowledged and not heard.
    spy.mqtt.publish(`${victim.topics}/readings/forged`, '1', { qos: 0 });
    spy.mqtt.publish(`${victim.topics}/commands/forged`, '{}', { qos: 0 });
    await say(victim, `${victim.topics}/readings/own`, 2);
    await eventually('its own', () => heard.length > 0);
    expect(heard).toEqual([['own', 2, true]]);
    expect(spy.heard.filter((line) => line.startsWith(victim.topics))).toEqual([]);
  });

  it('is told what is wanted of it', async () => {
    const wanted = await at(way, 'Wanted');
    await wanted.mqtt.subscribeAsync(`${wanted.topics}/desired`, { qos: 1 });
    await server.request('PATCH', `/api/v1/devices/${wanted.device.deviceId}/state`, {
      body: { desired: { led: true } },
      token: household.token,
      expect: 200,
    });
    const [desired = ''] = await wanted.hears(1);
    expect(desired).toContain('"led":true');
    await say(wanted, `${wanted.topics}/state`, { led: true });
    await eventually('nothing to be wanted', () => wanted.heard.at(-1)?.includes('"state":{}') === true);
  });

  it('speaks signed frames, and gets them', async () => {
    const signer = await at(way, 'Signer');
    const heard = heardOf(signer.device);
    const frames: Buffer[] = [];
    signer.mqtt.on('message', (_topic, payload) => void frames.push(payload));
    await signer.mqtt.subscribeAsync(`bifrost/v1/${signer.device.deviceId}/down`, { qos: 1 });
    const event = encodePayload(Event, { name: 'signed', value: { kind: 'number', number: 1 } });
    const frame = signedFrame(signer.device, { type: FrameType.EVENT, delivery: Delivery.STORED }, event);
    await signer.mqtt.publishAsync(`bifrost/v1/${signer.device.deviceId}/up`, Buffer.from(frame), { qos: 1 });
    await eventually('the event', () => heard.length > 0);
    expect(heard).toEqual([['signed', 1, false]]);
    void client.command(signer.device.deviceId, 'led.set', {}).catch(() => undefined);
    const commands = () => frames.map(readFrame).filter(({ header }) => header.type === FrameType.COMMAND);
    await eventually('a command', () => commands().length > 0);
    for (const command of commands()) expect(isSignedFor(signer.device, command)).toBe(true);
  });
});

describe('mosquitto', () => {
  it('takes who is new when it reads its files again, and nobody who is gone', async () => {
    const late = await createDevice(server, household.token, household.network.id, 'Late');
    expect(await writeFiles()).toEqual([late.deviceId]);
    expect(await writeFiles()).toEqual([]);
    mosquitto.reload();
    const password = passwords.get(late.deviceId) ?? '';
    const connect = () => connectPlain(server, late, { password }, `mqtt://127.0.0.1:${mosquitto.port}`);
    await eventually('to be let in', async () => (await connect().catch(() => null)) !== null);
    await server.request('DELETE', `/api/v1/devices/${late.deviceId}`, { token: household.token });
    await writeFiles();
    mosquitto.reload();
    await eventually('to be refused', async () => (await connect().catch(() => null)) === null);
  });

  it('that was away is found again by the server', async () => {
    const heard = heardOf(devices.get('Reader at mosquitto') as DeviceCredentials);
    await mosquitto.restart();
    const reader = await at('mosquitto', 'Reader');
    // It keeps no shared subscriptions while it is away: what is said before the server is back reaches nobody.
    await eventually('the reading', async () => {
      await say(reader, `${reader.topics}/readings/after`, 3);
      return heard.length > 0;
    });
    expect(heard[0]).toEqual(['after', 3, true]);
  });
});
