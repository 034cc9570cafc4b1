import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../integration/http/server-under-test.ts';
import { connack, connectPacket } from '../integration/mqtt/server-under-test.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

/** Fewer than the attacker has sockets. */
const DESCRIPTORS_MAX = 400;
const ATTACKER = '127.0.0.2';

let server: ServerProcess;
const folder = mkdtempSync(path.join(tmpdir(), 'yggdrasil-flood-'));

beforeAll(async () => {
  // The database's user must pass.
  chmodSync(folder, 0o711);
  server = await startServerProcess(
    { YGGDRASIL_DATA_DIR: path.join(folder, 'data'), YGGDRASIL_DATABASE_POOL_CONNECTIONS_MAX: '2' },
    { descriptorsMax: DESCRIPTORS_MAX },
  );
}, 60_000);

afterAll(async () => {
  await server.end('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

/** Keeps `count` sockets from the attacker's address open, each of which sends `bytes` again and again. */
function flood(port: number, count: number, bytes: string): void {
  let over = false;
  const open = new Set<net.Socket>();
  const begin = () => {
    if (over) return;
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: ATTACKER });
    open.add(socket);
    const sending = setInterval(() => socket.write(bytes), 500);
    socket.on('connect', () => socket.write(bytes));
    socket.on('data', () => undefined);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(sending);
      open.delete(socket);
      setTimeout(begin, 100);
    });
  };
  for (let index = 0; index < count; index++) begin();
  onTestFinished(() => {
    over = true;
    for (const socket of open) socket.destroy();
  });
}

/** What a new connection gets for `bytes`, up to `enough`. */
function ask(port: number, bytes: string | Buffer, enough: (answer: Buffer) => boolean): Promise<Buffer> {
  return new Promise((resolve) => {
    let answer = Buffer.alloc(0);
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (enough(answer)) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}

test('more sockets than there are descriptors, from one address, keep nobody else from being served', async () => {
  const httpPort = Number(new URL(server.httpUrl).port);
  const mqttPort = Number(new URL(server.mqttUrl).port);
  const health = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
  flood(httpPort, 500, health);
  flood(mqttPort, 300, '');
  await eventually('HTTP refused by address', () => /"cut":\{[^}]*"address"/.test(server.output()));
  // The limit by address begins to hold when the server has looked where its connections are from.
  await eventually('the victim', async () =>
    (await ask(httpPort, health, (answer) => answer.includes('\r\n\r\n'))).includes(' 200 OK'),
  );
  for (let round = 0; round < 10; round++) {
    const http = await ask(httpPort, health, (answer) => answer.includes('\r\n\r\n'));
    expect(http.toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(await ask(mqttPort, connectPacket('victim'), (answer) => answer.length >= 4)).toEqual(connack(4));
  }
  const lines = server
    .output()
    .split('\n')
    .filter((line) => line.includes('connections were cut or refused'));
  expect(lines.length).toBeGreaterThan(0);
  expect(server.child.exitCode).toBeNull();
}, 60_000);
