import path from 'node:path';
import { defineConfig } from 'vitest/config';

// Hundreds of processes are started from the same sources: Node.js compiles each file once, not once per process.
process.env.NODE_COMPILE_CACHE ??= path.join(import.meta.dirname, 'node_modules/.cache/node-compile-cache');

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/helpers/shared-postgres.ts'],
    testTimeout: 40_000,
    hookTimeout: 40_000,
    // What is waited for comes at once, unless the machine is busy.
    expect: { poll: { timeout: 10_000 } },
    // One more try on a machine that is not ours: of 3,600 tests one may meet a moment in which nothing moves.
    retry: process.env.CI ? 1 : 0,
    // Nothing in src/ keeps state in a module, so that files can share a worker: each would load all modules again.
    isolate: false,
    // Tests mostly wait: for processes, disks, and what is meant to take its time. Two cores have room for four.
    maxWorkers: 4,
  },
});
