import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRatatoskr, type RatatoskrClient, readText } from '../../device/client/index.ts';
import { nodeSessions } from '../../device/node/ratatoskr.ts';
import { createDeviceCore } from '../support/core.ts';
import { installPython, pythonEnvironment, VENV } from './ratatoskr-python.ts';

const TOKEN = 'a token of the example';
/** More than goes out before the client gives credit. */
const NUMBERS = 200_000;
const core = createDeviceCore();
const clients: RatatoskrClient[] = [];
let server: ReturnType<typeof spawn>;
let url: string;
let publicKey: string;

beforeAll(async () => {
  await installPython();
  server = spawn(join(VENV, 'bin', 'python'), ['tests/foreign/ratatoskr/server.py', '--token', TOKEN], {
    env: pythonEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(server.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const told = JSON.parse(line.toString()) as { port: number; publicKey: string };
  url = `ws://127.0.0.1:${told.port}/ratatoskr`;
  ({ publicKey } = told);
});
afterAll(() => {
  for (const client of clients) client.close();
  server?.kill();
});

function open(token: string, serverKey?: string): RatatoskrClient {
  const known = serverKey === undefined ? {} : { serverKey };
  const client = connectRatatoskr({ url, credentials: { token }, ...known }, nodeSessions(core));
  clients.push(client as RatatoskrClient);
  return client as RatatoskrClient;
}

describe('the server in Python, on libraries of others', () => {
  it.each(['IK', 'XX'])(
    'answers our client, and streams as far as it gives credit, by %s',
    async (pattern) => {
      const client = open(TOKEN, pattern === 'IK' ? publicKey : undefined);
      expect(await client.request('time.get')).toEqual({ unixSeconds: expect.any(Number) });
      expect(Buffer.from(client.serverKey ?? []).toString('base64url')).toBe(publicKey);
      const answer = await client.open('numbers.count', { query: { count: NUMBERS } });
      const numbers = (await readText(answer)).trim().split('\n');
      expect([numbers.length, numbers.at(-1)]).toEqual([NUMBERS, String(NUMBERS - 1)]);
      await expect(client.request('networks.paint')).rejects.toMatchObject({
        code: 'operation_not_found',
        status: 404,
      });
    },
  );

  it('sends no client away but with the reason', async () => {
    await expect(open('another', publicKey).ready()).rejects.toMatchObject({ code: 'unauthenticated' });
    const wrongKey = Buffer.alloc(32, 9).toString('base64url');
    await expect(open(TOKEN, wrongKey).ready()).rejects.toMatchObject({ code: 'ratatoskr_handshake_failed' });
  });
});
