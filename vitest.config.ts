import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 40_000,
    hookTimeout: 40_000,
    // What is waited for comes at once, unless the machine is busy.
    expect: { poll: { timeout: 10_000 } },
    // Tests mostly wait: for processes, disks, and what is meant to take its time. Two cores have room for four.
    maxWorkers: 4,
  },
});
