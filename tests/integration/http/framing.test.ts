import { describe, expect, test } from 'vitest';
import { connectRaw, eventually, type RawConnection, route, startServer } from './server-under-test.ts';

const HOST = 'Host: localhost\r\n';
/** What an attacker wants to be carried out. */
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;

/** A server with `/a` for bodies, and what it carried out. */
async function start() {
  const served: string[] = [];
  const answer = (path: string) => {
    served.push(path);
    return { status: 200, body: 'served' };
  };
  const { port } = await startServer(
    [
      route('POST', '/a', () => answer('/a')),
      route('GET', '/a', () => answer('GET /a')),
      route('GET', '/smuggled', () => answer('/smuggled')),
    ],
    [
      {
        path: '/socket',
        messageBytesMax: 100,
        subprotocol: 'echo',
        idleTimeoutSeconds: 10,
        backpressureBytesMax: 1_000,
        opened: () => ({ received: () => void served.push('message'), closed: () => undefined }),
      },
    ],
  );
  return { port, served };
}

/** The status of every answer that came. */
const statuses = (raw: RawConnection) =>
  [...raw.text().matchAll(/^HTTP\/1\.1 (\d{3})|(?<=\})HTTP\/1\.1 (\d{3})/gm)].map((match) =>
    Number(match[1] ?? match[2]),
  );

describe('a head that says in two ways where its request ends', () => {
  const faults: [string, string][] = [
    [
      'two lengths',
      `POST /a HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`,
    ],
    ['the same length twice', `POST /a HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: 0\r\n\r\n`],
    ['an empty length', `POST /a HTTP/1.1\r\n${HOST}Content-Length: \r\n\r\n`],
    [
      'a length and chunks',
      `POST /a HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a coding nobody knows', `POST /a HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    [
      'chunks in another coding',
      `POST /a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
    ],
    [
      'two codings',
      `POST /a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    ],
    ['two hosts', `GET /a HTTP/1.1\r\n${HOST}Host: other\r\n\r\n`],
    ['a host with a path', 'GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n'],
    ['a deletion character in a value', `GET /a HTTP/1.1\r\n${HOST}X-A: a\x7fb\r\n\r\n`],
    ['a method that is no token', `G{T /a HTTP/1.1\r\n${HOST}\r\n`],
    ['a fragment in its path', `GET /a#b HTTP/1.1\r\n${HOST}\r\n`],
    ['bytes beyond ASCII in its path', `GET /a\xe4 HTTP/1.1\r\n${HOST}\r\n`],
    [
      'two lengths, at a WebSocket',
      `GET /socket HTTP/1.1\r\n${HOST}Upgrade: websocket\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n`,
    ],
    [
      'a body, at a WebSocket',
      `GET /socket HTTP/1.1\r\n${HOST}Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: echo\r\nContent-Length: 0\r\n\r\n`,
    ],
  ];

  test.each(faults)('(%s) is answered 400 and closed', async (_what, head) => {
    const { port, served } = await start();
    const raw = await connectRaw(port, Buffer.from(head, 'latin1'));
    await eventually('the end', raw.closed);
    expect(raw.text()).toMatch(/^HTTP\/1\.1 400 /);
    expect(served).toEqual([]);
  });

  test.each(faults)('(%s) takes what comes with it along', async (_what, head) => {
    const { port, served } = await start();
    const raw = await connectRaw(port, Buffer.from(head + SMUGGLED + SMUGGLED, 'latin1'));
    await eventually('the end', raw.closed);
    expect(new Set(statuses(raw))).toEqual(new Set([400]));
    expect(served).toEqual([]);
  });

  test('takes along what comes after it, and other connections of its address stay', async () => {
    const { port, served } = await start();
    const others = await Promise.all(Array.from({ length: 20 }, () => connectRaw(port)));
    const raw = await connectRaw(port, (faults[0] as [string, string])[1]);
    raw.socket.write(SMUGGLED);
    for (const other of others) other.socket.write(`GET /a HTTP/1.1\r\n${HOST}\r\n`);
    await eventually('the end', raw.closed);
    await eventually('the answers', () => others.every((other) => other.text().endsWith('served')));
    expect(others.flatMap(statuses)).toEqual(others.map(() => 200));
    expect(served).not.toContain('/smuggled');
  });
});

describe('a chunked request', () => {
  const head = `POST /a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

  test('is served, and the last of its connection', async () => {
    const { port, served } = await start();
    const raw = await connectRaw(port, `${head}5\r\nhello\r\n0\r\n\r\n`);
    await eventually('the end', raw.closed);
    expect(statuses(raw)).toEqual([200]);
    expect(raw.text().toLowerCase()).toContain('connection: close');
    expect(served).toEqual(['/a']);
  });

  test.each([
    ['the end of a chunk is not one', '5\r\nhelloXX0\r\n\r\n'],
    ['lines end in a line feed', '5\nhello\n0\n\n'],
    ['it ends in time', '5\r\nhello\r\n0\r\n\r\n'],
  ])('never makes a request of what follows, where %s', async (_what, body) => {
    const { port, served } = await start();
    for (const path of ['/a', '/nowhere']) {
      const raw = await connectRaw(port, head.replace('/a', path) + body + SMUGGLED);
      await eventually('the end', raw.closed);
    }
    expect(served).not.toContain('/smuggled');
  });

  test('that is refused is answered, and what follows is not carried out', async () => {
    const { port, served } = await start();
    const raw = await connectRaw(port, `${head.replace('/a', '/nowhere')}0\r\n\r\n`);
    await eventually('the end', raw.closed);
    expect(statuses(raw)).toEqual([404]);
    expect(served).toEqual([]);
  });
});

describe('a request', () => {
  test('of a lower-case method is not of the upper-case one', async () => {
    const { port, served } = await start();
    const raw = await connectRaw(port, `get /a HTTP/1.1\r\n${HOST}\r\n`);
    await eventually('the answer', () => statuses(raw).length === 1);
    expect(statuses(raw)).toEqual([405]);
    expect(served).toEqual([]);
  });

  test('is answered without the name of a program', async () => {
    const { port } = await start();
    const raw = await connectRaw(port, `GET /a HTTP/1.1\r\n${HOST}\r\n`);
    await eventually('the answer', () => statuses(raw).length === 1);
    expect(raw.text()).not.toMatch(/uwebsockets|^server:|x-powered-by/im);
  });

  test('with headers of more than 8 KB gets 431 and is closed', async () => {
    const { port, served } = await start();
    const raw = await connectRaw(port, `GET /a HTTP/1.1\r\n${HOST}X-A: ${'a'.repeat(8_200)}\r\n\r\n`);
    await eventually('the end', raw.closed);
    expect(statuses(raw)).toEqual([431]);
    expect(served).toEqual([]);
  });

  test.each([
    ['with a port in Host', 'Host: localhost:8080\r\n'],
    ['with an address in Host', 'Host: [::1]:80\r\n'],
    ['with an empty Host', 'Host: \r\n'],
    ['with a tab in a value', `${HOST}X-A: a\tb\r\n`],
  ])('%s is served', async (_what, headers) => {
    const { port } = await start();
    const raw = await connectRaw(port, `GET /a HTTP/1.1\r\n${headers}\r\n`);
    await eventually('the answer', () => raw.text().endsWith('served'));
    expect(raw.closed()).toBe(false);
  });

  // The binary for Node 20 is silent until its time limit, those for newer ones answer 400.
  test.each([
    ['without Host', 'X-A: b\r\n'],
    ['with a folded line', `${HOST}X-A: b\r\n c\r\n`],
    ['with a bare line feed', `${HOST}X-A: b\nContent-Length: 3\r\n`],
    ['with a bare carriage return', `${HOST}X-A: b\rc\r\n`],
    ['with NUL in a value', `${HOST}X-A: b\0c\r\n`],
    ['with NUL in a name', `${HOST}X\0A: b\r\n`],
    ['with a space before the colon', `${HOST}Content-Length : 3\r\n`],
    ['with a space in front of the first header', ` X-A: b\r\n${HOST}`],
    ['with a line that is no header', `${HOST}nothing\r\n`],
  ])('%s is not served, nor what comes with it', async (_what, headers) => {
    const { port, served } = await start();
    const raw = await connectRaw(port, `POST /a HTTP/1.1\r\n${headers}\r\n${SMUGGLED}`);
    const other = await connectRaw(port, `GET /a HTTP/1.1\r\n${HOST}\r\n`);
    await eventually('the other', () => other.text().endsWith('served'));
    expect(raw.text()).toMatch(/^(HTTP\/1\.1 400 .*)?$/s);
    expect(served).toEqual(['GET /a']);
  });
});

test('a request before the answer to the one before it ends the connection, and neither is answered', async () => {
  let served = 0;
  const { port } = await startServer([
    route('GET', '/late', async () => {
      served++;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { status: 200, body: 'late' };
    }),
  ]);
  const raw = await connectRaw(port, `GET /late HTTP/1.1\r\n${HOST}\r\n`.repeat(2));
  await eventually('the end', () => raw.closed());
  expect(raw.text()).toBe('');
  expect(served).toBe(1);
});
