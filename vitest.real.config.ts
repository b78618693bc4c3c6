import { defineConfig } from 'vitest/config';

/** Tests against real servers; each skips with a sentence where its server is not to be had. */
export default defineConfig({
  test: {
    include: ['test/**/*.real.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});
