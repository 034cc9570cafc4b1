import type { BenchSuite } from '../harness.ts';
import { compareHandshakes } from './handshakes.ts';
import { compareKnownTokens } from './known-tokens.ts';
import { timeRevocation } from './revocation.ts';
import { compareSignIns } from './sign-ins.ts';

/** What it costs to know who somebody is. */
export const suite: BenchSuite = {
  name: 'identity',
  run: async (report, options) => {
    await compareKnownTokens(report, options);
    await compareHandshakes(report, options);
    await compareSignIns(report, options);
    await timeRevocation(report, options);
  },
};
