import net from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createHttpServer } from '../../../server/platform/http/server.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { roomyBudget } from '../../support/connection-budget.ts';
import { connectRaw, eventually, keepingLogger, route, startServer } from './server-under-test.ts';

const GET = 'GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n';

function serverAt(host: string, port: number) {
  return createHttpServer(
    { host, port },
    {
      routes: [],
      websockets: [],
      logger: keepingLogger(),
      newRequestId: () => 'id',
      budget: roomyBudget(),
      tls: null,
      clock: createSystemClock(),
      respondToError: () => ({ status: 500 }),
    },
  );
}

test('a port that another server of ours, or any program, uses is refused with the reason', async () => {
  const { port } = await startServer([]);
  await expect(serverAt('127.0.0.1', port).listen()).rejects.toThrow(
    `HTTP can't listen on 127.0.0.1:${port}: the port is in use by another program`,
  );
  const other = net.createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const taken = (other.address() as net.AddressInfo).port;
  await expect(serverAt('127.0.0.1', taken).listen()).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('an address that is not of this machine, or none at all, is refused with the reason', async () => {
  await expect(serverAt('192.0.2.1', 0).listen()).rejects.toThrow('this machine has no such address');
  await expect(serverAt('256.1.1.1', 0).listen()).rejects.toThrow('this is not an address');
});

test('stopAccepting refuses new connections, serves open ones once more and ends them', async () => {
  const { server, port } = await startServer([route('GET', '/a', () => ({ status: 200, body: 'served' }))]);
  const raw = await connectRaw(port, GET);
  await eventually('an answer', () => raw.text().endsWith('served'));
  server.stopAccepting();
  await expect(fetch(`http://127.0.0.1:${port}/a`)).rejects.toThrow();
  raw.socket.write(GET);
  await eventually('the end of the connection', raw.closed);
  expect(raw.text().match(/served/g)).toHaveLength(2);
});

test('close waits for a running request, ends idle connections and refuses what comes meanwhile', async () => {
  let finish: (() => void) | undefined;
  const { server, port } = await startServer(
    [
      route('GET', '/a', async () => {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        return { status: 200, body: 'served' };
      }),
    ],
    [],
    { closeGraceMs: 10_000 },
  );
  const idle = await connectRaw(port);
  const late = await connectRaw(port);
  const busy = await connectRaw(port, GET);
  await eventually('the request to run', () => finish);
  const closing = server.close();
  late.socket.write(GET);
  await eventually('a refusal', () => late.text().includes('503'));
  finish?.();
  await closing;
  await eventually('the ends', () => busy.closed() && idle.closed() && late.closed());
  expect(busy.text()).toMatch(/served$/);
});

test('close cuts a request that outlives the grace period, and says so', async () => {
  const { server, port, logger } = await startServer([
    route('GET', '/a', () => new Promise(() => undefined)),
  ]);
  const busy = await connectRaw(port, GET);
  await eventually('the request to be read', () => busy.socket.bytesWritten > 0);
  await connectRaw(port);
  await server.close();
  await eventually('the cut', busy.closed);
  expect(logger.lines.map((line) => line.message)).toEqual(['requests were cut because the server stops']);
});
