import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { madeUpCredentials } from '../support/bifrost-server.ts';

const program = fileURLToPath(new URL('../../build/yggdrasil.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-frame-'));
const credentials = madeUpCredentials();
const credentialsFile = join(directory, 'device.json');
writeFileSync(credentialsFile, JSON.stringify(credentials));
const OTHER_DEVICE = '00000000-0000-4000-8000-0000000000d2';

afterAll(() => rmSync(directory, { recursive: true }));

function run(args: readonly string[], input: Uint8Array | string = '') {
  const [command = '', ...rest] = args;
  const all = [program, 'frame', command, '--credentials', credentialsFile, ...rest];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { input });
  return { status, stdout, stderr: stderr.toString() };
}

const decoded = (input: Uint8Array | string, ...args: string[]) => {
  const { stdout } = run(['decode', ...args], input);
  return stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
};

describe('frame encode and decode', () => {
  it('make and read a signed reading', () => {
    const args = ['--type', 'event', '--name', 'sensor.temperature', '--number', '21.5', '--unit', 'celsius'];
    const { status, stdout } = run(['encode', ...args]);
    expect(status).toBe(0);
    expect(decoded(stdout)).toEqual([
      expect.objectContaining({
        type: 'event',
        delivery: 'stored',
        sourceId: credentials.deviceId,
        networkId: credentials.networkId,
        destinationId: null,
        payload: expect.objectContaining({ name: 'sensor.temperature', value: 21.5, unit: 'celsius' }),
      }),
    ]);
  });

  it('make and read a command with arguments', () => {
    const values = ['on=true', 'level=40', 'name=kitchen', 'code="40"'].flatMap((value) => [
      '--argument',
      value,
    ]);
    const { stdout } = run([
      'encode',
      '--type',
      'command',
      '--to',
      OTHER_DEVICE,
      '--name',
      'led.set',
      ...values,
    ]);
    // It is for the other device: this one may not read it.
    expect(run(['decode'], stdout)).toMatchObject({ status: 1, stderr: 'frame: frame_destination_wrong\n' });
    const own = run([
      'encode',
      '--type',
      'command',
      '--to',
      credentials.deviceId,
      '--name',
      'led.set',
      ...values,
    ]);
    expect(decoded(own.stdout)[0].payload).toEqual({
      name: 'led.set',
      arguments: { on: true, level: 40, name: 'kitchen', code: '40' },
    });
  });

  it('make and read capabilities, and a payload from a file', () => {
    const args = ['--type', 'capabilities', '--sensor', 'a', '--sensor', 'b', '--command', 'c'];
    expect(decoded(run(['encode', ...args]).stdout)[0].payload).toMatchObject({
      platform: 'mosquitto',
      sensors: ['a', 'b'],
      commands: ['c'],
    });
    const payload = join(directory, 'payload');
    writeFileSync(payload, '');
    expect(decoded(run(['encode', '--type', 'event', '--payload', payload]).stdout)[0].payload.name).toBe('');
  });

  it('read lines of hexadecimal, go on after a wrong one, and end with exit code 1', () => {
    const event = ['encode', '--type', 'event', '--name', 'a', '--text', 'x'];
    const frames = [run(event).stdout, run(event).stdout].map((bytes) => bytes.toString('hex'));
    const tampered = `${frames[0]?.slice(0, -2)}00`;
    const result = run(['decode', '--hex'], [frames[0], tampered, 'nonsense', '', frames[1]].join('\n'));
    expect(result.status).toBe(1);
    const lines = result.stdout.toString().trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).payload.value)).toEqual(['x', 'x']);
    expect(result.stderr).toBe('frame: frame_signature_wrong\nframe: not a line of hexadecimal\n');
    const [first, second] = lines.map((line) => JSON.parse(line).nonce);
    expect(second).toBeGreaterThan(first);
  });

  it.each([
    [['encode', '--type', 'event', '--name', 'a'], 'an event needs one of --number, --boolean, --text'],
    [['encode', '--type', 'event', '--number', '1'], '--name is missing'],
    [['encode', '--type', 'event', '--name', 'a', '--number', 'x'], 'It must be a number.'],
    [['encode', '--type', 'command', '--name', 'a'], '--to is missing'],
    [['encode', '--type', 'command', '--name', 'a', '--to', 'b'], '--to is not a UUID'],
    [['encode', '--type', 'nothing'], 'Allowed choices are'],
    [['decode', '--hexadecimal'], 'unknown option'],
  ])('%j is refused with a message and exit code 2', (args, message) => {
    const { status, stdout, stderr } = run(args);
    expect(status).toBe(2);
    expect(stdout).toHaveLength(0);
    expect(stderr).toContain(message);
  });

  it('refuse bytes that are no frame with a message and exit code 1', () => {
    expect(run(['decode'])).toMatchObject({ status: 1, stderr: 'frame: frame_malformed\n' });
  });

  it('say which file is wrong', () => {
    writeFileSync(join(directory, 'broken.json'), '{}');
    const args = [program, 'frame', 'encode', '--type', 'ping', '--credentials'];
    const missing = spawnSync(process.execPath, [...args, join(directory, 'missing.json')]);
    expect(missing.status).toBe(1);
    expect(missing.stderr.toString()).toContain("missing.json can't be read (ENOENT)");
    const broken = spawnSync(process.execPath, [...args, join(directory, 'broken.json')]);
    expect(broken.stderr.toString()).toContain('broken.json: "deviceId" is missing');
  });
});
