import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import { DEFAULT_KEY_SPACE } from '../../../src/core/keys.js';
import { cancelDrain, followDrain, requestDrain } from '../../../src/daemon/operator-drain.js';
import type { DrainProgress } from '../../../src/daemon/operator-drain-options.js';
import { FakeRegistry } from '../../support/fake-registry.js';

const NEVER = new AbortController().signal;
const INSTANCE = { service: 'mqtt', address: '10.0.0.1:1883' as Address };
const ANSWER = '/sidekick/drained/mqtt/10.0.0.1:1883/';

function set() {
  const registry = new FakeRegistry();
  const options = { store: registry, reader: registry, space: DEFAULT_KEY_SPACE };
  for (const [id, services] of [
    ['one', ['mqtt']],
    ['two', ['mqtt', 'firmware']],
    ['other', ['firmware']],
  ] as const) {
    registry.write(`/sidekick/watchers/${id}`, JSON.stringify({ nginx: [], upstreams: [], services }));
  }
  return { registry, options };
}

describe("an operator's drain", () => {
  it('is a key that lives under no lease, and is deleted by undrain', async () => {
    const { registry, options } = set();

    const revision = await requestDrain(INSTANCE, options, NEVER);

    const key = '/sidekick/maintenance/mqtt/10.0.0.1:1883';
    expect(registry.get(key)).toMatchObject({ revision });
    expect(registry.get(key)?.lease).toBeUndefined();
    expect(await cancelDrain(INSTANCE, options, NEVER)).toBe(true);
    expect(registry.get(key)).toBeUndefined();
    expect(await cancelDrain(INSTANCE, options, NEVER)).toBe(false);
  });

  it('shows each step until every watcher has answered', async () => {
    const { registry, options } = set();
    registry.write(`${ANSWER}two`, '1');
    const revision = await requestDrain(INSTANCE, options, NEVER);
    const steps: DrainProgress[] = [];

    const done = followDrain(INSTANCE, revision, options, (step) => steps.push(step), NEVER);
    await Promise.resolve();
    registry.write(`${ANSWER}one`, String(revision));
    registry.write('/services/mqtt/10.0.0.9:1883', '');
    registry.write(`${ANSWER}two`, String(revision));

    await expect(done).resolves.toEqual({ answered: ['one', 'two'], waitingFor: [], done: true });
    expect(steps).toEqual([
      { answered: [], waitingFor: ['one', 'two'], done: false },
      { answered: ['one'], waitingFor: ['two'], done: false },
      { answered: ['one', 'two'], waitingFor: [], done: true },
    ]);
  });

  it('is done at once where no watcher drives the service', async () => {
    const { options } = set();
    const instance = { ...INSTANCE, service: 'lab' };
    const revision = await requestDrain(instance, options, NEVER);

    const progress = await followDrain(instance, revision, options, () => undefined, NEVER);

    expect(progress).toEqual({ answered: [], waitingFor: [], done: true });
  });

  it('rejects when it is aborted', async () => {
    const { options } = set();
    const revision = await requestDrain(INSTANCE, options, NEVER);
    const limit = new AbortController();
    const reason = new Error('enough');
    const following = followDrain(INSTANCE, revision, options, () => limit.abort(reason), limit.signal);

    await expect(following).rejects.toBe(reason);
  });
});
