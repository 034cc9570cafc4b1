import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createBifrostClient, type DeviceEvent, type StreamPosition } from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { eventually } from '../integration/http/server-under-test.ts';
import { createDeviceCore } from '../support/core.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from '../support/world.ts';

const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-programs-'));
const children: ChildProcess[] = [];
let server: TestServer;
let world: World;
let files = 0;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

const newDevice = () => createDevice(server, world.alice.token, world.alice.network.id, `Device ${++files}`);

function credentialsFile(credentials: DeviceCredentials): string {
  const file = join(directory, `${++files}.json`);
  writeFileSync(file, JSON.stringify(credentials));
  return file;
}

const program = fileURLToPath(new URL('../../build/yggdrasil.js', import.meta.url));

/** A command of the built program, what it wrote, and how it ended. */
function start(command: string, args: readonly string[]) {
  const child = spawn(process.execPath, [program, command, ...args], { stdio: 'pipe' });
  children.push(child);
  let output = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part: Buffer) => {
      output += part.toString();
      for (const watcher of watchers) watcher();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const wrote = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (pattern.test(output)) resolve();
      };
      watchers.add(look);
      look();
      ended.then(() => reject(new Error(`ended without ${pattern}: ${output}`)));
    });
  return { child, ended, wrote, output: () => output };
}

const virtualDevice = (credentials: DeviceCredentials, ...args: string[]) =>
  start('virtual-device', ['--credentials', credentialsFile(credentials), '--mqtt', server.mqttUrl, ...args]);

const clientOf = (credentials: DeviceCredentials) =>
  createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );

describe('an option that is a URL', () => {
  it.each([
    ['virtual-device', ['--mqtt', '127.0.0.1:1883'], 'mqtt:// or mqtts://'],
    ['provider', ['--server', 'ftp://127.0.0.1:8080'], 'ws:// or wss://'],
    ['provider', ['--server', 'ws://127.0.0.1:8080/bifrost'], '/ratatoskr, not /bifrost'],
    ['provider', ['--endpoint', 'localhost'], 'http:// or https://'],
  ])('of the %s is refused with a scheme that it can not use', async (name, args, message) => {
    const wrong = start(name, args);
    expect(await wrong.ended).toBe(2);
    expect(wrong.output()).toContain(message);
  });
});

describe('the virtual device', () => {
  it('is read and commanded by a client of its network', async () => {
    const [device, browser] = [await newDevice(), await newDevice()];
    const client = clientOf(browser);
    await client.connect();
    const readings: DeviceEvent[] = [];
    const three = new Promise<void>((resolve) => {
      client.on('event', (event) => {
        if (event.frame.sourceId === device.deviceId && readings.push(event) === 3) resolve();
      });
    });
    const program = virtualDevice(device, '--interval-ms', '50');
    await three;
    expect(readings[0]).toMatchObject({ name: 'sensor.temperature', value: 20.5, unit: 'celsius' });
    const result = await client.command(device.deviceId, 'led.set', { on: true });
    expect(result).toEqual({ error: null, values: { on: true } });
    const refused = await client.command(device.deviceId, 'led.set', { on: 'yes' });
    expect(refused.error?.code).toBe('command_argument_wrong');
    const unknown = await client.command(device.deviceId, 'door.open');
    expect(unknown.error?.code).toBe('command_unknown');
    client.close();
    program.child.kill('SIGTERM');
    expect(await program.ended).toBe(0);
  });

  it('runs a script that was written, signed, deployed and called by the program', async () => {
    const [device, commander] = [await newDevice(), await newDevice()];
    const [folder, key] = [join(directory, 'blink'), join(directory, 'owner.pem')];
    const script = async (...args: string[]) => {
      const program = start('script', args);
      expect([program.output(), await program.ended]).toEqual(['', 0]);
      return program.output();
    };
    await script('new', folder, '--example', 'led');
    const signed = await script('sign', folder, '--key', key, '--new-key');
    const ownerKey = /^key (.*)$/m.exec(signed)?.[1] ?? '';
    virtualDevice(device, '--interval-ms', '60000', '--script-key', ownerKey);
    const to = ['--credentials', credentialsFile(commander), '--server', server.webSocketUrl];
    to.push('--to', device.deviceId);
    expect(await script('deploy', join(folder, 'build/blink.ygs'), ...to)).toContain('blink 1 runs');
    expect(await script('call', 'blink', ...to, '--argument', 'on=true')).toBe('{"on":1}\n');
    expect(await script('list', ...to)).toMatch(/^blink 1 running, \d+ calls, 256 bytes of memory$/m);
    const client = clientOf(await newDevice());
    onTestFinished(() => client.close());
    await client.connect();
    const ask = (name: string, args = {}) => client.command(device.deviceId, name, args);
    expect(await ask('led.get')).toEqual({ error: null, values: { on: true } });
    expect(await ask('script.stop', { name: 'blink' })).toEqual({
      error: null,
      values: { state: 'stopped' },
    });
    expect((await ask('Script_blink')).error?.code).toBe('script_not_running');
    expect((await ask('GetCapabilities')).values.commands).toContain('Script_blink');
    expect(await ask('GetChildrenStatus')).toEqual({ error: null, values: { count: 0 } });
    expect(await script('remove', 'blink', ...to)).toBe('blink removed\n');
    expect((await ask('ListScripts')).values).toEqual({ count: 0 });
  });

  it('is updated by a release that the program signed, uploaded and rolled out', async () => {
    const device = await newDevice();
    const path = (name: string) => join(directory, name);
    const run = async (command: string, ...args: string[]) => {
      const program = start(command, args);
      expect([program.output(), await program.ended]).toEqual(['', 0]);
      return program.output();
    };
    const asking = ['--server', server.httpUrl, '--token', world.alice.token];
    const key = (await run('release', 'keygen', path('release.pem'))).replace(/^key (.*)\n$/, '$1');
    const updated = virtualDevice(device, '--interval-ms', '60000', '--release-key', key);
    writeFileSync(path('image.bin'), 'an image');
    const what = [
      '--name',
      'lamp',
      '--release-version',
      '2',
      '--target',
      'virtual',
      '--out',
      path('lamp.ygr'),
    ];
    await run('release', 'sign', path('image.bin'), '--key', path('release.pem'), ...what);
    await run('release', 'allow', key, ...asking);
    const id = /^release (.*)$/m.exec(await run('release', 'upload', path('lamp.ygr'), ...asking))?.[1] ?? '';
    expect(await run('release', 'list', ...asking)).toMatch(
      new RegExp(`^lamp +2 +firmware +virtual +8 +${id}$`, 'm'),
    );
    const to = ['--device', device.deviceId, '--follow', '--json'];
    const steps = (await run('rollout', 'start', id, ...to, ...asking)).trim().split('\n');
    const last = JSON.parse(steps.at(-1) ?? '') as { id: string; state: string };
    expect(last).toMatchObject({ state: 'completed', counts: { updated: 1 } });
    await updated.wrote(/update: confirmed/);
    expect(await run('rollout', 'status', last.id, ...asking)).toBe(`${last.id} completed: 1 updated\n`);
  });

  it('ends with exit code 0 when the last reading is stored', async () => {
    const program = virtualDevice(await newDevice(), '--interval-ms', '20', '--count', '3');
    expect(await program.ended).toBe(0);
    expect(program.output().match(/sensor\.temperature/g)).toHaveLength(3);
  });

  it('measures and ends although nobody reads what it says', async () => {
    const codeFile = join(directory, `${++files}.code`);
    const words = [program, 'virtual-device', '--credentials', credentialsFile(await newDevice())];
    // The pipe is full before it begins.
    const script = `{ head -c 65536 /dev/zero; "$0" "$@"; echo $? > ${codeFile}; } | sleep 60`;
    const options = ['--mqtt', server.mqttUrl, '--interval-ms', '20', '--count', '3'];
    const child = spawn('sh', ['-c', script, process.execPath, ...words, ...options], {
      stdio: 'ignore',
      detached: true,
    });
    onTestFinished(() => void process.kill(-(child.pid as number), 'SIGKILL'));
    expect(
      await eventually(
        'its end',
        () => (existsSync(codeFile) && readFileSync(codeFile, 'utf8')) || null,
        20_000,
      ),
    ).toBe('0\n');
  }, 30_000);

  it('carries out a command that was given while it was away', async () => {
    const [device, browser] = [await newDevice(), await newDevice()];
    const client = clientOf(browser);
    await client.connect();
    const result = client.command(device.deviceId, 'led.get', {}, { timeoutMs: 20_000 });
    const program = virtualDevice(device);
    expect(await result).toEqual({ error: null, values: { on: false } });
    program.child.kill('SIGTERM');
    await program.ended;
    client.close();
  });

  it.each([
    ['a wrong token', { token: 'ygd_wrong' }],
    ['an unknown device', { deviceId: '00000000-0000-4000-8000-000000000001' }],
  ])('says so and ends with exit code 1 with %s', async (_what, change) => {
    const program = virtualDevice({ ...(await newDevice()), ...change });
    expect(await program.ended).toBe(1);
    expect(program.output()).toContain('the broker refuses these credentials');
  });
});

describe('the provider', () => {
  const provider = (credentials: DeviceCredentials, endpoint: string) =>
    start('provider', [
      ...['--credentials', credentialsFile(credentials), '--server', `${server.webSocketUrl}/ratatoskr`],
      ...['--endpoint', endpoint, '--model', 'm', '--price-cents', '1'],
    ]);

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends with exit code 0 at %s while its endpoint does not answer',
    async (signal) => {
      const silent = createServer();
      const asked = once(silent, 'request');
      silent.listen(0, '127.0.0.1');
      await once(silent, 'listening');
      const { port } = silent.address() as AddressInfo;
      const program = provider(await newDevice(), `http://127.0.0.1:${port}/v1`);
      await asked;
      program.child.kill(signal);
      expect(await program.ended).toBe(0);
      expect(program.output()).toBe('');
      silent.close();
    },
  );
});

describe('the client and the server', () => {
  it('go on where an earlier run stopped: nothing stored is lost, nothing comes twice', async () => {
    const receiving = await newDevice();
    const sender = clientOf(await newDevice());
    const values: unknown[] = [];
    const receiveUpTo = async (last: number, resume: StreamPosition | null) => {
      const receiver = createBifrostClient(
        {
          url: `${server.webSocketUrl}/bifrost`,
          credentials: receiving,
          ...(resume === null ? {} : { resume }),
        },
        { core: createDeviceCore(), openSocket: openNodeSocket },
      );
      const complete = new Promise<void>((resolve) => {
        receiver.on('event', ({ name, value }) => {
          if (name === 'n' && values.push(value) && value === last) resolve();
        });
      });
      await receiver.connect();
      expect(receiver.recovered).toBe(true);
      return { receiver, complete };
    };
    await sender.connect();
    const first = await receiveUpTo(4, null);
    for (let value = 0; value < 5; value++) await sender.publish({ name: 'n', value, unit: '' });
    await first.complete;
    const { position } = first.receiver;
    first.receiver.close();
    for (let value = 5; value < 10; value++) await sender.publish({ name: 'n', value, unit: '' });
    const second = await receiveUpTo(9, position);
    await second.complete;
    expect(values).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    second.receiver.close();
    sender.close();
  });

  it('refuse a wrong token before the session', async () => {
    const client = clientOf({ ...(await newDevice()), token: 'ygd_wrong' });
    await expect(client.connect()).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('refuse a wrong signing key', async () => {
    const wrong = Buffer.alloc(32, 1).toString('base64url');
    const client = clientOf({ ...(await newDevice()), signingKey: wrong });
    await expect(client.connect()).rejects.toMatchObject({ code: 'frame_signature_wrong' });
    expect(client.droppedFrames).toBeGreaterThan(0);
  });

  it('let the newer session of a device replace the older one, which stays away', async () => {
    const credentials = await newDevice();
    const older = clientOf(credentials);
    await older.connect();
    const replaced = new Promise<string | undefined>((resolve) => {
      older.on('close', ({ refusal }) => resolve(refusal?.code));
    });
    const newer = clientOf(credentials);
    await newer.connect();
    expect(await replaced).toBe('session_replaced');
    expect(older.state).toBe('closed');
    expect(newer.state).toBe('open');
    newer.close();
  });

  it('refuse a command to a device of another network as to one that does not exist', async () => {
    const client = clientOf(await newDevice());
    await client.connect();
    const foreign = client.command(world.bob.device.deviceId, 'led.get');
    await expect(foreign).rejects.toMatchObject({ code: 'frame_destination_unknown' });
    client.close();
  });
});
