import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EtcdError, NginxError } from '../../../../src/core/errors.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import type { RegistryClient, Transaction } from '../../../../src/core/ports.js';
import { RolloutController } from '../../../../src/daemon/firmware/rollout-controller.js';
import { firmwareRoot, outcomesKey, rolloutKey } from '../../../../src/firmware/keys.js';
import type { OutcomeReport } from '../../../../src/firmware/outcomes.js';
import { NO_COUNTS } from '../../../../src/firmware/outcomes.js';
import {
  type Candidate,
  decodeRollout,
  encodeRollout,
  type Rollout,
} from '../../../../src/firmware/rollout.js';
import { total } from '../../../../src/firmware/statistics.js';
import { readTypes, type TypeState } from '../../../../src/firmware/type-state.js';
import { Dice } from '../../../support/dice.js';
import { FakeOutcomes } from '../../../support/fake-outcomes.js';
import { FakeRegistry } from '../../../support/fake-registry.js';
import { fc } from '../../../support/property.js';
import { recordingLog, recordingMeter } from '../../../support/silent.js';

const START = Date.parse('2026-11-27T12:00:00.000Z');
const AT = new Date(START).toISOString();
const PREFIXES = DEFAULT_KEY_PREFIXES;
const KEY = rolloutKey(PREFIXES, 'lamp');

const CANDIDATE: Candidate = {
  version: '1.3.0',
  salt: 'lamp-1.3.0',
  percent: 1,
  groups: [],
  phases: [1, 10, 50, 100],
  gate: { after: 20, every: 3_600 },
  limit: { maxFailures: 2, min: 30 },
  begun: [{ percent: 1, at: AT, counts: NO_COUNTS }],
};

let registry: FakeRegistry;
beforeEach(() => {
  vi.useFakeTimers({ now: START });
  registry = new FakeRegistry();
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms = 1_000) => vi.advanceTimersByTimeAsync(ms);

function write(candidate: Partial<Candidate> = {}, more: Partial<Rollout> = {}): void {
  const rollout = { by: 'ann', at: AT, downgrade: false, secureVersion: 0, ...more };
  registry.write(KEY, encodeRollout({ ...rollout, candidate: { ...CANDIDATE, ...candidate } }));
}

function stored(): TypeState {
  const values = registry.keys().flatMap((key) => registry.get(key) ?? []);
  const lamp = readTypes(PREFIXES, values).get('lamp');
  if (lamp === undefined) throw new Error('etcd has nothing of the type');
  return lamp;
}

function counted() {
  return total(stored().outcomes.values(), '1.3.0');
}

/** The names of the changes that were made, in order. */
function changes(): readonly string[] {
  return stored().log.map(({ action }) => action);
}

interface Running {
  readonly controller: RolloutController;
  readonly log: ReturnType<typeof recordingLog>;
  readonly meter: ReturnType<typeof recordingMeter>;
  kill(): Promise<void>;
}

function watcher(
  nginx: readonly FakeOutcomes[],
  { store = registry, ahead = 0 }: { store?: RegistryClient; ahead?: number } = {},
): Running {
  const [log, meter, stop] = [recordingLog(), recordingMeter(), new AbortController()];
  const controller = new RolloutController(
    { prefixes: PREFIXES, id: 'w' },
    {
      ...{ reader: registry, store, nginx, log, meter, random: () => 0.5 },
      clock: () => performance.now(),
      wallClock: () => Date.now() + ahead,
    },
  );
  const done = controller.run(stop.signal);
  return {
    ...{ controller, log, meter },
    kill: async () => {
      stop.abort();
      await done;
    },
  };
}

describe('a watcher', () => {
  let lb1: FakeOutcomes;
  let lb2: FakeOutcomes;
  let running: Running;
  beforeEach(() => {
    lb1 = new FakeOutcomes('lb1');
    lb2 = new FakeOutcomes('lb2');
    running = watcher([lb1, lb2]);
  });
  afterEach(() => running.kill());

  it('halts a rollout for what all NGINX have counted together, and says why', async () => {
    write();
    lb1.count('lamp', '1.3.0', { offered: 20, booted: 15, failed: 1 });
    await pass();
    expect(stored().rollout?.paused).toBeUndefined();

    lb2.count('lamp', '1.3.0', { offered: 20, booted: 14, lost: 1 });
    await pass();
    expect(stored().rollout?.paused).toEqual({
      by: 'watcher w',
      at: expect.any(String),
      reason: 'halted: 2 of 31 devices failed or were lost (6.5 %), the limit is 2 %',
      halted: { failed: 1, lost: 1, of: 31 },
    });
    expect(changes()).toEqual(['halt']);
    expect(running.log.events('firmware-halted')).toMatchObject([
      { level: 'warn', fields: { type: 'lamp', version: '1.3.0', failed: 1, lost: 1, of: 31 } },
    ]);
    const labels = { type: 'lamp', version: '1.3.0' };
    expect(running.meter.value('sidekick_rollout_halted', labels)).toBe(1);
    expect(running.meter.value('sidekick_rollout_devices', { ...labels, outcome: 'booted' })).toBe(29);
  });

  it('halts a candidate that has no phases', async () => {
    const { phases: _, gate: __, ...single } = CANDIDATE;
    registry.write(
      KEY,
      encodeRollout({ by: 'ann', at: AT, downgrade: false, secureVersion: 0, candidate: single }),
    );
    lb1.count('lamp', '1.3.0', { failed: 30 });
    await pass();
    expect(stored().rollout?.paused?.halted).toEqual({ failed: 30, lost: 0, of: 30 });
  });

  it('begins the next phase with the outcomes that etcd has, one phase at a time', async () => {
    write({ gate: { after: 20, every: 60 } });
    lb1.count('lamp', '1.3.0', { offered: 500, booted: 500 });
    await pass(59_000);
    expect(stored().rollout?.candidate?.percent).toBe(1);

    await pass(3_000);
    const { candidate } = stored().rollout ?? {};
    expect(candidate?.percent).toBe(10);
    expect(candidate?.begun?.at(-1)).toMatchObject({ percent: 10, counts: { booted: 500 } });
    expect(counted().booted).toBe(500);
    await pass(120_000);
    expect(stored().rollout?.candidate?.percent).toBe(10);
    expect(running.log.events('firmware-phase-begun')).toHaveLength(1);
  });

  it('goes by its monotonic clock where it saw the phase begin: a wall clock that is ahead begins none early', async () => {
    await running.kill();
    running = watcher([lb1], { ahead: 108_000_000 });
    await pass();
    write({ gate: { after: 20, every: 60 } });
    lb1.count('lamp', '1.3.0', { booted: 20 });
    await pass(55_000);
    expect(stored().rollout?.candidate?.percent).toBe(1);
    await pass(10_000);
    expect(stored().rollout?.candidate?.percent).toBe(10);
  });

  it('asks NGINX four times a second while a rollout watches itself, seldom otherwise, and never for nothing', async () => {
    await pass(60_000);
    expect(lb1.asked).toBe(0);
    write({}, { paused: { by: 'ann', at: AT } });
    await pass(60_000);
    expect(lb1.asked).toBeLessThan(15);
    write();
    lb1.asked = 0;
    await pass(10_000);
    expect(lb1.asked).toBeGreaterThan(35);
  });

  it('writes failures at once, and other outcomes at most every 15 s', async () => {
    write({ limit: { maxFailures: 100, min: 30 } });
    await pass();
    lb1.count('lamp', '1.3.0', { offered: 1 });
    await pass();
    expect(counted().offered).toBe(1);
    for (let i = 0; i < 20; i++) {
      lb1.count('lamp', '1.3.0', { offered: 1 });
      await pass(500);
    }
    expect(counted().offered).toBe(1);
    lb1.count('lamp', '1.3.0', { failed: 1 });
    await pass();
    expect(counted()).toMatchObject({ offered: 21, failed: 1 });
  });

  it('keeps what NGINX had counted before it was restarted', async () => {
    write();
    lb1.count('lamp', '1.3.0', { offered: 5 });
    await pass();
    lb1.count('lamp', '1.3.0', { offered: 2 });
    await pass(500);
    lb1.restart();
    lb1.count('lamp', '1.3.0', { offered: 1 });
    await pass(60_000);
    expect(counted().offered).toBe(8);
  });

  it('says once that an NGINX does not count, and that one does not answer', async () => {
    lb1.isUncounted = true;
    lb2.fault = new NginxError('UNREACHABLE', 'down');
    write();
    await pass(60_000);
    expect(running.log.events('firmware-outcomes-uncounted')).toHaveLength(1);
    expect(running.log.events('firmware-outcomes-unavailable')).toHaveLength(1);
    expect(running.controller.status()).toMatchObject([
      { nginx: 'lb1', state: 'uncounted' },
      { nginx: 'lb2', state: 'unavailable', error: 'down' },
    ]);
    lb2.fault = undefined;
    await pass(60_000);
    expect(running.log.events('firmware-outcomes-counted')).toHaveLength(1);
  });

  it('does nothing to a type of which something cannot be read', async () => {
    registry.write(KEY, '{"by":"a newer sidekick"}');
    registry.write(outcomesKey(PREFIXES, 'lamp', 'f'.repeat(16)), '{}');
    lb1.count('lamp', '1.3.0', { failed: 99 });
    await pass(60_000);
    expect(registry.keys()).toHaveLength(2);
  });

  it('halts when etcd answers again', async () => {
    write();
    await pass();
    registry.fault('down');
    lb1.count('lamp', '1.3.0', { failed: 40 });
    await pass(30_000);
    expect(running.log.events('firmware-rollout-failed')).toHaveLength(1);
    registry.fault('none');
    await pass();
    expect(stored().rollout?.paused?.halted).toMatchObject({ failed: 40 });
  });
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
    await this.#start(this.nginx, registry);
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
    this.#watchers.push(watcher(nginx, { store }));
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
      const result = await registry.commit(transaction, signal);
      if (fate === 1) throw new EtcdError('TIMEOUT', 'the answer is lost');
      return result;
    };
    const get = (target: FakeRegistry, name: keyof FakeRegistry) => {
      const value = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    };
    return new Proxy(registry, {
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
  void registry.watch([firmwareRoot(PREFIXES)], listener, new AbortController().signal);
  return { percents };
}

describe('a halt', () => {
  it('waits for nothing that is written of other types', async () => {
    const lb = new FakeOutcomes('lb');
    const types = Array.from({ length: 20 }, (_, i) => `fan${i}`);
    const slow = new Proxy(registry, {
      get: (target, name) => {
        const value = target[name as keyof FakeRegistry];
        if (name !== 'commit') return typeof value === 'function' ? value.bind(target) : value;
        return async (transaction: Transaction, signal: AbortSignal) => {
          await new Promise((resolve) => setTimeout(resolve, 200));
          return registry.commit(transaction, signal);
        };
      },
    });
    const rollout = { by: 'ann', at: AT, downgrade: false, secureVersion: 0, candidate: CANDIDATE };
    for (const type of types) registry.write(rolloutKey(PREFIXES, type), encodeRollout(rollout));
    write();
    const running = watcher([lb], { store: slow });
    await pass(0);
    for (const type of types) lb.count(type, '1.3.0', { offered: 9, booted: 9 });
    await pass(300);
    lb.count('lamp', '1.3.0', { offered: 40, booted: 20, failed: 20 });
    await pass(1_000);
    expect(stored().rollout?.paused).toBeDefined();
    const killed = running.kill();
    await pass();
    await killed;
  });

  it('is made within a second although each of two watchers knows a part of the failures alone', async () => {
    const [lb1, lb2] = [new FakeOutcomes('lb1'), new FakeOutcomes('lb2')];
    write({ limit: { maxFailures: 10, min: 10 } });
    const both = [watcher([lb1]), watcher([lb2])];
    await pass(0);
    lb1.count('lamp', '1.3.0', { offered: 12, booted: 9, failed: 1 });
    lb2.count('lamp', '1.3.0', { offered: 12, booted: 10, failed: 1 });
    await pass(300);
    expect(stored().rollout?.paused).toBeUndefined();
    // Neither is beyond the limit with what it knew of the other before.
    lb1.count('lamp', '1.3.0', { failed: 1 });
    lb2.count('lamp', '1.3.0', { failed: 0, lost: 1 });
    await pass(700);
    expect(stored().rollout?.paused).toBeDefined();
    for (const running of both) await running.kill();
  });
});

describe('a group of watchers that die at random', () => {
  const seeds = fc.integer({ min: 1, max: 1_000_000 });
  const gate = { after: 10, every: 20 };

  async function play(seed: number, steps: number, share: number) {
    registry = new FakeRegistry();
    write({ gate });
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
        expect(changes()).toEqual(Array.from({ length: percents.length - 1 }, () => 'phase'));
        const truth = chaos.nginx.reduce((all, one) => all + one.truth.offered, 0);
        expect(counted().offered).toBe(truth);
      }),
      { numRuns: 12 },
    );
  });

  it('halts a bad release once, and begins no phase after that', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const { chaos } = await play(seed, 90, 0.4);
        expect(changes().filter((action) => action === 'halt')).toHaveLength(1);
        expect(changes().at(-1)).toBe('halt');
        const { halted } = stored().rollout?.paused ?? {};
        expect((halted?.failed ?? 0) / (halted?.of ?? 1)).toBeGreaterThan(0.02);
        const truth = chaos.nginx.reduce((all, one) => all + one.truth.failed, 0);
        expect(counted().failed).toBe(truth);
      }),
      { numRuns: 12 },
    );
  });
});
