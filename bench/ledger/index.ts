import { type BenchResult, type BenchSuite, round } from '../harness.ts';
import { startPart } from '../processes/part.ts';
import type { LedgerPairs, LedgerPart } from './part.ts';

/** Callers of the product's ledger, which groups those that wait; the function has one for each connection. */
const CALLERS = 256;
const CONNECTIONS = 10;
const ROUNDS = 4;

/** Pairs of a hold and its post: the product's ledger beside a function in the database for each pair. */
export const suite: BenchSuite = {
  name: 'ledger',
  run: async (report, { seconds, quick }) => {
    const ledger = startPart<LedgerPart>('ledger', 'server');
    try {
      await ledger.call('open', null);
      const rounds = quick ? 1 : ROUNDS;
      const [ours, reference]: [LedgerPairs[], LedgerPairs[]] = [[], []];
      for (let count = 0; count < rounds; count++) {
        ours.push(await ledger.call('runOurs', { seconds, callers: CALLERS }));
        reference.push(await ledger.call('runReference', { seconds, callers: CONNECTIONS }));
      }
      await ledger.call('close', null);
      const rates = [ours, reference].map((runs) => Math.max(...runs.map(({ perSecond }) => perSecond)));
      const times = [ours, reference].map((runs) =>
        Math.min(...runs.map(({ cpuMicroseconds }) => cpuMicroseconds)),
      );
      report(beside('ledger-pairs', rates as Pair, 'pairs/s', rounds));
      report(beside('ledger-pairs-cpu', times as Pair, 'us/pair', rounds));
    } finally {
      await ledger.stop();
    }
  },
};

type Pair = [ours: number, reference: number];

/** Both figures, with a ratio that is above 1 where ours is the better. */
function beside(
  name: string,
  [ours, reference]: Pair,
  unit: 'pairs/s' | 'us/pair',
  runs: number,
): BenchResult {
  const ratio = unit === 'pairs/s' ? ours / reference : reference / ours;
  return { name, ours: round(ours), reference: round(reference), ratio: round(ratio), unit, runs };
}
