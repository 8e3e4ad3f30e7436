import { describe, expect, it } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import type { DrainProgress } from '../../../../src/daemon/drain/operator.js';
import { cancelDrain, followDrain, requestDrain } from '../../../../src/daemon/drain/operator.js';
import { FakeRegistry } from '../../../support/fake-registry.js';

const NEVER = new AbortController().signal;
const INSTANCE = { service: 'mqtt', address: '10.0.0.1:1883' as Address };
const WHY = { by: 'root@lb1', at: '2026-01-31T12:00:00.000Z', reason: 'new disk' };
const ANSWER = '/sidekick/drained/mqtt/10.0.0.1:1883/';

function set() {
  const registry = new FakeRegistry();
  const options = { store: registry, reader: registry, prefixes: DEFAULT_KEY_PREFIXES };
  for (const [id, services] of [
    ['one', ['mqtt']],
    ['two', ['mqtt', 'firmware']],
    ['other', ['firmware']],
  ] as const) {
    registry.write(`/sidekick/watchers/${id}`, JSON.stringify({ nginx: [], upstreams: [], services }));
  }
  registry.write('/services/mqtt/10.0.0.1:1883', '');
  return { registry, options };
}

describe("an operator's drain", () => {
  it('writes a key without a lease, which undrain deletes', async () => {
    const { registry, options } = set();

    const revision = await requestDrain(INSTANCE, WHY, options, NEVER);

    const key = '/sidekick/maintenance/mqtt/10.0.0.1:1883';
    expect(registry.get(key)).toMatchObject({ revision });
    expect(registry.get(key)?.lease).toBeUndefined();
    expect(await cancelDrain(INSTANCE, options, NEVER)).toEqual(WHY);
    expect(registry.get(key)).toBeUndefined();
    expect(await cancelDrain(INSTANCE, options, NEVER)).toBeUndefined();
  });

  it('shows each step until every watcher has acknowledged', async () => {
    const { registry, options } = set();
    registry.write(`${ANSWER}two`, '1');
    const revision = await requestDrain(INSTANCE, WHY, options, NEVER);
    const steps: DrainProgress[] = [];

    const done = followDrain(INSTANCE, revision, options, (step) => steps.push(step), NEVER);
    await Promise.resolve();
    registry.write(`${ANSWER}one`, String(revision));
    registry.write('/services/mqtt/10.0.0.9:1883', '');
    registry.write(`${ANSWER}two`, String(revision));

    await expect(done).resolves.toEqual({
      acknowledged: ['one', 'two'],
      waitingFor: [],
      registered: true,
      done: true,
    });
    expect(steps).toEqual([
      { acknowledged: [], waitingFor: ['one', 'two'], registered: true, done: false },
      { acknowledged: ['one'], waitingFor: ['two'], registered: true, done: false },
      { acknowledged: ['one', 'two'], waitingFor: [], registered: true, done: true },
    ]);
  });

  it('ends at once if no watcher drives the service', async () => {
    const { registry, options } = set();
    const instance = { ...INSTANCE, service: 'lab' };
    registry.write('/services/lab/10.0.0.1:1883', '');
    const revision = await requestDrain(instance, WHY, options, NEVER);

    const progress = await followDrain(instance, revision, options, () => undefined, NEVER);

    expect(progress).toEqual({ acknowledged: [], waitingFor: [], registered: true, done: true });
  });

  it('ends at once if the instance is not registered, and when it stops being registered', async () => {
    const { registry, options } = set();
    const absent = { ...INSTANCE, address: '10.0.0.9:1883' as Address };
    const revision = await requestDrain(absent, WHY, options, NEVER);
    expect(await followDrain(absent, revision, options, () => undefined, NEVER)).toMatchObject({
      registered: false,
      done: true,
    });

    const following = followDrain(INSTANCE, revision, options, () => undefined, NEVER);
    await Promise.resolve();
    registry.write('/services/mqtt/10.0.0.1:18830', '');
    registry.delete('/services/mqtt/10.0.0.1:1883');
    expect(await following).toMatchObject({ registered: false, acknowledged: [], done: true });
  });

  it('rejects when it is aborted', async () => {
    const { options } = set();
    const revision = await requestDrain(INSTANCE, WHY, options, NEVER);
    const limit = new AbortController();
    const reason = new Error('enough');
    const following = followDrain(INSTANCE, revision, options, () => limit.abort(reason), limit.signal);

    await expect(following).rejects.toBe(reason);
  });
});
