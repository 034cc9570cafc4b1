import type { BenchSuite } from '../harness.ts';
import { measureDirect } from './direct.ts';
import { measureLocks } from './locks.ts';

/** The figures of Bifrost, one file each; a new one is a file and a line here. */
const FIGURES: readonly BenchSuite['run'][] = [measureLocks, measureDirect];

/** What connected devices do with each other, each figure beside the least that it could take. */
export const suite: BenchSuite = {
  name: 'bifrost',
  run: async (report, options) => {
    for (const measure of FIGURES) await measure(report, options);
  },
};
