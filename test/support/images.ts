/**
 * Before the tests that need containers: makes sure the images exist, and removes what dead runs left behind.
 * After them: removes what this run started. `TEST_SETUP=skip` takes the images as they are.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { becomeOwner, removeOwned, removeOwnedOnExit, removeStale } from './containers/owner.js';

const SETUP = fileURLToPath(new URL('../../docker/setup.mjs', import.meta.url));

function ensureImages(): void {
  if (process.env.TEST_SETUP === 'skip') return;
  const { status } = spawnSync(process.execPath, [SETUP, 'test', '--brief'], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the set-up of the images failed; its output above says why');
}

/** vitest's global set-up; returns its teardown. */
export async function setup(): Promise<() => Promise<void>> {
  // Its clean-up container would have to come from a registry; the labels of ours do its work.
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  ensureImages();
  becomeOwner();
  removeOwnedOnExit();
  await removeStale();
  return async () => {
    await removeOwned();
  };
}
