import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { PUZZLES_FEATURE, RatatoskrSession } from '../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto } from '../../proto/ratatoskr/node.ts';
import { OPENING_MAX } from '../../server/transports/ratatoskr/limits.ts';
import { createDeviceCore } from '../support/core.ts';
import { call } from '../support/crash/household.ts';
import { openClient, sessionUrl } from '../support/ratatoskr.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const HANDSHAKES = 10_000;
/** More than there are places, so that each could have one. */
const ADDRESSES = 2_000;
/** Of the strangers, so many come at the same time. */
const WAVE = 500;

const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-half-open-'));
let server: ServerProcess;
let token: string;
let serverKey: string;

beforeAll(async () => {
  // The database's user must pass.
  chmodSync(folder, 0o711);
  server = await startServerProcess({ YGGDRASIL_DATA_DIR: join(folder, 'data') });
  const setUp = { code: server.setupCode, name: 'Operator' };
  ({ token } = await call<{ token: string }>(server, 'POST', '/api/v1/setup', { body: setUp }));
  const { ratatoskr } = await call<{ ratatoskr: { publicKeys: string[] } }>(server, 'GET', '/api/v1/server');
  serverKey = ratatoskr.publicKeys[0] ?? '';
});
afterAll(async () => {
  await server?.end('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

/** WebSockets that the server has, as it says itself. */
async function openSockets(): Promise<number> {
  const answer = await fetch(`${server.httpUrl}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  return Number(/^yggdrasil_websocket_connections (\d+)/m.exec(await answer.text())?.[1]);
}

/** A stranger's first message, for which the server agrees on keys or asks for a puzzle, and nothing after it. */
function firstMessage(): Uint8Array {
  const { first } = RatatoskrSession.begin(
    {
      staticKey: nodeNoiseCrypto.generateKeyPair(),
      serverKey: Buffer.from(serverKey, 'base64url'),
      features: PUZZLES_FEATURE,
    },
    { crypto: nodeNoiseCrypto, signer: createDeviceCore() },
  );
  return first;
}

interface Stranger {
  readonly socket: WebSocket;
  /** Answered: the server has keys or a puzzle for it now, and waits. */
  readonly isHalfOpen: Promise<boolean>;
}

function stranger(number: number, first: Uint8Array): Stranger {
  const index = number % ADDRESSES;
  const localAddress = `127.1.${index >> 8}.${index & 255}`;
  const socket = new WebSocket(sessionUrl(server), ['ratatoskr.v1'], { localAddress });
  const isHalfOpen = new Promise<boolean>((resolve) => {
    socket.on('message', () => resolve(true));
    socket.on('close', () => resolve(false));
    socket.on('error', () => resolve(false));
  });
  socket.on('open', () => socket.send(first));
  return { socket, isHalfOpen };
}

/** So many half-open handshakes; how many were answered, and the most sockets that the server had. */
async function flood(count: number, first: Uint8Array) {
  const strangers: Stranger[] = [];
  let halfOpen = 0;
  let socketsMax = 0;
  while (strangers.length < count) {
    const size = Math.min(WAVE, count - strangers.length);
    const wave = Array.from({ length: size }, (_, index) => stranger(strangers.length + index, first));
    strangers.push(...wave);
    const client = openClient(server, { credentials: { token }, serverKey });
    const [answered, sockets] = await Promise.all([
      Promise.all(wave.map(({ isHalfOpen }) => isHalfOpen)),
      openSockets(),
      client.request('networks.list'),
    ]);
    client.close();
    halfOpen += answered.filter(Boolean).length;
    socketsMax = Math.max(socketsMax, sockets, await openSockets());
  }
  for (const { socket } of strangers) socket.terminate();
  await expect.poll(openSockets, { timeout: 30_000, interval: 100 }).toBe(0);
  return { halfOpen, socketsMax };
}

it('ten thousand half-open handshakes take a bounded number of places, keep no client out and are all gone afterwards', {
  timeout: 300_000,
}, async () => {
  const first = firstMessage();
  const { halfOpen, socketsMax } = await flood(HANDSHAKES, first);
  expect(halfOpen).toBeGreaterThan(HANDSHAKES / 2);
  // A wave that was refused may not have left yet.
  expect(socketsMax).toBeLessThanOrEqual(OPENING_MAX + WAVE + 1);
  expect(socketsMax).toBeGreaterThan(OPENING_MAX / 2);
});
