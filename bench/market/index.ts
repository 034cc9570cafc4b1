import { spawn } from 'node:child_process';
import { checkoutFolder } from '../../device/node/checkout.ts';
import type { BenchSuite } from '../harness.ts';

/** The seeded simulation of the market's choice, which prints a table of its own and measures no time. */
export const suite: BenchSuite = {
  name: 'market',
  run: async (_report, { quick }) => {
    const { SEEDS = quick ? '1' : '3' } = process.env;
    const child = spawn(process.execPath, ['--import', 'tsx', 'tests/simulation/choice/command.ts'], {
      cwd: checkoutFolder(),
      env: { ...process.env, SEEDS, ...(quick ? { FEW: '1' } : {}) },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    if (code !== 0) throw new Error(`The simulation ended with ${code}.`);
  },
};
