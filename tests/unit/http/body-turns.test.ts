import { expect, it } from 'vitest';
import { createBodyTurns } from '../../../server/platform/http/body-turns.ts';
import { LARGE_BODIES_PAUSE } from '../../../server/platform/http/limits.ts';
import { FakeClock } from '../../support/clock.ts';

const nextImmediates = async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
};

it('hands over one body at a time, in turn by sender, with a pause by the time that the one before took', async () => {
  const clock = new FakeClock();
  const turns = createBodyTurns({ clock });
  const begun: string[] = [];
  const take = (sender: string, name: string) =>
    turns.next(sender).then(() => {
      begun.push(name);
      clock.advance(7);
    });
  for (const name of ['busy 1', 'busy 2', 'busy 3']) void take('busy', name);
  void take('quiet', 'quiet 1');
  await nextImmediates();
  expect(begun).toEqual(['busy 1']);
  clock.advance(7 * LARGE_BODIES_PAUSE - 1);
  await nextImmediates();
  expect(begun).toEqual(['busy 1']);
  clock.advance(1);
  await nextImmediates();
  expect(begun).toEqual(['busy 1', 'busy 2']);
  for (let body = 0; body < 2; body++) {
    clock.advance(7 * LARGE_BODIES_PAUSE);
    await nextImmediates();
  }
  expect(begun).toEqual(['busy 1', 'busy 2', 'quiet 1', 'busy 3']);
});

it('lets a sender of one body at a time begin at once', async () => {
  const clock = new FakeClock();
  const turns = createBodyTurns({ clock });
  const taken: number[] = [];
  for (let body = 0; body < 3; body++) {
    void turns.next('alone').then(() => taken.push(body));
    await nextImmediates();
    clock.advance(0);
  }
  expect(taken).toEqual([0, 1, 2]);
});
