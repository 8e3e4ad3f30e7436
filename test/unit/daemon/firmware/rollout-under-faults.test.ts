import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EtcdError } from '../../../../src/core/errors.js';
import type { RegistryClient, Transaction } from '../../../../src/core/ports.js';
import { firmwareRoot } from '../../../../src/firmware/keys.js';
import type { OutcomeReport } from '../../../../src/firmware/outcomes.js';
import { decodeRollout, type Rollout } from '../../../../src/firmware/rollout.js';
import { Dice } from '../../../support/dice.js';
import { FakeOutcomes } from '../../../support/fake-outcomes.js';
import type { FakeRegistry } from '../../../support/fake-registry.js';
import { fc } from '../../../support/property.js';
import { ControlledRollout, KEY, PREFIXES, pass, type Running, START } from './support/controlled-rollout.js';

let lamp: ControlledRollout;
beforeEach(() => {
  vi.useFakeTimers({ now: START });
  lamp = new ControlledRollout();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Several watchers, of which any may die at any moment, over several NGINX, while calls to etcd fail and reports come late. */
class Chaos {
  readonly #dice: Dice;
  readonly nginx = ['a', 'b', 'c'].map((name) => new FakeOutcomes(name));
  #watchers: Running[] = [];

  constructor(seed: number) {
    this.#dice = new Dice(seed);
  }

  /** @param share Of the devices that fail. */
  async run(steps: number, share: number): Promise<void> {
    for (let i = 0; i < steps; i++) {
      await this.#disturb();
      const nginx = this.#dice.pick(this.nginx);
      const isBad = this.#dice.next() < share;
      nginx.count('lamp', '1.3.0', { offered: 1, downloaded: 1, ...(isBad ? { failed: 1 } : { booted: 1 }) });
      await pass(this.#dice.pick([50, 250, 1_000, 4_000]));
    }
  }

  /** Everything is well for a while; then all watchers end. */
  async settle(): Promise<void> {
    await this.#start(this.nginx, lamp.registry);
    await pass(20_000);
    for (const running of this.#watchers) await running.kill();
  }

  async #disturb(): Promise<void> {
    const what = this.#dice.between(0, 3);
    if (what === 0 && this.#watchers.length < 3) {
      const nginx = this.nginx.filter(() => this.#dice.next() < 0.7);
      await this.#start(
        nginx.map((one) => this.#late(one)),
        this.#unreliable(),
      );
    }
    if (what === 1) await this.#watchers.splice(this.#dice.between(0, 2), 1)[0]?.kill();
  }

  async #start(nginx: readonly FakeOutcomes[], store: RegistryClient): Promise<void> {
    this.#watchers.push(lamp.watcher(nginx, { store }));
    await pass(0);
  }

  /** An NGINX whose reports are some changes old, now and then. */
  #late(nginx: FakeOutcomes): FakeOutcomes {
    const report = async (): Promise<OutcomeReport> => nginx.report(this.#dice.pick([0, 0, 1, 3]));
    return Object.assign(Object.create(nginx) as FakeOutcomes, { outcomes: report });
  }

  /** etcd, some of whose transactions fail before or after they were made. */
  #unreliable(): RegistryClient {
    const commit = async (transaction: Transaction, signal: AbortSignal) => {
      const fate = this.#dice.between(0, 9);
      if (fate === 0) throw new EtcdError('TIMEOUT', 'lost on the way');
      const result = await lamp.registry.commit(transaction, signal);
      if (fate === 1) throw new EtcdError('TIMEOUT', 'the answer is lost');
      return result;
    };
    const get = (target: FakeRegistry, name: keyof FakeRegistry) => {
      const value = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    };
    return new Proxy(lamp.registry, {
      get: (target, name) => (name === 'commit' ? commit : get(target, name as keyof FakeRegistry)),
    });
  }
}

/** Follows the rollout's key, and checks every phase at the moment when it begins. */
function followPhases(truth: () => number): { readonly percents: number[] } {
  const percents: number[] = [];
  const follow = (rollout: Rollout) => {
    const { percent = 0, begun = [] } = rollout.candidate ?? {};
    if (percent === percents.at(-1)) return;
    percents.push(percent);
    const before = begun.at(-2);
    if (before === undefined) return;
    expect(Date.now() - Date.parse(before.at)).toBeGreaterThanOrEqual(20_000);
    expect(truth() - before.counts.booted).toBeGreaterThanOrEqual(10);
  };
  const listener = {
    onSnapshot: ({ entries }: { entries: ReadonlyMap<string, { value: string }> }) => {
      const rollout = decodeRollout(entries.get(KEY)?.value ?? '');
      if (rollout.ok) follow(rollout.value);
    },
    onUnavailable: () => {},
  };
  void lamp.registry.watch([firmwareRoot(PREFIXES)], listener, new AbortController().signal);
  return { percents };
}

describe('a group of watchers that die at random', () => {
  const seeds = fc.integer({ min: 1, max: 1_000_000 });
  const gate = { after: 10, every: 20 };

  async function play(seed: number, steps: number, share: number) {
    lamp = new ControlledRollout();
    lamp.write({ gate });
    const chaos = new Chaos(seed);
    const booted = () => chaos.nginx.reduce((all, { truth }) => all + truth.booted, 0);
    const { percents } = followPhases(booted);
    await chaos.run(steps, share);
    await chaos.settle();
    return { chaos, percents };
  }

  it('leads a good release through its phases: none is skipped, doubled or early, and no device counted twice', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const { chaos, percents } = await play(seed, 100, 0);
        expect(percents).toEqual([1, 10, 50, 100].slice(0, percents.length));
        expect(lamp.changes()).toEqual(Array.from({ length: percents.length - 1 }, () => 'phase'));
        const truth = chaos.nginx.reduce((all, one) => all + one.truth.offered, 0);
        expect(lamp.counted().offered).toBe(truth);
      }),
      { numRuns: 12 },
    );
  });

  it('halts a bad release once, and begins no phase after that', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const { chaos } = await play(seed, 90, 0.4);
        expect(lamp.changes().filter((action) => action === 'halt')).toHaveLength(1);
        expect(lamp.changes().at(-1)).toBe('halt');
        const { halted } = lamp.stored().rollout?.paused ?? {};
        expect((halted?.failed ?? 0) / (halted?.of ?? 1)).toBeGreaterThan(0.02);
        const truth = chaos.nginx.reduce((all, one) => all + one.truth.failed, 0);
        expect(lamp.counted().failed).toBe(truth);
      }),
      { numRuns: 12 },
    );
  });
});
