import { expect, it } from 'vitest';
import { repeat } from '../../../server/jobs/repeat.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';

it('a job by lease is done by the node that has it, and by another when that one gives it up', async () => {
  const clock = new FakeClock();
  let holder = 'one';
  const done: string[] = [];
  const jobs = ['one', 'two'].map((name) =>
    repeat(
      {
        operation: 'test.job',
        intervalMs: 10,
        lease: { take: async () => holder === name },
        work: async () => void done.push(name),
      },
      { clock, logger: silentLogger },
    ),
  );
  const rounds = async (count: number) => {
    for (let round = 0; round < count; round++) {
      clock.advance(10);
      await turn(2);
    }
  };
  await rounds(2);
  holder = 'two';
  await rounds(2);
  expect(done).toEqual(['one', 'one', 'two', 'two']);
  for (const job of jobs) await job.stop();
  await rounds(1);
  expect([done.length, clock.pending]).toEqual([4, 0]);
});

it('a job whose lease could not be asked for is tried again', async () => {
  const clock = new FakeClock();
  let failing = true;
  let done = 0;
  const take = async () => {
    if (failing) throw new Error('the database is gone');
    return true;
  };
  const work = async () => {
    done++;
  };
  const job = { operation: 'test.job', intervalMs: 10, lease: { take }, work };
  const repeated = repeat(job, { clock, logger: silentLogger });
  clock.advance(10);
  await turn(2);
  failing = false;
  clock.advance(10);
  await turn(2);
  expect(done).toBe(1);
  await repeated.stop();
});
