import { expect, it } from 'vitest';
import { SendTimes } from '../../../bench/load/send-times.ts';

it('times messages in the order they were sent', () => {
  const times = new SendTimes();
  times.sent(2, 10);
  times.sent(1, 20);
  expect(times.received(1, 15)).toEqual([5]);
  expect(times.received(2, 40)).toEqual([30, 20]);
});

it('gives no time to what arrives again, and counts it', () => {
  const times = new SendTimes();
  times.sent(1, 10);
  expect(times.received(3, 12)).toEqual([2]);
  expect(times.unknown).toBe(2);
  times.sent(1, 20);
  expect(times.received(1, 27)).toEqual([7]);
});
