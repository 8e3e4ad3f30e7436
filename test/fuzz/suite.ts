/** The targets as tests: short and always the same, or as long and as random as `npm run test:fuzz` says. */
import { expect, it } from 'vitest';
import { run } from './run.js';
import type { AnyTarget } from './target.js';

const SHORT_SEED = 20_240_229;
const SEED = Number(process.env.FUZZ_SEED ?? SHORT_SEED);
/** How long each target is worked on, in ms; unset in the short run. */
const TIME = process.env.FUZZ_MS === undefined ? undefined : Number(process.env.FUZZ_MS);
const ONLY = process.env.FUZZ_ONLY ?? '';

/** A test for each target. */
export function fuzz(targets: readonly AnyTarget[]): void {
  const wanted = targets.filter(({ name }) => name.includes(ONLY));
  it.for(wanted)('$name survives $about', { timeout: (TIME ?? 0) + 600_000 }, async (target) => {
    const budget = { seed: SEED, runs: target.short, ...(TIME === undefined ? {} : { ms: TIME }) };
    const figures = await run(target, budget);
    expect(figures.accepted).toBeGreaterThan(0);
    expect(figures.rejected).toBeGreaterThan(0);
  });
}
