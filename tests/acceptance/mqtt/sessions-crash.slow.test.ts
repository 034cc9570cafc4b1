import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, expect, it } from 'vitest';
import { freePort } from '../../../bench/processes/ports.ts';
import { eventually } from '../../integration/http/server-under-test.ts';
import { field } from '../../integration/mqtt/server-under-test.ts';
import { call } from '../../support/crash/household.ts';
import { CRASH_SETTINGS } from '../../support/crash/survive.ts';
import { type ServerProcess, startServerProcess } from '../../support/server-process.ts';
import type { DeviceCredentials } from '../../support/world.ts';
import { connectRaw } from './plain-clients.ts';

const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-sessions-crash-'));
// Run as root, the database's user must pass through.
chmodSync(directory, 0o711);
let server: ServerProcess | null = null;
const clients: MqttClient[] = [];

afterAll(async () => {
  for (const client of clients) await client.endAsync(true);
  await server?.end('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
});

const MESSAGES = 600;
/** Messages under way at a time. */
const UNDER_WAY = 20;
/** When so many have come, the server is killed, and started again. */
const KILLS: readonly number[] = [90, 230, 410];

async function start(ports: Readonly<Record<string, string>>): Promise<ServerProcess> {
  const data = join(directory, 'data');
  const started = await startServerProcess({ ...CRASH_SETTINGS, ...ports, YGGDRASIL_DATA_DIR: data });
  server = started;
  return started;
}

/** A client whose session lasts, and which sends and takes on where it was when its connection ends. */
async function connect(port: string, { deviceId, token }: DeviceCredentials): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
    clientId: `lasting ${deviceId}`,
    username: deviceId,
    password: token,
    clean: false,
    reconnectPeriod: 50,
    resubscribe: false,
  });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

it('kill -9 with lasting sessions loses nothing that was acknowledged, and doubles nothing of QoS 2', async () => {
  const mqttPort = String(await freePort());
  const ports = { YGGDRASIL_MQTT_PORT: mqttPort };
  let running = await start(ports);
  const { token } = await call<{ token: string }>(running, 'POST', '/api/v1/setup', {
    body: { code: running.setupCode, name: 'Operator' },
  });
  const network = await call<{ id: string }>(running, 'POST', '/api/v1/networks', {
    token,
    body: { name: 'Home' },
  });
  const device = async (name: string) =>
    (
      await call<{ credentials: DeviceCredentials }>(running, 'POST', '/api/v1/devices', {
        token,
        body: { name, networkId: network.id, worldType: 'jotunheim' },
      })
    ).credentials;
  const sender = await connect(mqttPort, await device('Sender'));
  const receiver = await connect(mqttPort, await device('Receiver'));

  const heard: Record<'once' | 'some', number[]> = { once: [], some: [] };
  receiver.on('message', (topic, payload) =>
    heard[topic === 'home/once' ? 'once' : 'some'].push(Number(payload)),
  );
  await receiver.subscribeAsync({ 'home/once': { qos: 2 }, 'home/some': { qos: 1 } });

  let next = 0;
  const acknowledged: number[] = [];
  const send = async () => {
    while (next < MESSAGES) {
      const number = next++;
      await sender.publishAsync('home/once', String(number), { qos: 2 });
      await sender.publishAsync('home/some', String(number), { qos: 1 });
      acknowledged.push(number);
    }
  };
  const sending = Promise.all(Array.from({ length: UNDER_WAY }, send));
  const forgetful = await device('Forgetful');
  /** Says one message of QoS 2, once more each time, as one does who never got PUBREC. */
  const say = async (first: number) => {
    const client = await connectRaw(running, forgetful);
    client.send(first, field('home/once'), Buffer.from([0, 7]), Buffer.from(String(MESSAGES)));
    await client.receives(0x50);
    return client;
  };
  await say(0x34);
  for (const kill of KILLS) {
    await eventually('messages', async () => acknowledged.length >= kill, 60_000);
    expect(await running.end('SIGKILL')).toBeNull();
    running = await start(ports);
    await say(0x3c);
  }
  await sending;

  const all = Array.from({ length: MESSAGES }, (_, number) => number);
  const inOrder = (numbers: Iterable<number>) => [...numbers].sort((one, other) => one - other);
  // What comes twice would come before the last one of each.
  await eventually(
    'the last messages',
    async () => {
      const [once, some] = [new Set(heard.once), new Set(heard.some)];
      return once.size === MESSAGES + 1 && some.size === MESSAGES;
    },
    60_000,
  );
  expect(inOrder(heard.once)).toEqual([...all, MESSAGES]);
  expect(inOrder(new Set(heard.some))).toEqual(all);
}, 300_000);
