import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      // Nothing here takes a second by itself; on a machine that is busy with containers it may.
      {
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
      },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          globalSetup: ['test/support/images.ts'],
          testTimeout: 60_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/images.ts', 'test/integration/begin-occurrences.ts'],
          setupFiles: ['test/integration/record-occurrences.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          // They wait more than they work; two at a time still leave each enough of two cores.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      // Of what was seen in the integration tests, so after them.
      {
        test: {
          name: 'occurrences',
          include: ['test/occurrences/**/*.test.ts'],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
