import { defineConfig } from 'vitest/config';

/** Tests against real servers; each skips with a sentence where its server is not to be had. */
export default defineConfig({
  test: {
    setupFiles: ['test/support/seed.ts'],
    include: ['test/**/*.real.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    // Servers of other projects, on a machine that others may use too: what fails twice is a failure.
    retry: 1,
  },
});
