import { defineConfig } from 'vitest/config';
import { areaOf } from './areas.js';

// Stryker runs one project, and only the tests of the area: a fault that other tests notice by chance is not tested.
export default defineConfig({
  test: { include: [...areaOf(process.env.MUTATION_AREA).tests], testTimeout: 60_000 },
});
