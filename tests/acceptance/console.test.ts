import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { logIn } from '../../device/console/login.ts';
import {
  ComputeDelta,
  ComputeRequest,
  ComputeResult,
  decodePayload,
  encodePayload,
  RatatoskrType,
} from '../../proto/index.ts';
import { ProviderSocket } from '../support/provider-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { runCommand } from '../support/server-process.ts';
import { createDevice, createWorld, topUp, type World } from '../support/world.ts';
import { connectPlain } from './mqtt/plain-clients.ts';

let server: TestServer;
let world: World;
let provider: ProviderSocket;
let folder: string;
let loginFile: string;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
  await topUp(world, world.alice.userId, 1_000);
  provider = await ProviderSocket.open(server, world.bob.device);
  await provider.offer([{ name: 'slow', priceCents: '100', contextTokens: 4_096 }], 10);
  folder = mkdtempSync(join(tmpdir(), 'yggdrasil-console-'));
  loginFile = join(folder, 'settings', 'login.json');
  await signIn();
});
afterAll(async () => {
  provider.close();
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});

/** Signs Alice's command line in, as the program does it, but without its waiting. */
async function signIn(): Promise<void> {
  process.env.YGGDRASIL_LOGIN_FILE = loginFile;
  const said: string[] = [];
  const write = process.stdout.write;
  process.stdout.write = (text: string | Uint8Array) => said.push(String(text)) > 0;
  let asked = 0;
  const pause = async () => {
    const { userCode } = JSON.parse(said[0] ?? '{}') as { userCode: string };
    // The first time nobody has let it in.
    if (asked++ === 0) return;
    const body = { userCode, allow: true };
    await server.request('POST', '/api/v1/oauth/requests/decide', {
      body,
      token: world.alice.token,
      expect: 200,
    });
  };
  try {
    await logIn({ server: server.httpUrl, json: true }, { pause });
  } finally {
    process.stdout.write = write;
    delete process.env.YGGDRASIL_LOGIN_FILE;
  }
  expect(asked).toBe(2);
  expect(JSON.parse(said[1] ?? '{}')).toMatchObject({ server: server.httpUrl, userId: world.alice.userId });
}

/** Runs a command of who is signed in. */
const run = (line: string, environment: Record<string, string> = {}) => {
  const [command = '', ...words] = line.split(' ');
  return runCommand(command, {
    arguments: words,
    environment: { YGGDRASIL_LOGIN_FILE: loginFile, ...environment },
  });
};
const rowsOf = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Answers the next request with these pieces, and ends it where `isWhole`. */
async function answerNext(pieces: readonly string[], isWhole = true): Promise<void> {
  const request = await provider
    .next(RatatoskrType.COMPUTE_REQUEST)
    .catch(() => provider.next(RatatoskrType.COMPUTE_REQUEST));
  const { requestId } = decodePayload(ComputeRequest, request.payload);
  for (const [index, content] of pieces.entries()) {
    const fields = new TextEncoder().encode(JSON.stringify({ content }));
    provider.send(RatatoskrType.COMPUTE_DELTA, encodePayload(ComputeDelta, { requestId, index, fields }));
  }
  if (!isWhole) return;
  const result = encodePayload(ComputeResult, {
    requestId,
    finishReason: 'stop',
  });
  provider.send(RatatoskrType.COMPUTE_RESULT, result);
}

describe('yggdrasil login', () => {
  it('keeps the credential for its owner alone, and is the account in every command', async () => {
    expect(statSync(loginFile).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'settings')).mode & 0o777).toBe(0o700);
    const { tokens } = JSON.parse(readFileSync(loginFile, 'utf8')) as { tokens: Record<string, string> };
    expect(Object.keys(tokens)).toEqual([server.httpUrl]);
    const [listed, other] = await Promise.all([
      run('devices list --json'),
      run('devices list --json', { YGGDRASIL_TOKEN: world.bob.token }),
    ]);
    expect(rowsOf(listed.stdout).map(({ id }) => id)).toEqual([world.alice.device.deviceId]);
    expect(rowsOf(other.stdout).map(({ id }) => id)).toEqual([world.bob.device.deviceId]);
  });

  it('gives its token to no other server, and refuses a file that others can read', async () => {
    const open = join(folder, 'open.json');
    writeFileSync(open, readFileSync(loginFile), { mode: 0o644 });
    const [elsewhere, readable] = await Promise.all([
      run('models --server http://127.0.0.1:9'),
      run('models', { YGGDRASIL_LOGIN_FILE: open }),
    ]);
    expect(elsewhere).toMatchObject({ code: 2, stdout: '' });
    expect(elsewhere.stderr).toContain('Run "yggdrasil login"');
    expect(readable).toMatchObject({ code: 1, stdout: '' });
    expect(readable.stderr).toContain('can be read by others');
  });
});

describe('devices on the command line', () => {
  it('are listed without colours where no terminal is, and found by id or name', async () => {
    const { token, network } = world.alice;
    const { deviceId } = await createDevice(server, token, network.id, '<b>مصباح</b>');
    const listed = await run('devices list');
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toMatch(/^NAME +STATUS +LAST SEEN +KIND +ID\n/);
    expect(listed.stdout).toContain('<b>مصباح</b>');
    const [shown, none] = await Promise.all([
      run(`devices show --json ${deviceId}`),
      run('devices show nobody'),
    ]);
    expect(rowsOf(shown.stdout)[0]).toMatchObject({ id: deviceId, readings: [] });
    expect(none).toMatchObject({ code: 1, stderr: 'devices: No device is called nobody.\n' });
  });

  it('take commands, measure, come and go', async () => {
    const { device, token, network } = world.alice;
    const lamp = await createDevice(server, token, network.id, 'lamp');
    const plain = await connectPlain(server, lamp);
    const topics = `devices/${lamp.deviceId}`;
    plain.mqtt.on('message', (_, payload) => {
      const { id, arguments: given } = JSON.parse(payload.toString());
      const answer = given.on === true ? { id, values: given } : { id, error: 'off' };
      plain.mqtt.publish(`${topics}/results`, JSON.stringify(answer), { qos: 1 });
    });
    await plain.mqtt.subscribeAsync(`${topics}/commands/#`, { qos: 1 });
    const [sent, refused, away] = await Promise.all([
      run('send LAMP led.set on=true'),
      run('send lamp led.set on=false --json'),
      run(`send ${device.deviceId} led.set on=true --wait 0`),
    ]);
    expect(sent).toMatchObject({ code: 0, stdout: 'on=true\n', stderr: 'done\n' });
    expect(refused).toMatchObject({ code: 1, stderr: '' });
    expect(rowsOf(refused.stdout)[0]).toMatchObject({ result: { error: { message: 'off' } } });
    expect(away).toMatchObject({ code: 0, stdout: '' });
    expect(away.stderr).toContain('the command is kept');

    await plain.mqtt.publishAsync(`${topics}/readings/power`, '{"value":7,"unit":"watt"}', { qos: 1 });
    const [one, all] = await Promise.all([
      run('watch lamp --count 1'),
      run(`watch --network ${network.name} --count 1 --json`),
    ]);
    expect(one.stdout).toMatch(/^\S+Z lamp power 7 watt\n$/);
    expect(rowsOf(all.stdout)[0]).toMatchObject({ kind: 'reading', device: 'lamp', name: 'power', value: 7 });
    expect([one.code, all.code]).toEqual([0, 0]);
  });
});

describe('the market on the command line', () => {
  it('lists models, answers, and says what it cost', async () => {
    const models = await run('models --json');
    expect(rowsOf(models.stdout).map(({ id }) => id)).toEqual(['slow']);
    const [chat] = await Promise.all([run('chat Hello there'), answerNext(['Good ', 'day.'])]);
    expect(chat).toMatchObject({ code: 0, stdout: 'Good day.\n' });
    expect(chat.stderr).toMatch(/^\d+ \+ \d+ tokens, 0\.\d+ EUR\n$/);
    const wordless = await run('chat');
    expect(wordless).toMatchObject({ code: 2, stdout: '' });
  });

  it('stops an answer at Ctrl-C, and says what the rest cost', async () => {
    const child = spawn(process.execPath, ['build/yggdrasil.js', 'chat', '--json', 'Hello?'], {
      env: { PATH: process.env.PATH, YGGDRASIL_LOGIN_FILE: loginFile },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let stdout = '';
    child.stdout.on('data', (data: Buffer) => {
      stdout += data;
    });
    const seen = once(provider.socket, 'message');
    await answerNext(['first '], false);
    await seen;
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    expect(code).toBe(130);
    expect(rowsOf(stdout)[0]).toMatchObject({ isWhole: false, usage: null });
  });

  it('makes a key with limits, lists it without its secret, and revokes it', async () => {
    const made = await run('keys make Notebook --limit-per-day 0.5 --model slow');
    expect(made.code).toBe(0);
    expect(made.stdout).toMatch(/^ygk_\S+\n$/);
    const id = /Key (\S+),/.exec(made.stderr)?.[1] ?? '';
    const [listed, limits] = await Promise.all([run('keys list'), run('keys limits --day 2 --json')]);
    expect(listed.stdout).toMatch(/Notebook +openai\.\* anthropic\.\* slow +0 EUR +- +0\.5 EUR +-/);
    expect(listed.stdout).not.toContain('ygk_');
    expect(rowsOf(limits.stdout)[0]).toMatchObject({ limits: { day: { value: '2' }, month: null } });
    expect(await run(`keys revoke ${id}`)).toMatchObject({ code: 0, stdout: `revoked ${id}\n` });
    const refused = await run('models', { YGGDRASIL_TOKEN: made.stdout.trim() });
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toMatch(/^models: The server refuses: 401 unauthenticated: /);
  });
});

describe('yggdrasil logout', () => {
  it('ends the token, and forgets it', async () => {
    const { tokens } = JSON.parse(readFileSync(loginFile, 'utf8')) as { tokens: Record<string, string> };
    const out = await run(`logout --server ${server.httpUrl} --json`);
    expect(rowsOf(out.stdout)).toEqual([{ server: server.httpUrl, ended: true }]);
    const token = tokens[server.httpUrl] ?? '';
    expect((await server.request('GET', '/api/v1/users/me', { token })).status).toBe(401);
    expect(JSON.parse(readFileSync(loginFile, 'utf8'))).toEqual({ current: null, tokens: {} });
  });
});
