import { defineConfig } from 'vitest/config';

/** The suffix of a test file is its kind (CONTRIBUTING.md); everything but `.real.test.ts` runs here. */
export default defineConfig({
  test: {
    setupFiles: ['test/support/seed.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.real.test.ts', 'node_modules/**'],
    // A machine that others keep busy takes ten times as long; what times itself says so in its test.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    maxWorkers: 2,
  },
});
