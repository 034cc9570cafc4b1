import { expect, it } from 'vitest';
import { RECORDS_MAX } from '../../../server/domains/audit/limits.ts';
import { OccasionalRoom } from '../../../server/domains/audit/occasional-room.ts';
import { asId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';

const MINUTES_OF_A_WEEK = 7 * 24 * 60;
const [hostile, other] = ['1', '2'].map((id) => asId<TenantId>(id)) as [TenantId, TenantId];

it('who is refused all the time, for a week, leaves more than half of its log to what was done, and all are counted', () => {
  const clock = new FakeClock();
  const room = new OccasionalRoom(clock);
  let kept = 0;
  let leftOut = 0;
  let lastMinute = 0;
  for (let minute = 0; minute < MINUTES_OF_A_WEEK; minute++) {
    lastMinute = 0;
    for (let refusal = 0; refusal < 121; refusal++) {
      const before = room.take(hostile);
      if (before === null) continue;
      lastMinute++;
      leftOut += before;
    }
    kept += lastMinute;
    clock.advance(60_000);
  }
  expect(kept).toBeLessThan(RECORDS_MAX / 2);
  expect(lastMinute).toBeGreaterThan(0);
  expect(kept + leftOut).toBe(MINUTES_OF_A_WEEK * 121 - 120);
  expect(Array.from({ length: 121 }, () => room.take(other))).toEqual([...Array(120).fill(0), null]);
});
