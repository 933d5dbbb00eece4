import { defineConfig } from 'vitest/config';

/** The long versions of the crash, fuzz and load tests: `npm run test:soak`. */
export default defineConfig({
  test: {
    include: ['test/soak/**/*.soak.ts'],
    testTimeout: 4 * 60 * 60_000,
    hookTimeout: 60_000,
    // They measure, so they do not share the machine with each other.
    fileParallelism: false,
  },
});
