import { expect, test } from 'vitest';
import { connectRaw, eventually, route, startServer } from './server-under-test.ts';

const second = () => new Promise((resolve) => setTimeout(resolve, 1_000));

const echo = () =>
  startServer([
    route('POST', '/echo', (request) => ({ status: 200, body: `${request.body.length}` }), 100_000),
  ]);

test('a body of 60 KB at 4 KB/s is served', async () => {
  const { port } = await echo();
  const raw = await connectRaw(port, 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n');
  for (let sent = 0; sent < 60_000; sent += 4_000) {
    raw.socket.write(Buffer.alloc(4_000));
    await second();
  }
  await eventually('the answer', () => raw.text().endsWith('60000'));
}, 40_000);

test('a body of a hundred bytes a second is cut off', async () => {
  const { port } = await echo();
  const raw = await connectRaw(port, 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n');
  for (let round = 0; round < 15 && !raw.closed(); round++) {
    raw.socket.write(Buffer.alloc(100));
    await second();
  }
  expect(raw.closed()).toBe(true);
}, 40_000);
