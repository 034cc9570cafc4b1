import { describe, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { AppError } from '../../../server/kernel/errors.ts';
import type { Socket, WebSocketEndpoint } from '../../../server/platform/websocket/types.ts';
import { connectRaw, eventually, route, startServer } from './server-under-test.ts';

interface Session {
  readonly name: string;
}

function endpoint(changes: Partial<WebSocketEndpoint<Session>> = {}): WebSocketEndpoint<Session> {
  return {
    path: '/talk',
    messageBytesMax: 1000,
    subprotocol: 'talk.v1',
    idleTimeoutSeconds: 60,
    backpressureBytesMax: 100_000,
    authenticate: async (request) => ({ session: { name: request.header('x-name') ?? 'nobody' } }),
    opened: () => undefined,
    received: (socket, _session, message) => void socket.send(message),
    closed: () => undefined,
    ...changes,
  };
}

function connect(
  port: number,
  protocols: string[] = ['talk.v1'],
  headers: Record<string, string> = {},
): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/talk?a=1`, protocols, { headers });
  socket.on('error', () => undefined);
  onTestFinished(() => socket.terminate());
  return socket;
}

async function opened(socket: WebSocket): Promise<WebSocket> {
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return socket;
}

async function refusal(socket: WebSocket): Promise<{ status: number; body: string }> {
  return await new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('it was let in')));
    socket.once('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
  });
}

async function closeCode(socket: WebSocket): Promise<[number, string]> {
  return await new Promise((resolve) => socket.once('close', (code, reason) => resolve([code, `${reason}`])));
}

describe('an upgrade', () => {
  test('is authenticated with headers, query and offered subprotocols, and answered with ours only', async () => {
    const seen: unknown[] = [];
    const { port } = await startServer(
      [],
      [
        endpoint({
          authenticate: async (request) => {
            await new Promise((resolve) => setImmediate(resolve));
            seen.push(
              request.header('x-name'),
              request.query.get('a'),
              request.subprotocols,
              request.remoteAddress,
            );
            return { session: { name: 'a' } };
          },
        }),
      ],
    );
    const socket = await opened(connect(port, ['bearer.secret', 'talk.v1'], { 'X-Name': 'me' }));
    expect(socket.protocol).toBe('talk.v1');
    expect(seen).toEqual(['me', '1', ['bearer.secret', 'talk.v1'], '127.0.0.1']);
  });

  test('that is refused, throws, or lacks the subprotocol gets a plain answer', async () => {
    let answer: () => ReturnType<WebSocketEndpoint<Session>['authenticate']> = async () => ({
      refuse: { status: 401, body: 'who?' },
    });
    const { port, logger } = await startServer([], [endpoint({ authenticate: () => answer() })]);
    expect(await refusal(connect(port))).toEqual({ status: 401, body: 'who?' });
    answer = async () => {
      throw new AppError('unavailable', 'unavailable', 'later');
    };
    expect((await refusal(connect(port))).status).toBe(503);
    expect(logger.lines).toEqual([]);
    answer = async () => {
      throw new Error('boom');
    };
    expect((await refusal(connect(port))).status).toBe(500);
    expect(logger.lines).toHaveLength(1);
    expect((await refusal(connect(port, ['other']))).status).toBe(400);
    expect((await refusal(connect(port, []))).status).toBe(400);
  });

  test('whose client goes away while it is authenticated leaves nothing behind', async () => {
    let decide: (() => void) | undefined;
    let sessions = 0;
    const { port, server } = await startServer(
      [],
      [
        endpoint({
          authenticate: async () => {
            await new Promise<void>((resolve) => {
              decide = resolve;
            });
            return { session: { name: 'a' } };
          },
          opened: () => {
            sessions++;
          },
        }),
      ],
    );
    const socket = connect(port);
    await eventually('the question', () => decide);
    socket.terminate();
    const raw = await connectRaw(port, 'GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually('another answer', () => raw.text().includes('404'));
    decide?.();
    await server.close();
    expect(sessions).toBe(0);
  });

  test('is left to routes when the request asks for none', async () => {
    const { url } = await startServer(
      [route('GET', '/talk', () => ({ status: 200, body: 'plain' }))],
      [endpoint()],
    );
    expect(await (await fetch(`${url}/talk`)).text()).toBe('plain');
  });
});

describe('an open socket', () => {
  test('hands on binary and text messages with the session, and echoes', async () => {
    const seen: unknown[] = [];
    const { port } = await startServer(
      [],
      [
        endpoint({
          received: (socket, session, message, isBinary) => {
            seen.push(session.name, Buffer.from(message).toString(), isBinary);
            socket.send(message);
          },
        }),
      ],
    );
    const socket = await opened(connect(port, ['talk.v1'], { 'x-name': 'ann' }));
    const echoes: string[] = [];
    socket.on('message', (data) => echoes.push(`${data}`));
    socket.send(Buffer.from('bytes'));
    socket.send('text');
    await eventually('two echoes', () => echoes.length === 2);
    expect(seen).toEqual(['ann', 'bytes', true, 'ann', 'text', false]);
  });

  test('that sends too large a message is closed, and the endpoint hears of it once', async () => {
    const codes: number[] = [];
    const { port } = await startServer(
      [],
      [endpoint({ closed: (_socket, _session, code) => codes.push(code) })],
    );
    const socket = await opened(connect(port));
    socket.send(Buffer.alloc(1001));
    expect((await closeCode(socket))[0]).toBe(1006);
    await eventually('the news', () => codes.length === 1);
  });

  test('that is closed by the endpoint gets code and reason; sending afterwards is a drop', async () => {
    let kept: Socket | undefined;
    const { port } = await startServer(
      [],
      [
        endpoint({
          opened: (socket) => {
            kept = socket;
            socket.close(4409, 'session_replaced');
            socket.close(4000, 'again');
          },
        }),
      ],
    );
    expect(await closeCode(connect(port))).toEqual([4409, 'session_replaced']);
    expect(kept?.send(Buffer.from('x'))).toBe('dropped');
  });

  test('that is closed as soon as it opens is cut, also when its client does not answer', async () => {
    const { port } = await startServer(
      [],
      [
        endpoint({
          authenticate: async () => {
            await new Promise((resolve) => setImmediate(resolve));
            return { session: { name: 'a' } };
          },
          opened: (socket) => socket.close(4401, 'unauthenticated'),
        }),
      ],
    );
    const handshake = [
      'GET /talk HTTP/1.1',
      'Host: a',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: talk.v1',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ];
    const raw = await connectRaw(port, `${handshake.join('\r\n')}\r\n\r\n`);
    await eventually('the end of the stream', () => raw.closed());
    expect(raw.text()).toMatch(/unauthenticated$/);
  });

  test('whose client does not read buffers up to the limit and then drops', async () => {
    let kept: Socket | undefined;
    const { port } = await startServer(
      [],
      [
        endpoint({
          opened: (socket) => {
            kept = socket;
          },
        }),
      ],
    );
    const client = await opened(connect(port));
    client.pause();
    const results = new Set<string>();
    const message = new Uint8Array(50_000);
    for (let count = 0; count < 2000 && !results.has('dropped'); count++) {
      results.add((kept as Socket).send(message));
    }
    expect([...results]).toEqual(['sent', 'buffered', 'dropped']);
  });

  test('whose endpoint throws is closed with 1011, and others stay', async () => {
    const { port, logger } = await startServer(
      [],
      [
        endpoint({
          received: (socket, _session, message) => {
            if (message[0] === 0) throw new Error('boom');
            socket.send(message);
          },
        }),
      ],
    );
    const [good, bad] = [await opened(connect(port)), await opened(connect(port))];
    bad.send(Buffer.from([0]));
    expect((await closeCode(bad))[0]).toBe(1011);
    expect(logger.lines).toHaveLength(1);
    const echo = new Promise((resolve) => good.once('message', resolve));
    good.send(Buffer.from([1]));
    expect(await echo).toEqual(Buffer.from([1]));
  });

  test('is closed with 1001 when the server stops', async () => {
    const codes: number[] = [];
    const { port, server } = await startServer(
      [],
      [endpoint({ closed: (_socket, _session, code) => codes.push(code) })],
    );
    const socket = await opened(connect(port));
    const code = closeCode(socket);
    await server.close();
    expect(await code).toEqual([1001, 'the server stops']);
    expect(codes).toHaveLength(1);
  });

  test.each([
    ['a reserved opcode', [0x83, 0x81, 1, 2, 3, 4, 0x41]],
    ['an enormous length', [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]],
    ['a fragmented ping', [0x09, 0x80, 1, 2, 3, 4]],
  ])('that sends %s is cut, and the server lives', async (_what, bytes) => {
    const { port, url } = await startServer([route('GET', '/a', () => ({ status: 200 }))], [endpoint()]);
    const raw = await connectRaw(
      port,
      'GET /talk HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: talk.v1\r\n\r\n',
    );
    await eventually('the upgrade', () => raw.text().includes('s3pPLMBiTxaQ9kYGzzhZRbK+xOo='));
    raw.socket.write(Buffer.from(bytes));
    await eventually('the cut', raw.closed);
    expect((await fetch(`${url}/a`)).status).toBe(200);
  });
});
