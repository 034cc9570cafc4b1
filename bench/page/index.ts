import type { BenchSuite } from '../harness.ts';
import { startProduct } from '../processes/product.ts';
import { compareFiles } from './files.ts';
import { compareLists } from './lists.ts';
import { compareLive } from './live.ts';

/** The page as people have it: in a browser, from the server as it is shipped. */
export const suite: BenchSuite = {
  name: 'page',
  run: async (report, options) => {
    const product = await startProduct();
    try {
      await compareFiles(product, report, options);
      // Before there are other devices than those of the lists.
      await compareLists(product, report, options);
      await compareLive(product, report, options);
    } finally {
      await product.stop();
    }
  },
};
