import { defineConfig } from 'vitest/config';

const SLOW = 'tests/**/*.slow.test.ts';

interface ProjectOptions {
  readonly testTimeout?: number;
  /** Gets a real database. */
  readonly database?: boolean;
  /** Its files share a process, and what they import: for those that leave nothing behind in it. */
  readonly shared?: boolean;
  /** Its tests; a folder of tests/ otherwise, without the slow ones. */
  readonly include?: string;
}

/** A project is a folder of tests/, but for `slow`: what kills processes, waits for real time limits, or makes a cluster. */
const project = (name: string, options: ProjectOptions = {}) => ({
  test: {
    name,
    include: [options.include ?? `tests/${name}/**/*.test.ts`],
    exclude: options.include === undefined ? [SLOW] : [],
    testTimeout: options.testTimeout ?? 20_000,
    hookTimeout: 120_000,
    isolate: options.shared !== true,
    ...(options.database ? { globalSetup: ['tests/support/global-setup.ts'] } : {}),
  },
});

export default defineConfig({
  test: {
    /** One more than the cores of a small machine: browsers and clients wait more than half of the time. */
    maxWorkers: 3,
    /** What ran in this process: the built program, which some tests start, is not in it. No threshold: read it. */
    coverage: {
      provider: 'v8',
      include: ['server/**/*.ts', 'device/**/*.ts', 'assembly/host/**/*.ts', 'proto/**/*.ts'],
      exclude: ['proto/generated/**', '**/*.d.ts'],
      reporter: ['text-summary', 'html', 'json-summary'],
      reportsDirectory: 'coverage',
    },
    projects: [
      project('architecture'),
      project('unit', { shared: true }),
      project('property', { testTimeout: 60_000, shared: true }),
      project('vectors', { shared: true }),
      project('simulation', { testTimeout: 120_000 }),
      project('device', { testTimeout: 60_000, database: true }),
      project('integration', { testTimeout: 60_000, database: true, shared: true }),
      project('acceptance', { testTimeout: 120_000, database: true, shared: true }),
      project('slow', { testTimeout: 120_000, database: true, include: SLOW }),
    ],
  },
});
