import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LeaseSession } from '../../../../src/daemon/lease/session.js';
import { FakeRegistry } from '../../../support/fake-registry.js';
import { fc } from '../../../support/property.js';
import { recordingLog, recordingMeter } from '../../../support/silent.js';

const TTL = 6000;
const KEYS = ['/a', '/b', '/c'];

const key = fc.constantFrom(...KEYS);
const value = fc.constantFrom('1', '2');
const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), key, value }),
  fc.record({ do: fc.constant('unset' as const), key }),
  fc.record({ do: fc.constant('delete' as const), key }),
  fc.record({ do: fc.constant('overwrite' as const), key }),
  fc.record({ do: fc.constant('other process' as const), key }),
  fc.record({ do: fc.constant('fault' as const), fault: fc.constantFrom('down', 'frozen', 'none') }),
  fc.record({ do: fc.constant('revoke' as const) }),
  fc.record({ do: fc.constant('snapshot' as const) }),
  fc.record({ do: fc.constant('restore' as const) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2 * TTL }) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

beforeEach(() => vi.useFakeTimers({ now: 0 }));
afterEach(() => vi.useRealTimers());

/** A keeper, and everything that may happen to it. */
class Scene {
  readonly registry = new FakeRegistry(Date.now());
  readonly wanted = new Map<string, string>();
  readonly #stop = new AbortController();
  readonly #keeper = new LeaseSession({
    store: this.registry,
    leaseTtl: TTL,
    log: recordingLog(),
    meter: recordingMeter(),
    clock: () => performance.now(),
  });
  readonly #done = this.#keeper.run(this.#stop.signal);
  readonly #others = new Set<string>();
  #restore: (() => void) | undefined;

  get lease(): string | undefined {
    return this.#keeper.lease;
  }

  async take(each: Step): Promise<void> {
    if (each.do === 'set') {
      this.wanted.set(each.key, each.value);
      this.#keeper.set(each.key, each.value);
    } else if (each.do === 'unset') {
      this.wanted.delete(each.key);
      this.#keeper.unset(each.key);
    } else if (each.do === 'pass') await this.pass(each.ms);
    else if (each.do === 'fault') this.registry.fault(each.fault as 'down' | 'frozen' | 'none');
    else this.#meddle(each);
    await this.pass(1);
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.registry.advance(Math.min(100, left));
      await vi.advanceTimersByTimeAsync(Math.min(100, left));
    }
  }

  /** Nothing more happens: etcd answers, and the other processes are gone. */
  calm(): void {
    this.registry.fault('none');
    for (const lease of this.#others) this.registry.expire(lease);
  }

  async end(): Promise<void> {
    this.registry.fault('none');
    this.#stop.abort();
    await this.#done;
  }

  #meddle(each: Step): void {
    if (each.do === 'delete') this.registry.delete(each.key);
    if (each.do === 'overwrite') this.registry.write(each.key, 'by hand');
    if (each.do === 'revoke' && this.#keeper.lease !== undefined) this.registry.expire(this.#keeper.lease);
    if (each.do === 'snapshot') this.#restore = this.registry.snapshot();
    if (each.do === 'restore') this.#restore?.();
    if (each.do === 'other process') {
      const lease = this.registry.lease(10 * TTL);
      this.#others.add(lease);
      this.registry.write(each.key, 'other', lease);
    }
  }
}

describe('a lease session, whatever happens', () => {
  it('has, within two TTL after the last fault, what is wanted under its lease, and nothing else of its own', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        const scene = new Scene();
        for (const each of steps) await scene.take(each);
        scene.calm();
        await scene.pass(2 * TTL);

        const { registry, wanted, lease } = scene;
        const held = registry.keys().filter((name) => registry.get(name)?.lease === lease);
        expect(new Map(held.map((name) => [name, registry.get(name)?.value]))).toEqual(wanted);
        // Written by hand under no lease, a key that is not wanted is not ours to delete; any other is gone.
        const rest = registry.keys().filter((name) => !held.includes(name));
        for (const name of rest) expect(registry.get(name)).toMatchObject({ value: 'by hand' });

        await scene.end();
        expect(registry.keys()).toEqual(rest);
      }),
      { numRuns: 400 },
    );
  });
});
