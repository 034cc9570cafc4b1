import { describe, expect, test } from 'vitest';
import { AppError } from '../../../server/kernel/errors.ts';
import type { HttpRoute } from '../../../server/platform/http/types.ts';
import { connectRaw, eventually, startServer } from './server-under-test.ts';

const BODY_BYTES = 100_000;

/** A route that lets in who has a token, once `looked` has resolved. */
function upload(
  looked: () => Promise<unknown> = async () => undefined,
  bodyBytesMax = BODY_BYTES,
): HttpRoute {
  return {
    method: 'POST',
    path: '/upload',
    bodyBytesMax,
    async handle(request) {
      const token = request.header('authorization');
      if (token !== undefined) await looked();
      if (token !== 'known') throw new AppError('unauthenticated', 'unauthenticated', 'Who are you?');
      const body = await request.receiveBody({ principalId: 'ann', tenantId: 'house' });
      return { status: 200, body: `${body.length} bytes` };
    },
  };
}

const head = (token: string | null, bytes = BODY_BYTES) =>
  `POST /upload HTTP/1.1\r\nHost: a\r\n${token === null ? '' : `Authorization: ${token}\r\n`}Content-Length: ${bytes}\r\n\r\n`;

describe('a body of a sender without a token', () => {
  test('is neither waited for nor kept: a thousand halves hold nothing, and an upload beside them passes', async () => {
    // No room at all but for one body.
    const { port } = await startServer([upload()], [], { arrivingBodyBytesMax: 2 * BODY_BYTES });
    const raws = await Promise.all(
      Array.from({ length: 1_000 }, () => connectRaw(port, head(null) + 'x'.repeat(BODY_BYTES / 2))),
    );
    await eventually('all are answered', () => raws.every((raw) => raw.text().includes('unauthenticated')));
    const legitimate = await connectRaw(port, head('known') + 'x'.repeat(BODY_BYTES / 2));
    for (const raw of raws) raw.socket.write('x'.repeat(1_000));
    legitimate.socket.write('x'.repeat(BODY_BYTES / 2));
    await eventually('the upload', () => legitimate.text().endsWith(`${BODY_BYTES} bytes`));
    expect(raws.filter((raw) => raw.closed())).toEqual([]);
  }, 30_000);

  test('is refused before it is said to be too large', async () => {
    const { port } = await startServer([upload()]);
    const unknown = await connectRaw(port, head(null, 1_000_000));
    await eventually('an answer', () => unknown.text().includes('unauthenticated'));
    const known = await connectRaw(port, head('known', 1_000_000));
    await eventually('an answer', () => known.text().includes('too_large'));
  });
});

describe('a body of a sender who is being looked up', () => {
  const BYTES = 30_000_000;

  test('stays with the client until it is known who that is', async () => {
    let found: () => void = () => undefined;
    const looked = new Promise<void>((resolve) => {
      found = resolve;
    });
    const { port } = await startServer([upload(() => looked, BYTES)]);
    const raw = await connectRaw(port, head('known', BYTES) + 'x'.repeat(BYTES));
    for (let round = 0; round < 100; round++) {
      const other = await connectRaw(port, head(null));
      await eventually('a round trip', () => other.text() !== '');
    }
    expect(raw.socket.writableLength).toBeGreaterThan(BYTES / 2);
    found();
    await eventually('the upload', () => raw.text().endsWith(`${BYTES} bytes`));
  }, 30_000);

  test("is dropped when the token is nobody's, and the connection serves on", async () => {
    const { port } = await startServer([upload()]);
    const raw = await connectRaw(port, head('wrong') + 'x'.repeat(10));
    await eventually('an answer', () => raw.text().includes('unauthenticated'));
    raw.socket.write(`${'x'.repeat(BODY_BYTES - 10)}${head('known', 5)}hello`);
    await eventually('the next answer', () => raw.text().endsWith('5 bytes'));
  });

  test('gives its room back when the client leaves meanwhile', async () => {
    let found: () => void = () => undefined;
    const looked = new Promise<void>((resolve) => {
      found = resolve;
    });
    const { port } = await startServer([upload(() => looked)], [], { arrivingBodyBytesMax: 2 * BODY_BYTES });
    for (let round = 0; round < 5; round++) {
      const raw = await connectRaw(port, head('known') + 'x'.repeat(BODY_BYTES / 2));
      const other = await connectRaw(port, head(null));
      await eventually('a round trip', () => other.text() !== '');
      raw.socket.resetAndDestroy();
    }
    found();
    await eventually('an upload', async () => {
      const raw = await connectRaw(port, head('known') + 'x'.repeat(BODY_BYTES));
      await eventually('an answer', () => raw.text() !== '');
      return raw.text().endsWith(`${BODY_BYTES} bytes`);
    });
  });
});

test('bodies that nobody need be known for share little room', async () => {
  const { port } = await startServer(
    [
      {
        method: 'POST',
        path: '/public',
        bodyBytesMax: BODY_BYTES,
        handle: async (request) => ({
          status: 200,
          body: `${(await request.receiveBody(null)).length} bytes`,
        }),
      },
    ],
    [],
    { anonymousBodyBytesMax: 2 * BODY_BYTES },
  );
  const start = head(null).replace('/upload', '/public');
  const raws = await Promise.all(
    Array.from({ length: 6 }, () => connectRaw(port, start + 'x'.repeat(BODY_BYTES / 2), '127.0.0.2')),
  );
  await eventually(
    'those above one half are refused',
    () => raws.filter((raw) => raw.text() !== '').length === 4,
  );
  expect(raws.filter((raw) => raw.text().includes('unavailable'))).toHaveLength(4);
  const other = await connectRaw(port, start + 'x'.repeat(BODY_BYTES));
  await eventually('the answer', () => other.text().endsWith(`${BODY_BYTES} bytes`));
});
