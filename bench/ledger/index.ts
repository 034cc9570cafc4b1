import { type BenchSuite, round } from '../harness.ts';
import { startPart } from '../processes/part.ts';
import type { LedgerPart } from './part.ts';

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
      const [ours, reference]: [number[], number[]] = [[], []];
      for (let count = 0; count < rounds; count++) {
        ours.push(await ledger.call('runOurs', { seconds, callers: CALLERS }));
        reference.push(await ledger.call('runReference', { seconds, callers: CONNECTIONS }));
      }
      await ledger.call('close', null);
      report({
        name: 'ledger-pairs',
        ours: round(Math.max(...ours)),
        reference: round(Math.max(...reference)),
        ratio: round(Math.max(...ours) / Math.max(...reference)),
        unit: 'pairs/s',
        runs: rounds,
      });
    } finally {
      await ledger.stop();
    }
  },
};
