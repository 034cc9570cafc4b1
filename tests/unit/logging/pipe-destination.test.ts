import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createLogger } from '../../../server/platform/logging/index.ts';
import { createPipeDestination } from '../../../server/platform/logging/pipe-destination.ts';

/** A reader that takes nothing until it is told to. */
function createStalledReader() {
  const lines: string[] = [];
  let takeNext = () => {};
  let stalled = true;
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      if (stalled) takeNext = done;
      else done();
    },
  });
  const goOn = async () => {
    stalled = false;
    takeNext();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { stream, lines, goOn };
}

test('lines for a reader that has stopped are bounded, and how many were lost is said when it goes on', async () => {
  const { stream, lines, goOn } = createStalledReader();
  const log = createPipeDestination(stream, (count) => `lost ${count}`);
  const sent = 30;
  for (let line = 0; line < sent; line++) log.write('x'.repeat(100_000));
  expect(stream.writableLength).toBeLessThanOrEqual(1_000_000);
  await goOn();
  const lost = Number(lines.at(-1)?.split(' ')[1]);
  expect(lost).toBeGreaterThan(0);
  expect(lines.length - 1 + lost).toBe(sent);
});

test('a flush ends in time while nobody reads', async () => {
  const { stream } = createStalledReader();
  const logger = createLogger({ level: 'info', destination: stream });
  logger.info({}, 'first');
  await logger.flush(1);
  expect(stream.writableLength).toBeGreaterThan(0);
});
