import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../integration/http/server-under-test.ts';
import { requireDebianPackage } from '../../support/apt.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from '../../support/world.ts';

const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-examples-'));
let server: TestServer;
let world: World;

beforeAll(async () => {
  await requireDebianPackage('/usr/lib/python3/dist-packages/paho/mqtt/client.py', 'python3-paho-mqtt');
  await requireDebianPackage('g++', 'g++');
  server = await startTestServer();
  world = await createWorld(server);
}, 300_000);
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** A program with its output, which ends with its test. */
function run(command: string, parameters: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(command, parameters, { env: { ...process.env, ...environment } });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      said.text += data.toString();
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number);
  return { said, ended };
}

async function example(name: string, ...more: string[]) {
  const device = await createDevice(server, world.alice.token, world.alice.network.id, name);
  const file = join(directory, `${device.deviceId}.json`);
  writeFileSync(file, JSON.stringify(device));
  const { hostname, port } = new URL(server.mqttUrl);
  const script = `device/examples/mqtt/${name}.py`;
  const options = ['--credentials', file, '--host', hostname, '--port', port, '--interval', '0.02', ...more];
  return { device, ...run('/usr/bin/python3', [script, ...options]) };
}

interface Reading {
  readonly name: string;
  readonly value: unknown;
  readonly unit: string;
}

const readingsOf = async ({ deviceId }: DeviceCredentials): Promise<readonly Reading[]> =>
  (await server.get<{ items: readonly Reading[] }>(`/api/v1/devices/${deviceId}/readings`, world.alice.token))
    .items;

it('the plain device in Python is read, switched, and refuses what it does not understand', async () => {
  const { device, said } = await example('plain_device');
  await eventually(`a reading: ${said.text}`, () => said.text.includes('temperature'));
  await eventually('its readings', async () => {
    const names = (await readingsOf(device)).map(({ name, unit }) => `${name} ${unit}`);
    return names.includes('temperature celsius') && names.includes('online ');
  });
  const command = (on: unknown) =>
    server.request('POST', `/api/v1/devices/${device.deviceId}/commands`, {
      token: world.alice.token,
      body: { name: 'led.set', arguments: { on } },
    });
  expect(JSON.stringify((await command(true)).body)).toContain('"on":true');
  expect(JSON.stringify((await command('maybe')).body)).toContain('command_argument_wrong');
  expect(await readingsOf(device)).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: 'led', value: true })]),
  );
});

it('the signing device in Python is taken at its signature', async () => {
  const { device, said, ended } = await example('signed_device', '--count', '3');
  expect(await ended, said.text).toBe(0);
  expect(await readingsOf(device)).toMatchObject([
    { name: 'sensor.temperature', value: expect.any(Number), unit: 'celsius' },
  ]);
  // Its capabilities would be frames of others: none that it got had a wrong signature.
  expect(said.text).not.toContain('None');
});

it('either ends with a reason where its token is wrong', async () => {
  for (const name of ['plain_device', 'signed_device']) {
    const device = await createDevice(server, world.alice.token, world.alice.network.id, `Wrong ${name}`);
    const file = join(directory, `${device.deviceId}.json`);
    writeFileSync(file, JSON.stringify({ ...device, token: 'wrong' }));
    const { port } = new URL(server.mqttUrl);
    const script = `device/examples/mqtt/${name}.py`;
    const { said, ended } = run('/usr/bin/python3', [script, '--credentials', file, '--port', port]);
    expect(await ended).toBe(1);
    expect(said.text).toContain('the server refuses the connection');
  }
});

it('what the sketch says is what the server takes', async () => {
  const source = join(directory, 'lamp.cpp');
  writeFileSync(
    source,
    `#include "${process.cwd()}/device/examples/mqtt/plain_device/lamp.h"
#include <string>
int main() {
  char topic[lamp::TOPIC_BYTES], text[lamp::TEXT_BYTES];
  puts(lamp::CAPABILITIES);
  lamp::topicOf(topic, "00000000-0000-0000-0000-000000000000", "readings/temperature"); puts(topic);
  lamp::reading(text, lamp::celsiusOf(715), "celsius"); puts(text);
  lamp::reading(text, 0.0f / 0.0f, "celsius"); puts(text);
  lamp::result(text, "Fq3", true); puts(text);
  lamp::refusal(text, "Fq3"); puts(text);
  puts(lamp::result(text, std::string(300, 'x').c_str(), true) ? "sent" : "no room");
}`,
  );
  const program = join(directory, 'lamp');
  const compiled = run('g++', ['-std=c++11', '-Wall', '-Wextra', '-Werror', '-o', program, source]);
  expect(await compiled.ended, compiled.said.text).toBe(0);
  const { said, ended } = run(program, []);
  expect(await ended).toBe(0);
  const [capabilities = '', topic, reading = '', broken, result = '', refusal = '', large] =
    said.text.split('\n');
  expect(JSON.parse(capabilities)).toMatchObject({ commands: ['led.set'] });
  expect(topic).toBe('devices/00000000-0000-0000-0000-000000000000/readings/temperature');
  expect([JSON.parse(reading), broken]).toEqual([{ value: 21.5, unit: 'celsius' }, 'null']);
  expect(JSON.parse(result)).toEqual({ id: 'Fq3', values: { on: true } });
  expect(JSON.parse(refusal)).toMatchObject({ error: { code: 'command_argument_wrong' } });
  expect(large).toBe('no room');
});

it('a fleet of plain devices measures, and is registered once', async () => {
  const fleet = join(directory, 'fleet');
  const fly = async () => {
    const { said, ended } = run(
      'node',
      [
        ...['--import', 'tsx', 'server/yggdrasil.ts', 'fleet', '--network', world.alice.network.id],
        ...['--mqtt', server.mqttUrl, '--dir', fleet, '--devices', '20', '--interval-ms', '100'],
        ...['--count', '2', '--json', '--server', server.httpUrl],
      ],
      { YGGDRASIL_TOKEN: world.alice.token },
    );
    expect(await ended, said.text).toBe(0);
    expect(said.text).not.toContain('Warning');
    const lines = said.text.trim().split('\n');
    return JSON.parse(lines.at(-1) ?? '{}') as Record<string, number>;
  };
  expect(await fly()).toMatchObject({ readings: 40, lost: 0 });
  const files = readdirSync(fleet);
  const kept = () => files.map((file) => readFileSync(join(fleet, file), 'utf8'));
  const before = kept();
  expect(await fly()).toMatchObject({ readings: 40, lost: 0 });
  expect([files.length, readdirSync(fleet).length, kept()]).toEqual([20, 20, before]);
}, 120_000);
