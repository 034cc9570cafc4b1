import { defineConfig } from 'vitest/config';

/** A project is a folder of tests/. `integration`, `acceptance` and `device` get a real database and real programs. */
const project = (name: string, options: { testTimeout?: number; database?: boolean } = {}) => ({
  test: {
    name,
    include: [`tests/${name}/**/*.test.ts`],
    testTimeout: options.testTimeout ?? 20_000,
    hookTimeout: 120_000,
    ...(options.database ? { globalSetup: ['tests/support/global-setup.ts'] } : {}),
  },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('architecture'),
      project('unit'),
      project('property', { testTimeout: 60_000 }),
      project('vectors'),
      project('simulation', { testTimeout: 120_000 }),
      project('device', { testTimeout: 60_000, database: true }),
      project('integration', { testTimeout: 60_000, database: true }),
      project('acceptance', { testTimeout: 120_000, database: true }),
    ],
  },
});
