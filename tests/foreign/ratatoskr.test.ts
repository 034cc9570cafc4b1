import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RatatoskrType } from '../../proto/index.ts';
import { findSignatureProblem } from '../../proto/ratatoskr/index.ts';
import { ed25519 } from '../../server/platform/secrets/index.ts';
import { PUZZLE_FROM } from '../../server/transports/ratatoskr/limits.ts';
import { openRawSession, sessionUrl } from '../support/ratatoskr.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';
import { installPython, pythonEnvironment, VENV } from './ratatoskr-python.ts';

let server: TestServer;
let world: World;
let serverKey: string;

/** Called when a client says that it waits. */
let hear = () => {};

/** What the client says of these requests: a line for each, and behind them what it wrote when it failed. */
async function ask(requests: readonly unknown[], options: readonly string[]): Promise<string[]> {
  const child = spawn(
    join(VENV, 'bin', 'python'),
    ['tests/foreign/ratatoskr/client.py', '--url', sessionUrl(server), ...options],
    { env: pythonEnvironment(), stdio: 'pipe' },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('"waits"')) hear();
    });
  }
  const closed = new Promise((done) => child.once('close', done));
  child.stdin.end(requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
  await closed;
  return output.trim().split('\n');
}

const bodyOf = (line: string | undefined) =>
  JSON.parse((JSON.parse(line ?? '{}') as { body?: string }).body ?? 'null') as unknown;

beforeAll(async () => {
  await installPython();
  server = await startTestServer({ YGGDRASIL_RATATOSKR_ENCRYPTION: 'declinable' });
  world = await createWorld(server);
  const { ratatoskr } = await server.get<{ ratatoskr: { publicKeys: string[] } }>('/api/v1/server');
  serverKey = ratatoskr.publicKeys[0] ?? '';
});
afterAll(() => server?.stop());

describe('a client in Python, on libraries of others', () => {
  it.each(['IK', 'XX'])('is answered as over REST, by %s', async (pattern) => {
    const options = [
      '--token',
      world.alice.token,
      ...(pattern === 'IK' ? [`--server-key=${serverKey}`] : []),
    ];
    const [devices, late, balance, models, refused, long, description] = await ask(
      [
        { operation: 'devices.list', input: { query: { limit: 5 } } },
        { operation: 'devices.list', lateMs: 400_000 },
        { operation: 'ledger.balance.get' },
        { operation: 'openai.models.list' },
        { operation: 'networks.paint' },
        { operation: 'networks.create', input: { body: { name: 'x'.repeat(100_000) } } },
        { operation: 'documentation.openapi' },
      ],
      options,
    );
    expect(bodyOf(devices)).toEqual(await server.get('/api/v1/devices?limit=5', world.alice.token));
    expect(bodyOf(late)).toMatchObject({ error: { code: 'ratatoskr_clock_wrong' } });
    expect(bodyOf(balance)).toEqual(await server.get('/api/v1/ledger/balance', world.alice.token));
    expect(bodyOf(models)).toEqual(await server.get('/v1/models', world.alice.token));
    expect(bodyOf(refused)).toMatchObject({ error: { code: 'operation_not_found' } });
    expect(bodyOf(long)).toMatchObject({ error: { code: 'invalid_input' } });
    expect(bodyOf(description)).toEqual(await server.get('/openapi.json'));
  });

  it('declines encryption, with a server that does so too, and is answered the same', async () => {
    const list = { operation: 'devices.list', input: { query: { limit: 5 } } };
    const options = ['--token', world.alice.token, '--server-key', serverKey];
    const [clear, encrypted] = await Promise.all([
      ask([list, list], [...options, '--clear']),
      ask([list], options),
    ]);
    const isClear = [...clear, ...encrypted].map((line) => (JSON.parse(line) as { clear: boolean }).clear);
    expect(isClear).toEqual([true, true, false]);
    expect(bodyOf(clear[1])).toEqual(bodyOf(encrypted[0]));
  });

  it('is ended when it repeats, leaves out or changes a message', async () => {
    const options = ['--token', world.alice.token, `--server-key=${serverKey}`];
    for (const [how, closed] of [
      ['replay', '4400 ratatoskr_sequence_wrong'],
      ['gap', '4400 ratatoskr_sequence_wrong'],
      ['flip', '4400 ratatoskr_signature_wrong'],
    ]) {
      const [line] = await ask([{ misbehave: how }], options);
      expect(JSON.parse(line ?? '')).toEqual({ closed });
    }
  });

  it('is ended when a message is larger than its type may be', async () => {
    const options = ['--token', world.alice.token, `--server-key=${serverKey}`];
    const [line] = await ask([{ misbehave: 'large' }], options);
    expect(JSON.parse(line ?? '')).toEqual({ closed: '4413 too_large' });
  });

  it('takes back a request whose answer has begun, and asks for the next one', async () => {
    const options = ['--token', world.alice.token, `--server-key=${serverKey}`];
    const [cancelled, next] = await ask(
      [{ cancel: 'documentation.openapi' }, { operation: 'networks.list' }],
      options,
    );
    expect(JSON.parse(cancelled ?? '')).toEqual({ broken: true });
    expect(JSON.parse(next ?? '')).toMatchObject({ status: 200 });
  });

  it('is ended when its token is revoked', async () => {
    const { alice } = world;
    const made = await server.post<{ token: { id: string }; secret: string }>(
      '/api/v1/users/me/tokens',
      { name: 'Soon gone' },
      alice.token,
    );
    const begun = new Promise<void>((resolve) => {
      hear = resolve;
    });
    const said = ask([{ misbehave: 'wait' }], ['--token', made.secret, `--server-key=${serverKey}`]);
    await begun;
    await server.request('DELETE', `/api/v1/users/me/tokens/${made.token.id}`, {
      token: alice.token,
      expect: 200,
    });
    expect((await said).map((line) => JSON.parse(line))).toEqual([
      { waits: true },
      { closed: '4401 unauthenticated' },
    ]);
  });

  it('solves a puzzle where many sessions were begun and left', async () => {
    for (let begun = 0; begun < PUZZLE_FROM; begun++) {
      const stranger = await openRawSession(server, null);
      stranger.send(RatatoskrType.DISCONNECT);
    }
    const [line] = await ask([{ operation: 'networks.list' }], ['--token', world.alice.token]);
    expect(JSON.parse(line ?? '')).toMatchObject({ status: 200 });
  });

  it('is not let in with the token of a device that has opened a session with another key', async () => {
    const options = ['--token', world.alice.device.token, `--server-key=${serverKey}`];
    const [line] = await ask([{ operation: 'devices.getSelf' }], options);
    expect(JSON.parse(line ?? '')).toMatchObject({ clear: false });
    expect(await ask([], options)).toEqual(['device_key_wrong']);
  });

  it('goes on in another session without its token', async () => {
    const list = { operation: 'devices.list', input: { query: { limit: 5 } } };
    const options = ['--token', world.alice.token, `--server-key=${serverKey}`];
    const [before, after] = await ask([list, { resume: true }, list], options);
    expect(bodyOf(before)).toMatchObject({ items: expect.any(Array) });
    expect(bodyOf(after)).toEqual(bodyOf(before));
  });

  it('is a provider', { timeout: 60_000 }, async () => {
    const { alice, bob } = world;
    const said = ask([{ provide: 'python' }], ['--token', bob.device.token, `--server-key=${serverKey}`]);
    const isOffered = async () =>
      (await server.get<{ data: { id: string }[] }>('/v1/models', alice.token)).data.length > 0;
    await expect.poll(isOffered, { timeout: 30_000 }).toBe(true);
    const messages = [{ role: 'user', content: `Hello?${' '.repeat(100_000)}` }];
    const answer = await server.request('POST', '/v1/chat/completions', {
      token: alice.token,
      body: { model: 'python', messages, max_tokens: 50 },
    });
    expect(answer.body).toMatchObject({
      choices: [{ message: { content: expect.stringMatching(/^You asked: Hello\?/) } }],
    });
    expect((await said).map((line) => JSON.parse(line))).toEqual([
      { offered: 'python' },
      { status: 204, signs: true },
    ]);
    const requestId = (answer.body as { id: string }).id.replace('chatcmpl-', '');
    const { items } = await server.get<{ items: { content: string }[] }>(
      `/api/v1/audit/messages/${requestId}`,
      bob.token,
    );
    const content = items[0]?.content ?? '{}';
    expect(JSON.parse(content).signed).toMatchObject({ publicKey: expect.any(String) });
    expect(findSignatureProblem(content, ed25519.isSignedBy)).toBeNull();
  });

  it('is told why it is not let in', async () => {
    expect(await ask([], ['--token', 'ygu_wrong', `--server-key=${serverKey}`])).toEqual(['unauthenticated']);
  });
});
