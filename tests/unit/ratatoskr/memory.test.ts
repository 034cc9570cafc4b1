import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { StreamCredit } from '../../../server/transports/ratatoskr/answer-stream.ts';
import { ArrivingInput } from '../../../server/transports/ratatoskr/arriving-input.ts';
import { STREAM_WINDOW_BYTES } from '../../../server/transports/ratatoskr/limits.ts';

it('input in small pieces takes twice its length at most, whatever else their messages held', () => {
  const input = new ArrivingInput();
  for (let byte = 0; byte < 1_000; byte++) input.add(new Uint8Array(65_536).fill(byte).subarray(0, 1));
  expect(input.bytes).toEqual(Uint8Array.from({ length: 1_000 }, (_, index) => index));
  expect(input.bytes.buffer.byteLength).toBeLessThanOrEqual(2_000);
});

it('credit byte by byte leaves nothing behind while an answer waits for it', async () => {
  const credit = new StreamCredit();
  const { signal } = new AbortController();
  const isTaken = credit.take(STREAM_WINDOW_BYTES + 100, signal);
  for (let byte = 1; byte < 100; byte++) {
    credit.add(1);
    // What waits for it goes on in turns of its own.
    await new Promise(setImmediate);
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  credit.add(1);
  await isTaken;
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
