import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { type Command, histories } from '../../../support/model/commands.js';
import { World } from '../../../support/model/world.js';
import { fc } from '../../../support/property.js';
import { host, useFakeClock } from '../../../support/watching.js';

/** `npm run test:model -- --runs N --seed S` sets these, by default a new seed; a failure prints the seed and the path to replay it. */
const RUNS = Number(process.env.MODEL_RUNS ?? 100);
const SEED = Number(process.env.MODEL_SEED ?? 1);
const PATH = process.env.MODEL_PATH;

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

async function live(nginx: readonly FakeNginx[], history: readonly Command[]): Promise<void> {
  const world = new World(nginx);
  world.startWatcher('lb1');
  try {
    for (const command of history) await command.run(world);
    await world.quiet(host(1));
    expect([...world.violations, ...world.differences()]).toEqual([]);
    expect(world.log.events('worker-failed')).toEqual([]);
  } finally {
    await world.end();
    vi.clearAllTimers();
  }
}

describe(`after any history, NGINX equals etcd, and no server that should serve was removed (seed ${SEED})`, () => {
  it.each([
    ['one NGINX, which keeps its servers over a restart', 1, true],
    ['two NGINX, which lose them', 2, false],
  ])('%s', { timeout: 3_600_000 }, async (_, count, stateFile) => {
    const groups = { http: ['firmware'], stream: ['mqtt'], stateFile };
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const names = ['a', 'b'].slice(0, count);
        await live(
          names.map((name) => new FakeNginx({ ...groups, name })),
          history,
        );
      }),
      {
        numRuns: RUNS,
        seed: SEED,
        ...(PATH === undefined ? {} : { path: PATH }),
      },
    );
  });
});
