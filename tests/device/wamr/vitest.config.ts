import { defineConfig } from 'vitest/config';

/** `npm run device:test`: apart from the other tests, because it needs the native build. */
export default defineConfig({
  test: {
    name: 'wamr',
    include: ['tests/device/wamr/**/*.spec.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    maxWorkers: 2,
  },
});
