import { describe, expect, test } from 'vitest';
import { watchDescriptors } from '../../../server/platform/listening/descriptor-watch.ts';
import { DESCRIPTORS_INTERVAL_MS, SPARE_DESCRIPTORS } from '../../../server/platform/listening/limits.ts';
import { keepingLogger } from '../../integration/http/server-under-test.ts';
import { FakeClock } from '../../support/clock.ts';

function start() {
  const clock = new FakeClock();
  const logger = keepingLogger();
  const world = { left: 100, canGoOn: true };
  const events: string[] = [];
  const watch = watchDescriptors(
    { clock, logger },
    {
      exhausted: () => void events.push('exhausted'),
      free: () => {
        events.push(world.canGoOn ? 'free' : 'still');
        return world.canGoOn;
      },
    },
    (count) => world.left >= count,
  );
  const look = () => clock.advance(DESCRIPTORS_INTERVAL_MS);
  return { world, events, look, watch, messages: () => logger.lines.map(({ message }) => message) };
}

describe('the watch over descriptors', () => {
  test('tells once when hardly any are left, and once when twice as many are there again', () => {
    const { world, events, look, messages } = start();
    look();
    world.left = SPARE_DESCRIPTORS - 1;
    for (let round = 0; round < 5; round++) look();
    expect(events).toEqual(['exhausted']);
    world.left = 2 * SPARE_DESCRIPTORS - 1;
    look();
    expect(events).toEqual(['exhausted']);
    world.left = 2 * SPARE_DESCRIPTORS;
    for (let round = 0; round < 5; round++) look();
    expect(events).toEqual(['exhausted', 'free']);
    expect(messages()).toEqual([
      'no descriptors are left: no connections are taken',
      'there are descriptors again: connections are taken',
    ]);
  });

  test('tries again to go on where that failed, and says nothing until it did', () => {
    const { world, events, look, messages } = start();
    world.left = 0;
    look();
    Object.assign(world, { left: 100, canGoOn: false });
    look();
    look();
    world.canGoOn = true;
    look();
    expect(events).toEqual(['exhausted', 'still', 'still', 'free']);
    expect(messages()).toHaveLength(2);
  });

  test('ends when it is stopped', () => {
    const { world, events, look, watch } = start();
    watch.stop();
    world.left = 0;
    look();
    expect(events).toEqual([]);
  });
});
