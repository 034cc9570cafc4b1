import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterAll, expect, it } from 'vitest';
import { aclText, passwordLine } from '../../../device/mosquitto/files.ts';
import { eventually } from '../../integration/http/server-under-test.ts';
import { call } from '../../support/crash/household.ts';
import { CRASH_SETTINGS } from '../../support/crash/survive.ts';
import { prepareMosquitto, type RunningMosquitto } from '../../support/mosquitto.ts';
import { type ServerProcess, startServerProcess } from '../../support/server-process.ts';
import type { DeviceCredentials } from '../../support/world.ts';

const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-broker-crash-'));
// Run as root, the database's user must pass through.
chmodSync(directory, 0o711);
let server: ServerProcess | null = null;
let mosquitto: RunningMosquitto | null = null;

afterAll(async () => {
  await server?.end('SIGTERM');
  await mosquitto?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const READINGS = 600;
/** After so many readings the server is killed, and started again. */
const KILLS: readonly number[] = [200, 400];
const PASSWORD = 'one password for all';

async function start(port: number): Promise<ServerProcess> {
  const started = await startServerProcess({
    ...CRASH_SETTINGS,
    YGGDRASIL_DATA_DIR: join(directory, 'data'),
    YGGDRASIL_MQTT_BROKER_URL: `mqtt://yggdrasil:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
  });
  server = started;
  return started;
}

const isConnected = (running: ServerProcess) =>
  eventually(
    'the server at the broker',
    () => running.output().includes('"connected with the broker"'),
    60_000,
  );

it('kill -9 while devices speak at a foreign broker loses nothing that it acknowledged', async () => {
  mosquitto = await prepareMosquitto();
  const { port } = mosquitto;
  let running = await start(port);
  const code = running.setupCode;
  const { token } = await call<{ token: string }>(running, 'POST', '/api/v1/setup', {
    body: { code, name: 'Operator' },
  });
  const network = await call<{ id: string }>(running, 'POST', '/api/v1/networks', {
    token,
    body: { name: 'Home' },
  });
  const { credentials } = await call<{ credentials: DeviceCredentials }>(running, 'POST', '/api/v1/devices', {
    token,
    body: { name: 'Meter', networkId: network.id, worldType: 'jotunheim' },
  });
  const { deviceId } = credentials;
  const lines = ['yggdrasil', deviceId].map((user) => passwordLine(user, PASSWORD));
  writeFileSync(join(mosquitto.directory, 'passwords'), `${lines.join('\n')}\n`);
  const users = [{ deviceId, networkIds: [network.id] }];
  writeFileSync(join(mosquitto.directory, 'acl'), aclText('yggdrasil', users));
  await mosquitto.start();
  await isConnected(running);

  const device = await connectAsync(`mqtt://127.0.0.1:${port}`, { username: deviceId, password: PASSWORD });
  const topic = `networks/${network.id}/devices/${deviceId}/readings/t`;
  const beganAtMs = Date.now() - READINGS;
  for (let value = 0; value < READINGS; value++) {
    await device.publishAsync(topic, JSON.stringify({ value, measuredAt: beganAtMs + value }), { qos: 1 });
    if (!KILLS.includes(value)) continue;
    expect(await running.end('SIGKILL')).toBeNull();
    running = await start(port);
  }
  await device.endAsync();
  await isConnected(running);
  const path = `/api/v1/devices/${deviceId}/readings?name=t&limit=1000`;
  const kept = async () =>
    (await call<{ items: { value: number }[] }>(running, 'GET', path, { token })).items.map(
      ({ value }) => value,
    );
  await eventually('all readings', async () => (await kept()).length >= READINGS, 60_000);
  expect(await kept()).toEqual(Array.from({ length: READINGS }, (_, value) => value));
}, 300_000);
