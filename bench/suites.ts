import type { BenchSuite } from './harness.ts';

/** A suite as the list shows it; its code is loaded only when it runs. */
export interface SuiteEntry {
  readonly name: string;
  readonly measures: string;
  readonly needs: string;
  readonly load: () => Promise<{ suite: BenchSuite }>;
}

/** Every suite. A new one is a folder and a line here. */
export const suites: readonly SuiteEntry[] = [
  {
    name: 'core',
    measures: 'the compute core beside node:crypto, @noble/hashes, plain objects and BigInt',
    needs: 'build/core.wasm (npm run build); half a minute',
    load: () => import('./core/index.ts'),
  },
  {
    name: 'wamr',
    measures: "the device's core under WAMR on this machine, beside the same bytes in V8",
    needs: 'build/device (npm run device:build); a few seconds',
    load: () => import('./wamr/index.ts'),
  },
];
