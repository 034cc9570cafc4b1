import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../integration/http/server-under-test.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

async function start(descriptorsMax?: number): Promise<ServerProcess> {
  const folder = mkdtempSync(path.join(tmpdir(), 'yggdrasil-descriptors-'));
  // The database's user must pass.
  chmodSync(folder, 0o711);
  const server = await startServerProcess(
    { YGGDRASIL_DATA_DIR: path.join(folder, 'data'), YGGDRASIL_DATABASE_POOL_CONNECTIONS_MAX: '2' },
    descriptorsMax === undefined ? {} : { descriptorsMax },
  );
  onTestFinished(async () => {
    await server.end('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });
  return server;
}

const portOf = (url: string) => Number(new URL(url).port);
const openBy = (server: ServerProcess) => readdirSync(`/proc/${server.child.pid}/fd`).map(Number);

/** Opens a connection that stays until the test ends or `close` is called. */
function open(port: number, localAddress = '127.0.0.1'): { isOpen: () => boolean; close: () => void } {
  let state: 'connecting' | 'open' | 'closed' = 'connecting';
  const socket = net.connect({ port, host: '127.0.0.1', localAddress });
  socket.on('connect', () => {
    state = 'open';
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    state = 'closed';
  });
  onTestFinished(() => void socket.destroy());
  return { isOpen: () => state === 'open', close: () => socket.destroy() };
}

/** Why no connection can be made; null: one can. */
async function errorOf(port: number): Promise<string | null> {
  return await new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(null));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    onTestFinished(() => void socket.destroy());
  });
}

async function isHealthy(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(HEALTH));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text.includes(' 200 OK')));
  });
}

test('at 256 descriptors, sockets from everywhere take none that the process needs for itself', async () => {
  const server = await start(256);
  const ports = [portOf(server.httpUrl), portOf(server.mqttUrl)];
  let most = 0;
  for (let round = 0; round < 10; round++) {
    for (let index = 0; index < 100; index++) {
      open(ports[index % 2] as number, `127.0.${round + 1}.${(index % 10) + 1}`);
    }
    await eventually('some are refused', () => server.output().includes('connections were cut or refused'));
    most = Math.max(most, openBy(server).length);
  }
  expect(most).toBeLessThan(256 - 50);
  expect(server.output()).not.toContain('no descriptors are left');
}, 60_000);

test('where other means take all descriptors, the listeners rest, say so, and go on when there are some', async () => {
  const server = await start();
  const [http, mqtt] = [portOf(server.httpUrl), portOf(server.mqttUrl)];
  const limit = (descriptorsMax: string) =>
    execFileSync('prlimit', ['--pid', String(server.child.pid), `--nofile=${descriptorsMax}`]);
  const hard = /Max open files +\d+ +(\d+)/.exec(
    readFileSync(`/proc/${server.child.pid}/limits`, 'utf8'),
  )?.[1];
  // As if something in the process held the rest: no number behind those that are taken can be given out.
  const last = Math.max(...openBy(server));
  limit(`${last + 1}:${hard}`);
  const taken = Array.from({ length: last + 100 }, (_, index) => open(http, `127.0.1.${(index % 50) + 1}`));
  await eventually('a line in the log', () => server.output().includes('no descriptors are left'));
  const others = Array.from({ length: 20 }, () => open(mqtt));
  await eventually('those that come are turned away', () => others.every((other) => !other.isOpen()));
  // Nobody listens: a listener that can't accept would turn in circles, and those who connect would wait for it.
  expect(await errorOf(http)).toBe('ECONNREFUSED');
  expect(server.output().match(/no descriptors are left/g)).toHaveLength(1);
  for (const connection of taken) connection.close();
  limit(`${hard}:${hard}`);
  await eventually('it serves again', () => isHealthy(http));
  expect(server.output()).toContain('there are descriptors again');
}, 60_000);
