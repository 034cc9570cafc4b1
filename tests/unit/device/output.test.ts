import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createOutput } from '../../../device/node/output.ts';

/** A pipe whose reader takes a line when it is told to. */
function pipe() {
  const read: string[] = [];
  let waiting: (() => void) | null = null;
  const stream = new Writable({
    write(chunk, _encoding, done) {
      read.push(String(chunk));
      waiting = done;
    },
  });
  const take = async () => {
    const done = waiting;
    waiting = null;
    done?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { stream, read, take };
}

describe('output whose reader has stopped', () => {
  it('keeps a bounded part, counts what is lost, and says so once there is room', async () => {
    const { stream, read, take } = pipe();
    const output = createOutput(stream);
    for (let index = 0; index < 10_000; index++) output.line('x'.repeat(99));
    expect(stream.writableLength).toBeLessThanOrEqual(100_100);
    while (stream.writableLength > 0) await take();
    output.line('again');
    while (stream.writableLength > 0) await take();
    expect(read.slice(-2)).toEqual(['8999 lines were lost: nobody read them\n', 'again\n']);
  });

  it('is not waited for at the end', async () => {
    const { stream, take } = pipe();
    const output = createOutput(stream, 1);
    expect(await output.flush()).toBe(true);
    output.line('x');
    expect(await output.flush()).toBe(false);
    while (stream.writableLength > 0) await take();
    expect(await output.flush()).toBe(true);
  });

  it('who is gone ends nothing', async () => {
    const { stream } = pipe();
    const output = createOutput(stream);
    stream.destroy(new Error('EPIPE'));
    await new Promise((resolve) => setImmediate(resolve));
    output.line('x');
    expect(await output.flush()).toBe(true);
  });
});
