import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  ComputeCredit,
  ComputeRequest,
  decodePayload,
  encodePayload,
  FRAME_BYTES_MAX,
  FrameType,
  ProviderRegistration,
  RatatoskrType,
} from '../../proto/index.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { deltaPayload } from '../support/compute.ts';
import { type CrashHousehold, createCrashHousehold } from '../support/crash/household.ts';
import { clientOf, onReading, readingOf } from '../support/crash/load.ts';
import { openClient } from '../support/ratatoskr.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const MEBIBYTE = 1_048_576;
/**
 * What the server may hold more than before: half of what it holds without a bound. An account's 64 MiB of answers are strings,
 * objects and what a collection has not come to yet: 116 to 161 MiB, by when the collector ran.
 */
const GROWTH_BYTES_MAX = 240 * MEBIBYTE;
const REQUESTS = 64;
/** A provider that nobody knows has so many at least. */
const RUNNING_MIN = 4;
const PIECE = 'x'.repeat(45_000);
/** What a piece counts against the credit, at least. */
const PIECE_BYTES = PIECE.length;
const LARGE_FRAMES = 1_000;

let folder: string;
let server: ServerProcess;
let household: CrashHousehold;
const sockets: net.Socket[] = [];
const clients: { close(): void }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'yggdrasil-memory-'));
  // The database's user must pass.
  chmodSync(folder, 0o711);
  server = await startServerProcess({ YGGDRASIL_DATA_DIR: join(folder, 'data') });
  household = await createCrashHousehold(server);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  await server?.end('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

function residentBytes(): number {
  const status = readFileSync(`/proc/${server.child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024;
}

/** A provider that sends as much as it is allowed to, and never comes to an end. What it may still send of each answer. */
async function provideEndlessly(): Promise<Map<string, number>> {
  const client = openClient(server, { credentials: household.machine });
  clients.push(client);
  const credits = new Map<string, number>();
  const indices = new Map<string, number>();
  const send = (requestId: Uint8Array) => {
    const id = Buffer.from(requestId).toString('hex');
    for (let credit = credits.get(id) ?? 0; credit > 2 * PIECE_BYTES; credit = credits.get(id) ?? 0) {
      const index = indices.get(id) ?? 0;
      const payload = deltaPayload(requestId, index, { content: PIECE });
      indices.set(id, index + 1);
      credits.set(id, credit - payload.length - 128);
      client.send(RatatoskrType.COMPUTE_DELTA, payload);
    }
  };
  client.on('work', ({ type, payload }) => {
    if (type !== RatatoskrType.COMPUTE_REQUEST && type !== RatatoskrType.COMPUTE_CREDIT) return;
    const { requestId, bytes } =
      type === RatatoskrType.COMPUTE_REQUEST
        ? {
            ...decodePayload(ComputeRequest, payload),
            bytes: decodePayload(ComputeRequest, payload).creditBytes,
          }
        : decodePayload(ComputeCredit, payload);
    const id = Buffer.from(requestId).toString('hex');
    credits.set(id, (credits.get(id) ?? 0) + bytes);
    send(requestId);
  });
  await client.ready();
  const models = [{ name: 'endless', priceCents: '0', contextTokens: 2_000_000 }];
  await client.register(encodePayload(ProviderRegistration, { offer: { slots: 1_000, models } }));
  return credits;
}

/** Asks for a streamed answer. Nothing of it is read. */
function askAndNeverRead(): void {
  const body = JSON.stringify({
    model: 'endless',
    stream: true,
    max_tokens: 1_000_000,
    messages: [{ role: 'user', content: 'Go on.' }],
  });
  const { hostname, port } = new URL(server.httpUrl);
  const socket = net.connect({ host: hostname, port: Number(port) });
  sockets.push(socket.pause());
  socket.on('error', () => undefined);
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${household.sellerToken}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

describe('the memory of the server', () => {
  it('stays as it is when somebody without money never reads the answers of a provider of his own', async () => {
    const before = residentBytes();
    const credits = await provideEndlessly();
    for (let count = 0; count < 2 * REQUESTS; count++) askAndNeverRead();
    // How many run at a time is what the provider has shown that it can serve; the others wait.
    const isQuiet = () =>
      credits.size >= RUNNING_MIN && [...credits.values()].every((credit) => credit <= 2 * PIECE_BYTES);
    await expect.poll(isQuiet, { timeout: 60_000 }).toBe(true);
    expect(residentBytes() - before).toBeLessThan(GROWTH_BYTES_MAX);
    expect((await fetch(`${server.httpUrl}/healthz`)).status).toBe(200);
  });

  it('stays as it is when the reader of the largest frames stops reading; others get theirs', async () => {
    const reader = await BifrostSocket.open(server, household.archive);
    const listener = clientOf(server, household.listener);
    const sensor = clientOf(server, household.sensor);
    clients.push(listener, sensor);
    const heard: string[] = [];
    onReading(listener, (_offset, text) => heard.push(text));
    await listener.connect();
    await sensor.connect();
    const sender = await BifrostSocket.open(server, household.meter);
    reader.socket.pause();

    const before = residentBytes();
    const payload = new Uint8Array(FRAME_BYTES_MAX - 300);
    const destinationId = household.archive.deviceId;
    for (let count = 0; count < LARGE_FRAMES; count++) {
      sender.send({ destinationId }, payload);
      while (sender.socket.bufferedAmount > 4 * MEBIBYTE)
        await new Promise((resolve) => setImmediate(resolve));
    }
    await sensor.send({ type: FrameType.EVENT, payload: readingOf('sensor', 1) });
    sender.send({ type: FrameType.PING });
    await expect
      .poll(() => sender.frames.some(({ header }) => header.type === FrameType.PONG), { timeout: 15_000 })
      .toBe(true);
    expect(residentBytes() - before).toBeLessThan(GROWTH_BYTES_MAX);
    await expect.poll(() => heard).toEqual(['sensor:1']);
    reader.socket.terminate();
    sender.socket.terminate();
  });
});
