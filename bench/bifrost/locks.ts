import { type BenchSuite, round } from '../harness.ts';
import { startPart } from '../processes/part.ts';
import type { LocksPart } from './locks-part.ts';

/** Callers of the product's locks, which are written together; PostgreSQL's advisory locks have one for each connection. */
const CALLERS = 256;
const CONNECTIONS = 10;
const ROUNDS = 4;
/** Holders that want the same lock. */
const RIVALS = 16;

/** Pairs of acquire and release, each kept before it is told, beside PostgreSQL's advisory locks, which keep nothing. */
export const measureLocks: BenchSuite['run'] = async (report, { seconds, quick }) => {
  const part = startPart<LocksPart>('locks', 'server');
  try {
    await part.call('open', { connections: CONNECTIONS });
    const rounds = quick ? 1 : ROUNDS;
    const [ours, reference]: [number[], number[]] = [[], []];
    for (let count = 0; count < rounds; count++) {
      ours.push(await part.call('runOurs', { seconds, callers: CALLERS }));
      reference.push(await part.call('runReference', { seconds, callers: CONNECTIONS }));
    }
    const alone = await part.call('runOurs', { seconds, callers: CONNECTIONS });
    report({
      name: 'locks',
      ours: round(Math.max(...ours)),
      reference: round(Math.max(...reference)),
      ratio: round(Math.max(...ours) / Math.max(...reference)),
      unit: 'pairs/s',
      runs: rounds,
      note: `${CALLERS} callers; with ${CONNECTIONS} ours makes ${round(alone)} pairs/s`,
    });
    const grants = await part.call('runRivals', { seconds, callers: RIVALS });
    const [most, least] = [Math.max(...grants), Math.min(...grants)];
    report({
      name: 'locks-fair',
      ours: most,
      reference: least,
      ratio: round(least / most),
      unit: 'grants',
      runs: 1,
      note: `the most and the least of ${RIVALS} rivals for one lock; goal: within 2, a ratio of 0.5`,
    });
    await part.call('close', null);
  } finally {
    await part.stop();
  }
};
