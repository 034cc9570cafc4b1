import { describe, expect, it } from 'vitest';
import { connectRaw, eventually, route, startServer } from './server-under-test.ts';

const HEAD = 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n';

const echo = () =>
  startServer(
    [route('POST', '/echo', (request) => ({ status: 200, body: `${request.body.length} bytes` }), 1_000)],
    [],
    { arrivingBodyBytesMax: 8_000 },
  );

/** Six connections with 900 bytes each of a body that doesn't end: more than half of the room. */
async function fill(port: number, localAddress: string) {
  const raws = await Promise.all(Array.from({ length: 6 }, () => connectRaw(port, '', localAddress)));
  for (const raw of raws) raw.socket.write(HEAD + 'x'.repeat(900));
  const refused = () => raws.filter((raw) => raw.text().includes('unavailable'));
  await eventually('two are refused', () => refused().length === 2);
  return raws;
}

describe('bodies that are arriving', () => {
  it('of one address leave room for those of another', async () => {
    const { port } = await echo();
    const raws = await fill(port, '127.0.0.2');
    expect(raws.filter((raw) => raw.text() !== '')).toHaveLength(2);
    const other = await connectRaw(port, HEAD + 'x'.repeat(1_000));
    await eventually('the answer', () => other.text().endsWith('1000 bytes'));
  });

  it('give their room back when they are complete', async () => {
    const { port } = await echo();
    for (let round = 0; round < 3; round++) {
      const raws = await fill(port, '127.0.0.2');
      const waiting = raws.filter((raw) => raw.text() === '');
      expect(waiting).toHaveLength(4);
      for (const raw of waiting) raw.socket.write('x'.repeat(100));
      await eventually('the answers', () => waiting.every((raw) => raw.text().endsWith('1000 bytes')));
    }
  });

  it('give their room back when their connection ends', async () => {
    const { port } = await echo();
    for (const raw of await fill(port, '127.0.0.2')) raw.socket.destroy();
    // The server hears of it a moment later; then all of it is free again.
    let isServed = false;
    while (!isServed) {
      const raws = await Promise.all(
        Array.from({ length: 4 }, () => connectRaw(port, HEAD + 'x'.repeat(900), '127.0.0.2')),
      );
      for (const raw of raws) raw.socket.write('x'.repeat(100));
      await eventually('the answers', () => raws.every((raw) => raw.text() !== ''));
      isServed = raws.every((raw) => raw.text().endsWith('1000 bytes'));
    }
  });
});
