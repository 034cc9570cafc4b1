import { expect, it } from 'vitest';
import { AppError } from '../../../server/kernel/errors.ts';
import { REFUSED_FRAMES_MAX, WRONG_FRAMES_MAX } from '../../../server/transports/frames/limits.ts';
import { WrongFrames } from '../../../server/transports/frames/wrong-frames.ts';

const denied = new AppError('forbidden', 'connection_required', '');
const malformed = new AppError('invalid', 'frame_malformed', '');

/** How many times it may be refused in a row. */
function refusalsOf(error: AppError, frames = new WrongFrames()): number {
  let count = 0;
  while (!frames.refused(error)) count++;
  return count;
}

it('a device that sends to one who denied it is cut off late, and one that sends nonsense early', () => {
  expect([refusalsOf(denied), refusalsOf(malformed)]).toEqual([REFUSED_FRAMES_MAX, WRONG_FRAMES_MAX]);
  const mixed = new WrongFrames();
  for (let count = 0; count < 100; count++) mixed.refused(denied);
  expect(refusalsOf(malformed, mixed)).toBe(WRONG_FRAMES_MAX);
});
