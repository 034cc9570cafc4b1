import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { connectRaw, eventually, route, startServer } from './server-under-test.ts';

const CLIENT = '203.0.113.5';
const PROXY = { trustedProxies: ['127.0.0.2'] };

const get = (path: string, forwardedFor: string) =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${forwardedFor}\r\n\r\n`;

/** A server whose `/who` says who asks, whose `/wait` never answers, and whose WebSocket says who connected. */
async function start(options: Parameters<typeof startServer>[2]) {
  const { port, logger } = await startServer(
    [
      route('GET', '/who', ({ remoteAddress }) => ({ status: 200, body: `you are ${remoteAddress}.` })),
      route('GET', '/wait', () => new Promise(() => undefined)),
    ],
    [
      {
        path: '/socket',
        messageBytesMax: 1_000,
        subprotocol: 'who',
        idleTimeoutSeconds: 10,
        backpressureBytesMax: 10_000,
        opened: (socket) => {
          socket.send(Buffer.from(socket.remoteAddress));
          return { received: () => undefined, closed: () => undefined };
        },
      },
    ],
    options,
  );
  const ask = async (forwardedFor: string, localAddress: string, path = '/who') => {
    const raw = await connectRaw(port, get(path, forwardedFor), localAddress);
    return raw;
  };
  const who = async (forwardedFor: string, localAddress: string) => {
    const raw = await ask(forwardedFor, localAddress);
    return await eventually('an answer', () => /you are (.*)\./.exec(raw.text())?.[1]);
  };
  const socketOf = async (forwardedFor: string, localAddress: string) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, 'who', {
      localAddress,
      headers: { 'X-Forwarded-For': forwardedFor },
    });
    onTestFinished(() => socket.terminate());
    return await new Promise<string>((resolve, reject) => {
      socket.once('message', (message) => resolve(String(message)));
      socket.once('error', reject);
    });
  };
  return { ask, who, socketOf, logger };
}

describe('the address of a client', () => {
  test('is what a trusted proxy says it is, for requests and WebSockets', async () => {
    const { who, socketOf } = await start(PROXY);
    for (const seen of [who, socketOf]) {
      expect(await seen(`198.51.100.7, ${CLIENT}`, '127.0.0.2')).toBe(CLIENT);
      expect(await seen('2001:0DB8::0:1', '127.0.0.2')).toBe('2001:db8::1');
    }
  });

  test('is that of the connection where anybody else names one', async () => {
    const { who, socketOf } = await start(PROXY);
    for (const seen of [who, socketOf]) expect(await seen(CLIENT, '127.0.0.3')).toBe('127.0.0.3');
    const trusting = await start({});
    for (const seen of [trusting.who, trusting.socketOf])
      expect(await seen(CLIENT, '127.0.0.2')).toBe('127.0.0.2');
  });
});

describe('behind a trusted proxy', () => {
  test('one client has a part of the requests, whatever its addresses in one IPv6 network, and others are served', async () => {
    // 20 for HTTP, half of them for one client.
    const { ask, who, logger } = await start({ ...PROXY, connectionsMax: 40 });
    const waiting = await Promise.all(
      Array.from({ length: 12 }, (_, index) => ask(`2001:db8::${index}`, '127.0.0.2', '/wait')),
    );
    await eventually('two are refused', () => waiting.filter((raw) => raw.text() !== '').length === 2);
    expect(waiting.filter((raw) => raw.text().includes('rate_limited'))).toHaveLength(2);
    expect(await who(CLIENT, '127.0.0.2')).toBe(CLIENT);
    expect(logger.lines).toMatchObject([{ fields: { cut: { address: 1 } } }]);
    waiting.find((raw) => raw.text() === '')?.socket.destroy();
    await eventually('a place that was left', async () => {
      const raw = await ask('2001:db8::ffff', '127.0.0.2');
      await eventually('an answer', () => raw.text() !== '');
      return raw.text().includes('you are');
    });
  });

  test('more connections may be open than one address has, and no more than HTTP has', async () => {
    const { ask } = await start({ ...PROXY, connectionsMax: 40 });
    const one = await Promise.all(Array.from({ length: 14 }, () => ask(CLIENT, '127.0.0.3', '/wait')));
    await eventually('four are cut', () => one.filter((raw) => raw.closed()).length === 4);
    for (const raw of one) raw.socket.destroy();
    const proxied = await Promise.all(
      Array.from({ length: 24 }, (_, index) => ask(`203.0.113.${index}`, '127.0.0.2', '/wait')),
    );
    await eventually(
      'those above half of all are cut',
      () => proxied.filter((raw) => raw.closed()).length >= 4,
    );
    expect(proxied.filter((raw) => !raw.closed()).length).toBeGreaterThan(10);
  });
});

test('one tenant has three quarters of the requests, one principal half of them', async () => {
  const started: string[] = [];
  const { port } = await startServer(
    [
      {
        method: 'GET',
        path: '/wait',
        bodyBytesMax: 0,
        handle: async (request) => {
          const [principalId = '', tenantId = ''] = (request.header('authorization') ?? '').split(' ');
          await request.receiveBody({ principalId, tenantId });
          started.push(principalId);
          return await new Promise(() => undefined);
        },
      },
    ],
    [],
    { connectionsMax: 80, trustedProxies: ['127.0.0.1'] },
  );
  const ask = (index: number, principal: string, tenant: string) =>
    connectRaw(
      port,
      `GET /wait HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.${index}\r\nAuthorization: ${principal} ${tenant}\r\n\r\n`,
    );
  const settled = async (raws: Awaited<ReturnType<typeof ask>>[], served: number) => {
    await eventually('all are served or refused', () => {
      return started.length + raws.filter((raw) => raw.text().includes('rate_limited')).length === served;
    });
  };
  // 40 requests over HTTP: 20 of one principal, 30 of one tenant.
  const first = await Promise.all(Array.from({ length: 22 }, (_, index) => ask(index, 'ann', 'house')));
  await settled(first, 22);
  expect(started).toHaveLength(20);
  const more = await Promise.all(Array.from({ length: 12 }, (_, index) => ask(index, 'bob', 'house')));
  await settled(more, 32);
  expect(started).toHaveLength(30);
  await ask(1, 'eve', 'other');
  await eventually('another tenant is served', () => started.includes('eve'));
});
