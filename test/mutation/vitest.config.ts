import { existsSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const tests = (process.env.MUTATION_TESTS ?? '').split(',');

/** To load what makes random input takes as long as most tests: it is not loaded for tests that use none. */
const mayBeRandom = tests.some(
  (test) => !existsSync(test) || readFileSync(test, 'utf8').includes('support/property'),
);

// Stryker runs one project, and only the tests that it is told: a fault that other tests notice by chance is not tested.
export default defineConfig({
  test: {
    include: tests,
    // Stryker has one thread for all files and begins another for each fault: no fault reaches the next.
    isolate: false,
    setupFiles: mayBeRandom ? ['test/mutation/seed.ts'] : [],
    testTimeout: 60_000,
  },
});
