import { defineConfig } from 'vitest/config';

/** `npm run test:foreign`: programs that others wrote, as they are published. They install for minutes. */
export default defineConfig({
  test: {
    include: ['tests/foreign/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 900_000,
    hookTimeout: 900_000,
  },
});
