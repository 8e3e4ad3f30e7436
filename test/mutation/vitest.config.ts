import { defineConfig } from 'vitest/config';

// Stryker runs one project, and only the tests that it is told: a fault that other tests notice by chance is not tested.
export default defineConfig({
  test: {
    include: (process.env.MUTATION_TESTS ?? '').split(','),
    setupFiles: ['test/mutation/seed.ts'],
    testTimeout: 60_000,
  },
});
