import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Tests mostly wait: for processes, disks, and what is meant to take its time. Two cores have room for four.
    maxWorkers: 4,
  },
});
