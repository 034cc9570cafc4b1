import { readFileSync } from 'node:fs';
import { loadServerCore, type ServerCore } from '../../assembly/host/node.ts';
import { checkoutFolder } from '../../device/node/checkout.ts';
import { type BenchResult, type BenchSuite, compare } from '../harness.ts';
import { compareScores } from './scores.ts';
import { compareSelection } from './selection.ts';
import { compareSignatures } from './signatures.ts';

/** The compute core beside what a Node program would use instead. */
export const suite: BenchSuite = {
  name: 'core',
  run: async (report) => {
    const core = loadCore();
    const comparisons = [
      ...compareSignatures(core),
      ...compareScores(core),
      compareSelection(core, 20),
      compareSelection(core, 10_000),
    ];
    for (const prepare of comparisons) {
      const result: BenchResult = compare(prepare());
      report(result);
      // Lets Ctrl-C through between two figures.
      await new Promise(setImmediate);
    }
  },
};

function loadCore(): ServerCore {
  const file = `${checkoutFolder()}build/core.wasm`;
  try {
    return loadServerCore(readFileSync(file));
  } catch (cause) {
    throw new Error(`build/core.wasm can't be loaded; run npm run build first (${String(cause)})`, { cause });
  }
}
