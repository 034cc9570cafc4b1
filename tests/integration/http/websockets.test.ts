import { describe, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import type {
  Socket,
  SocketHandler,
  UpgradeRequest,
  WebSocketEndpoint,
} from '../../../server/platform/websocket/types.ts';
import { connectRaw, eventually, route, startServer } from './server-under-test.ts';

/** An endpoint that echoes, but for what the test changes. */
function endpoint(
  opened: (socket: Socket, request: UpgradeRequest) => Partial<SocketHandler> = () => ({}),
): WebSocketEndpoint {
  return {
    path: '/talk',
    messageBytesMax: 1000,
    subprotocol: 'talk.v1',
    idleTimeoutSeconds: 60,
    backpressureBytesMax: 100_000,
    opened: (socket, request) => ({
      received: (message) => void socket.send(message.slice()),
      closed: () => undefined,
      ...opened(socket, request),
    }),
  };
}

/** The request for a WebSocket as a client writes it; the key is the one of RFC 6455 section 1.3. */
const HANDSHAKE =
  'GET /talk HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: talk.v1\r\n\r\n';

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
  test('tells the endpoint the headers and the offered subprotocols, and is answered with ours only', async () => {
    const seen: unknown[] = [];
    const { port } = await startServer(
      [],
      [
        endpoint((socket, request) => {
          seen.push(request.header('x-name'), request.subprotocols, socket.remoteAddress);
          return {};
        }),
      ],
    );
    const socket = await opened(connect(port, ['bearer.secret', 'talk.v1'], { 'X-Name': 'me' }));
    expect(socket.protocol).toBe('talk.v1');
    expect(seen).toEqual(['me', ['bearer.secret', 'talk.v1'], '127.0.0.1']);
  });

  test('without the subprotocol gets a plain answer, and so does one of another version', async () => {
    const { port } = await startServer([], [endpoint()]);
    expect(await refusal(connect(port, ['other']))).toMatchObject({ status: 400 });
    expect(await refusal(connect(port, []))).toMatchObject({ status: 400 });
    const old = await connectRaw(port, HANDSHAKE.replace('Version: 13', 'Version: 8'));
    await eventually('the end of the stream', () => old.closed());
    expect(old.text()).toMatch(/^HTTP\/1.1 400 /);
  });

  test('is refused while the server stops', async () => {
    const { port, server } = await startServer(
      [route('GET', '/slow', () => new Promise(() => undefined))],
      [endpoint()],
      { closeGraceMs: 1_000 },
    );
    const [late] = [await connectRaw(port), await connectRaw(port, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')];
    await opened(connect(port)); // what was sent before has arrived
    const closed = server.close();
    late.socket.write(HANDSHAKE);
    await eventually('an answer', () => late.text().startsWith('HTTP/1.1 503 '));
    await closed;
  });

  test('of thousands at once leaves every socket open', async () => {
    const { port } = await startServer([], [endpoint()]);
    for (let round = 0; round < 10; round++) {
      const sockets = await Promise.all(Array.from({ length: 300 }, () => opened(connect(port))));
      const echoes = sockets.map(
        (socket) => new Promise((resolve) => socket.once('message', resolve).once('close', resolve)),
      );
      for (const socket of sockets) socket.send(Buffer.from([round]));
      expect(await Promise.all(echoes)).toEqual(sockets.map(() => Buffer.from([round])));
      for (const socket of sockets) socket.terminate();
    }
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
  test('hands on binary and text messages, and sends', async () => {
    const seen: unknown[] = [];
    const { port } = await startServer(
      [],
      [
        endpoint((socket) => ({
          received: (message, isBinary) => {
            seen.push(Buffer.from(message).toString(), isBinary);
            socket.send(message.slice());
          },
        })),
      ],
    );
    const socket = await opened(connect(port));
    const echoes: string[] = [];
    socket.on('message', (data) => echoes.push(`${data}`));
    socket.send(Buffer.from('bytes'));
    socket.send('text');
    await eventually('two echoes', () => echoes.length === 2);
    expect(seen).toEqual(['bytes', true, 'text', false]);
  });

  test('that sends too large a message is closed, and the endpoint hears of it once', async () => {
    const codes: number[] = [];
    const { port } = await startServer([], [endpoint(() => ({ closed: (code) => codes.push(code) }))]);
    const socket = await opened(connect(port));
    socket.send(Buffer.alloc(1001));
    expect((await closeCode(socket))[0]).toBe(1006);
    await eventually('the news', () => codes.length === 1);
  });

  test('that is closed by the endpoint gets code and reason; sending afterwards is a drop', async () => {
    let kept: Socket | undefined;
    const codes: number[] = [];
    const { port } = await startServer(
      [],
      [
        endpoint((socket) => {
          kept = socket;
          socket.close(4409, 'session_replaced');
          socket.close(4000, 'again');
          return { closed: (code) => codes.push(code) };
        }),
      ],
    );
    expect(await closeCode(connect(port))).toEqual([4409, 'session_replaced']);
    expect(kept?.send(Buffer.from('x'))).toBe('dropped');
    expect(codes).toEqual([4409]);
  });

  test('that is closed as soon as it opens is cut, also when its client does not answer', async () => {
    const { port } = await startServer(
      [],
      [
        endpoint((socket) => {
          socket.close(4401, 'unauthenticated');
          return {};
        }),
      ],
    );
    const raw = await connectRaw(port, HANDSHAKE);
    await eventually('the end of the stream', () => raw.closed());
    expect(raw.text()).toMatch(/unauthenticated$/);
  });

  test('whose client does not read buffers up to the limit and then drops', async () => {
    let kept: Socket | undefined;
    const { port } = await startServer(
      [],
      [
        endpoint((socket) => {
          kept = socket;
          return {};
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

  test('gets what one turn sends in order, also before a close', async () => {
    const count = 3_000;
    const { port } = await startServer(
      [],
      [
        endpoint((socket) => ({
          received: () => {
            for (let number = 0; number < count; number++) {
              const message = new Uint8Array(4);
              new DataView(message.buffer).setUint32(0, number);
              socket.send(message);
            }
            socket.close(4000, 'done');
          },
        })),
      ],
    );
    const client = await opened(connect(port));
    const numbers: number[] = [];
    client.on('message', (data: Buffer) => numbers.push(data.readUInt32BE()));
    const closed = closeCode(client);
    client.send('go');
    expect(await closed).toEqual([4000, 'done']);
    expect(numbers).toEqual(Array.from({ length: count }, (_, number) => number));
  });

  test('whose client stops reading gets all that was not said to be dropped once it reads again', async () => {
    let kept: Socket | undefined;
    const { port } = await startServer(
      [],
      [
        endpoint((socket) => {
          kept = socket;
          return {};
        }),
      ],
    );
    const client = await opened(connect(port));
    const lengths: number[] = [];
    client.on('message', (data: Buffer) => lengths.push(data.length));
    client.pause();
    const accepted: number[] = [];
    for (let size = 1; accepted.length === size - 1 && size < 20_000; size++) {
      if ((kept as Socket).send(new Uint8Array(size)) !== 'dropped') accepted.push(size);
    }
    client.resume();
    await eventually('all of them', () => lengths.length >= accepted.length);
    expect(lengths).toEqual(accepted);
  });

  test.each([
    ['opens', true],
    ['receives', false],
  ])('whose endpoint throws when it %s is closed with 1011, and others stay', async (_when, atOnce) => {
    let count = 0;
    const { port, logger } = await startServer(
      [],
      [
        endpoint((socket) => {
          count++;
          if (atOnce && count === 2) throw new Error('boom');
          return {
            received: (message) => {
              if (message[0] === 0) throw new Error('boom');
              socket.send(message.slice());
            },
          };
        }),
      ],
    );
    const good = await opened(connect(port));
    const bad = connect(port);
    bad.once('open', () => bad.send(Buffer.from([0])));
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
      [endpoint(() => ({ closed: (code) => codes.push(code) }))],
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
    const raw = await connectRaw(port, HANDSHAKE);
    await eventually('the upgrade', () => raw.text().includes('s3pPLMBiTxaQ9kYGzzhZRbK+xOo='));
    raw.socket.write(Buffer.from(bytes));
    await eventually('the cut', raw.closed);
    expect((await fetch(`${url}/a`)).status).toBe(200);
  });
});
