import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealCommand, RealWorld, realHistories } from '../../support/model/real-world.js';
import { fc } from '../../support/property.js';
import { RealCluster } from '../../support/real-watching.js';

/** `npm run test:model -- --real --runs N` sets these; a failure prints the seed and the path to replay it. */
const RUNS = Number(process.env.MODEL_RUNS ?? 5);
const SEED = Number(process.env.MODEL_SEED ?? 1);
const PATH = process.env.MODEL_PATH;

let cluster: RealCluster;

beforeAll(async () => {
  cluster = await RealCluster.start();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

async function live(history: readonly RealCommand[]): Promise<void> {
  const world = await RealWorld.begin(cluster);
  try {
    for (const command of history) await command.run(world);
    await world.quiet();
    expect(world.violations).toEqual([]);
    expect(world.log.events('worker-failed')).toEqual([]);
  } finally {
    await world.end();
  }
}

describe('after any history of a real etcd and a real gateway', () => {
  it(`NGINX equals etcd, and no server that should serve was removed (seed ${SEED})`, {
    timeout: 7_200_000,
  }, async () => {
    await fc.assert(fc.asyncProperty(realHistories, live), {
      numRuns: RUNS,
      // A failure in real time is shown as it was: shrinking would run it a hundred times over.
      endOnFailure: true,
      seed: SEED,
      ...(PATH === undefined ? {} : { path: PATH }),
    });
  });
});
