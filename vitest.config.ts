import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 40_000,
    hookTimeout: 40_000,
    // Tests mostly wait: for processes, disks, and what is meant to take its time. Two cores have room for four.
    maxWorkers: 4,
  },
});
