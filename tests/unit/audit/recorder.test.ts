import { expect, it } from 'vitest';
import {
  RECORDS_MAX,
  UNKNOWN_PER_DAY_MAX,
  UNKNOWN_PER_MINUTE_MAX,
} from '../../../server/domains/audit/limits.ts';
import { createAuditRecorder } from '../../../server/domains/audit/recorder.ts';
import type { NotedRecord } from '../../../server/domains/audit/types.ts';
import { FakeClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';

const MINUTES_OF_A_MONTH = 30 * 24 * 60;

it('strangers who register all the time leave room for a month of what operators did, and are counted', async () => {
  const clock = new FakeClock();
  const kept: NotedRecord[] = [];
  const recorder = createAuditRecorder({
    store: { note: async (records) => void kept.push(...records) },
    clock,
    logger: silentLogger,
    noted: () => {},
  });
  const registration = {
    operation: 'users.register',
    audit: 'change',
    actor: null,
    requestId: 'one',
  } as const;
  const register = async (isInTransaction: boolean) => {
    const entry = recorder.begin(registration);
    entry.run(() => {
      const owed = isInTransaction ? recorder.owedTo(null) : null;
      if (owed === null) return;
      kept.push(owed.record);
      owed.kept();
    });
    await entry.end(null);
  };
  for (let number = 0; number < UNKNOWN_PER_MINUTE_MAX + 1; number++) await register(number % 2 === 0);
  expect(kept).toHaveLength(UNKNOWN_PER_MINUTE_MAX);
  clock.advance(60_000);
  await register(true);
  expect(kept.at(-1)).toMatchObject({ operation: 'users.register', leftOut: 1 });
  for (let minute = 1; minute < 24 * 60; minute++) {
    for (let number = 0; number < 4; number++) await register(true);
    clock.advance(60_000);
  }
  const perDay = kept.length;
  expect(perDay).toBeGreaterThan(UNKNOWN_PER_DAY_MAX);
  expect((perDay / (24 * 60)) * MINUTES_OF_A_MONTH).toBeLessThan(RECORDS_MAX);
});
