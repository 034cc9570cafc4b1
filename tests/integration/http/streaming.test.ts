import { expect, test } from 'vitest';
import { AppError } from '../../../server/kernel/errors.ts';
import { connectRaw, eventually, route, startServer } from './server-under-test.ts';

const GET = 'GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n';

test('a streamed body arrives chunk by chunk, empty chunks included, and ends', async () => {
  let release: (() => void) | undefined;
  const { url } = await startServer([
    route('GET', '/stream', () => ({
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: (async function* () {
        yield 'first ';
        yield '';
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        yield 'sécond';
      })(),
    })),
  ]);
  const response = await fetch(`${url}/stream`);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('first ');
  release?.();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('sécond');
  expect((await reader.read()).done).toBe(true);
});

test('a reader that stops reading stops the writer, and gets everything when it goes on', async () => {
  const chunk = 'x'.repeat(64 * 1024);
  const chunks = 400;
  let produced = 0;
  const { port } = await startServer([
    route('GET', '/stream', () => ({
      status: 200,
      body: (async function* () {
        for (; produced < chunks; produced++) yield chunk;
      })(),
    })),
  ]);
  const raw = await connectRaw(port);
  raw.socket.pause();
  raw.socket.write(GET);
  let seen = -1;
  let still = 0;
  await eventually('the writer to stop', async () => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    still = produced > 0 && produced === seen ? still + 1 : 0;
    seen = produced;
    return still === 20;
  });
  expect(produced).toBeLessThan(chunks);
  raw.socket.resume();
  await eventually('the end', () => raw.text().endsWith('0\r\n\r\n'));
  const body = raw.text().slice(raw.text().indexOf('\r\n\r\n') + 4);
  expect(body.replaceAll(/\r?\n?[0-9a-f]+\r\n/g, '').trim().length).toBe(chunks * chunk.length);
});

test('a reader that goes away ends the generator and aborts the signal', async () => {
  let cleaned = false;
  let aborted = false;
  const { port } = await startServer([
    route('GET', '/stream', (request) => ({
      status: 200,
      body: (async function* () {
        try {
          yield 'begin';
          await new Promise<void>((resolve) => {
            request.signal.addEventListener('abort', () => {
              aborted = true;
              resolve();
            });
          });
          yield 'nobody reads this';
        } finally {
          cleaned = true;
        }
      })(),
    })),
  ]);
  const raw = await connectRaw(port, GET);
  await eventually('the first chunk', () => raw.text().includes('begin'));
  raw.socket.destroy();
  await eventually('the clean-up', () => cleaned && aborted);
});

test('an error before the first chunk is a plain error answer', async () => {
  const { url, logger } = await startServer([
    route('GET', '/stream', () => ({
      status: 200,
      body: {
        [Symbol.asyncIterator]: () => ({
          next: () => Promise.reject(new AppError('unavailable', 'unavailable', 'no provider')),
        }),
      },
    })),
  ]);
  expect((await fetch(`${url}/stream`)).status).toBe(503);
  expect(logger.lines).toEqual([]);
});

test('an error after the first chunk cuts the connection instead of pretending an end', async () => {
  let fail: (() => void) | undefined;
  const { port, url, logger } = await startServer([
    route('GET', '/stream', () => ({
      status: 200,
      body: (async function* () {
        yield 'begin';
        await new Promise<void>((resolve) => {
          fail = resolve;
        });
        throw new Error('boom');
      })(),
    })),
    route('GET', '/ok', () => ({ status: 200 })),
  ]);
  const raw = await connectRaw(port, GET);
  await eventually('the first chunk', () => raw.text().includes('begin'));
  fail?.();
  await eventually('the cut', raw.closed);
  expect(raw.text()).not.toMatch(/0\r\n\r\n$/);
  expect(logger.lines).toHaveLength(1);
  expect((await fetch(`${url}/ok`)).status).toBe(200);
});

test('HEAD of a streamed answer never runs the generator', async () => {
  let ran = false;
  const { url } = await startServer([
    route('GET', '/stream', () => ({
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: (async function* () {
        ran = true;
        yield 'x';
      })(),
    })),
  ]);
  const response = await fetch(`${url}/stream`, { method: 'HEAD' });
  expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
    200,
    'text/event-stream',
    '',
  ]);
  expect(ran).toBe(false);
});

test('a cut ends the answer to a reader that has stopped reading, too', async () => {
  const cut = new AbortController();
  let ended = false;
  const { port } = await startServer([
    route('GET', '/stream', () => ({
      status: 200,
      cut: cut.signal,
      body: (async function* () {
        try {
          while (!cut.signal.aborted) yield 'x'.repeat(64 * 1024);
          throw new AppError('unauthenticated', 'unauthenticated', 'It was cut.');
        } finally {
          ended = true;
        }
      })(),
    })),
  ]);
  const raw = await connectRaw(port);
  raw.socket.pause();
  raw.socket.write(GET);
  await eventually('the answer to wait for its reader', async () => {
    const before = raw.socket.bytesRead;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return before === raw.socket.bytesRead;
  });
  cut.abort();
  await eventually('the end of the answer', () => ended);
  raw.socket.resume();
  await eventually('the end of the connection', raw.closed);
  expect(raw.text().endsWith('0\r\n\r\n')).toBe(false);
});
