import { defineConfig } from 'vitest/config';

/** The suffix of a test file is its kind (CONTRIBUTING.md); everything but `.real.test.ts` runs here. */
export default defineConfig({
  test: {
    setupFiles: ['test/support/seed.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.real.test.ts', 'node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
});
