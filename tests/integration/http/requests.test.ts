import { request as nodeRequest } from 'node:http';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../server/kernel/errors.ts';
import { REQUESTS_PER_TURN } from '../../../server/platform/http/limits.ts';
import { connectRaw, eventually, route, startServer } from './server-under-test.ts';

const HOST = 'Host: localhost\r\n';

test('requests that come together are begun in several turns of the event loop, and all answered', async () => {
  const ofTurn: number[] = [];
  let begun = 0;
  const { port } = await startServer([
    route('GET', '/', () => {
      if (begun++ === 0)
        setImmediate(() => {
          ofTurn.push(begun);
          begun = 0;
        });
      return { status: 200, body: 'done' };
    }),
  ]);
  const connections = await Promise.all(
    Array.from({ length: 5 * REQUESTS_PER_TURN }, () => connectRaw(port)),
  );
  for (const { socket } of connections) socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  await eventually('all answers', () => connections.every(({ text }) => text().endsWith('done')));
  expect(ofTurn.reduce((sum, count) => sum + count, 0)).toBe(connections.length);
  // What is counted here may be the end of one turn and the beginning of the next.
  expect(Math.max(...ofTurn)).toBeLessThanOrEqual(2 * REQUESTS_PER_TURN);
});

describe('a request', () => {
  test('carries decoded params, query, headers, body and address to its route', async () => {
    const { url } = await startServer([
      route('POST', '/things/:name/parts/:part', (request) => ({
        status: 201,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          method: request.method,
          params: request.params,
          query: [...request.query],
          header: request.header('x-given'),
          absent: request.header('x-absent') ?? null,
          body: Buffer.from(request.body).toString(),
          remoteAddress: request.remoteAddress,
        }),
      })),
    ]);
    const response = await fetch(`${url}/things/caf%C3%A9%2F1/parts/2?a=1&a=2&bad=%zz`, {
      method: 'POST',
      headers: { 'X-Given': 'yes' },
      body: 'héllo',
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({
      method: 'POST',
      params: { name: 'café/1', part: '2' },
      query: [
        ['a', '1'],
        ['a', '2'],
        ['bad', '%zz'],
      ],
      header: 'yes',
      absent: null,
      body: 'héllo',
      remoteAddress: '127.0.0.1',
    });
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('for an unknown path gets 404 in the error shape', async () => {
    const { url } = await startServer([]);
    const response = await fetch(`${url}/nowhere`);
    expect(response.status).toBe(404);
    const body = (await response.json()) as { error: { code: string; requestId: string } };
    expect(body.error.code).toBe('not_found');
    expect(body.error.requestId).toBe(response.headers.get('x-request-id'));
  });

  test('with a method the path lacks gets 405 and Allow; OPTIONS gets 204 and Allow', async () => {
    const { url } = await startServer([
      route('GET', '/things', () => ({ status: 200 })),
      route('POST', '/things', () => ({ status: 200 })),
    ]);
    const refused = await fetch(`${url}/things`, { method: 'DELETE' });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS, POST']);
    const options = await fetch(`${url}/things`, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS, POST']);
  });

  test('by HEAD gets the headers of GET without the body', async () => {
    const { url } = await startServer([route('GET', '/a', () => ({ status: 200, body: 'äbc' }))]);
    const response = await fetch(`${url}/a`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([
      200,
      '4',
      '',
    ]);
  });

  test('with a path that is not percent-encoded UTF-8 gets 400 from the server itself', async () => {
    const { url } = await startServer([route('GET', '/things/:name', () => ({ status: 200 }))]);
    for (const name of ['%zz', '%E0%A4%A', '%']) {
      expect((await fetch(`${url}/things/${name}`)).status).toBe(400);
    }
  });

  test('whose handler throws an AppError gets its answer, anything else 500 and a log line with the stack', async () => {
    const { url, logger } = await startServer([
      route('GET', '/refused', () => {
        throw new AppError('not_found', 'not_found', 'no');
      }),
      route('GET', '/broken', () => {
        throw new TypeError('boom');
      }),
    ]);
    expect((await fetch(`${url}/refused`)).status).toBe(404);
    expect(logger.lines).toEqual([]);
    const broken = await fetch(`${url}/broken`);
    expect(broken.status).toBe(500);
    expect(await broken.text()).not.toContain('boom');
    expect(logger.lines).toHaveLength(1);
    expect(logger.lines[0]).toMatchObject({
      level: 'error',
      fields: { requestId: broken.headers.get('x-request-id'), path: '/broken', method: 'GET' },
    });
    expect(logger.lines[0]?.fields.error).toMatchObject({ name: 'TypeError', message: 'boom' });
  });

  test('answered 204 has neither body nor length', async () => {
    const { port } = await startServer([route('DELETE', '/a', () => ({ status: 204 }))]);
    const raw = await connectRaw(port, `DELETE /a HTTP/1.1\r\n${HOST}\r\n`);
    await eventually('an answer', () => raw.text().endsWith('\r\n\r\n'));
    expect(raw.text()).toMatch(/^HTTP\/1.1 204 No Content\r\n/);
    expect(raw.text().toLowerCase()).not.toContain('content-length');
  });

  test('whose answer has a line break in a header gets 500', async () => {
    const { url, logger } = await startServer([
      route('GET', '/a', () => ({ status: 200, headers: { 'x-a': 'b\r\nset-cookie: c' } })),
    ]);
    expect((await fetch(`${url}/a`)).status).toBe(500);
    expect(logger.lines).toHaveLength(1);
  });
});

describe('a body', () => {
  const echo = route('POST', '/echo', (request) => ({ status: 200, body: `${request.body.length}` }));

  test('at the limit is accepted, one byte more is refused, with and without an announced length', async () => {
    const { url } = await startServer([echo]);
    const post = async (bytes: number, chunked: boolean) => {
      const body = Buffer.alloc(bytes, 'x');
      const stream = new Blob([body]).stream();
      const response = await fetch(`${url}/echo`, {
        method: 'POST',
        body: chunked ? stream : body,
        ...(chunked ? { duplex: 'half' } : {}),
      } as RequestInit);
      return [response.status, await response.text()];
    };
    expect(await post(1000, false)).toEqual([200, '1000']);
    expect(await post(1000, true)).toEqual([200, '1000']);
    expect((await post(1001, false))[0]).toBe(413);
    expect((await post(1001, true))[0]).toBe(413);
  });

  test('that is far too large is refused before it arrived, and the client can read the answer', async () => {
    const { url } = await startServer([echo]);
    for (let round = 0; round < 5; round++) {
      const response = await fetch(`${url}/echo`, { method: 'POST', body: Buffer.alloc(20_000_000) });
      expect(response.status).toBe(413);
      expect(((await response.json()) as { error: { code: string } }).error.code).toBe('too_large');
    }
  });

  test('announced as enormous is refused without waiting for it', async () => {
    const { port } = await startServer([echo]);
    const raw = await connectRaw(port, `POST /echo HTTP/1.1\r\n${HOST}Content-Length: 999999999999\r\n\r\nx`);
    await eventually('an answer', () => raw.text().includes('413'));
  });

  test.each([
    '5\r\nContent-Length: 6',
    '5\r\nContent-Length: 5',
    '-1',
    '1e3',
    '5\r\nTransfer-Encoding: chunked',
  ])('of length "%s" is refused', async (length) => {
    let handled = 0;
    const { port } = await startServer([
      route('POST', '/echo', () => {
        handled++;
        return { status: 200 };
      }),
    ]);
    const raw = await connectRaw(
      port,
      `POST /echo HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\nhello`,
    );
    await eventually('a refusal', () => raw.text().includes('400 Bad Request'));
    expect(handled).toBe(0);
  });

  test('that arrives byte by byte is put together', async () => {
    const { port } = await startServer([
      route('POST', '/echo', (request) => ({ status: 200, body: request.body })),
    ]);
    const raw = await connectRaw(port, `POST /echo HTTP/1.1\r\n${HOST}Content-Length: 20\r\n\r\n`);
    for (const letter of 'abcdefghijklmnopqrst') {
      raw.socket.write(letter);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually('the echo', () => raw.text().endsWith('\r\n\r\nabcdefghijklmnopqrst'));
  });

  test('that the client gives up half way never reaches the route, and the server goes on', async () => {
    let handled = 0;
    const { url, port, server } = await startServer([
      route('POST', '/echo', () => {
        handled++;
        return { status: 200 };
      }),
    ]);
    const raw = await connectRaw(port, `POST /echo HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nhalf`);
    raw.socket.destroy();
    await eventually('the end', raw.closed);
    expect((await fetch(`${url}/echo`, { method: 'POST' })).status).toBe(200);
    expect(handled).toBe(1);
    const started = Date.now();
    await server.close();
    expect(Date.now() - started).toBeLessThan(200);
  });
});

describe('a client that goes away', () => {
  test('aborts the signal, and what the handler answers then is dropped', async () => {
    let aborted = false;
    let finish: (() => void) | undefined;
    const { port, url, logger } = await startServer([
      route('GET', '/slow', async (request) => {
        await new Promise<void>((resolve) => {
          finish = resolve;
          request.signal.addEventListener('abort', () => {
            aborted = true;
          });
        });
        return { status: 200, body: 'too late' };
      }),
      route('GET', '/ok', () => ({ status: 200 })),
    ]);
    const raw = await connectRaw(port, `GET /slow HTTP/1.1\r\n${HOST}\r\n`);
    await eventually('the handler to run', () => finish);
    raw.socket.destroy();
    await eventually('the abort', () => aborted);
    finish?.();
    expect((await fetch(`${url}/ok`)).status).toBe(200);
    expect(logger.lines).toEqual([]);
  });

  test('and pipelines while an answer is pending only loses its own connection', async () => {
    const { port, url } = await startServer([
      route('GET', '/a', async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return { status: 200, body: 'a' };
      }),
    ]);
    const raw = await connectRaw(port, `GET /a HTTP/1.1\r\n${HOST}\r\n`.repeat(3));
    await eventually('the connection to end', raw.closed);
    expect((await fetch(`${url}/a`)).status).toBe(200);
  });

  test.each([
    '\0\x01garbage\r\n\r\n',
    'GET / HTTP/1.0\r\n\r\n',
    `GET /${'a'.repeat(60_000)} HTTP/1.1\r\n${HOST}\r\n`,
  ])('after something that is not HTTP/1.1 (case %#) leaves the server alive', async (bytes) => {
    const { port, url } = await startServer([route('GET', '/a', () => ({ status: 200 }))]);
    const raw = await connectRaw(port, bytes);
    await eventually('a refusal', () => /^HTTP\/1.1 (4|5)\d\d /.test(raw.text()) || raw.closed());
    expect((await fetch(`${url}/a`)).status).toBe(200);
  });

  test('with more than a hundred headers is not served', async () => {
    let handled = 0;
    const { port, url } = await startServer([
      route('GET', '/a', () => {
        handled++;
        return { status: 200 };
      }),
    ]);
    const many = Array.from({ length: 150 }, (_, index) => `X-${index}: 1\r\n`).join('');
    const raw = await connectRaw(port, `GET /a HTTP/1.1\r\n${HOST}${many}\r\n`);
    expect((await fetch(`${url}/a`)).status).toBe(200);
    // The library's build for Node 20 says nothing, those for newer ones say 431.
    expect(raw.text()).toMatch(/^(HTTP\/1\.1 431 .*)?$/s);
    expect(handled).toBe(1);
  });
});

test('requests of one keep-alive connection are served one after the other', async () => {
  const { port } = await startServer([
    route('POST', '/a', (request) => ({ status: 200, body: request.body })),
  ]);
  const raw = await connectRaw(port);
  for (const word of ['one', 'two', 'six']) {
    raw.socket.write(`POST /a HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\n${word}`);
    await eventually('the echo', () => raw.text().endsWith(word));
  }
  expect(raw.closed()).toBe(false);
});

test('node:http gets an early refusal of a body it is still sending', async () => {
  const { port } = await startServer([route('POST', '/a', () => ({ status: 200 }))]);
  const status = await new Promise<number>((resolve, reject) => {
    const outgoing = nodeRequest({ port, host: '127.0.0.1', method: 'POST', path: '/a' }, (response) => {
      resolve(response.statusCode ?? 0);
      outgoing.destroy();
    });
    outgoing.on('error', reject);
    outgoing.write(Buffer.alloc(5_000_000));
  });
  expect(status).toBe(413);
});
