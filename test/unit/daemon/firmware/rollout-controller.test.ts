import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NginxError } from '../../../../src/core/errors.js';
import type { Transaction } from '../../../../src/core/ports.js';
import { outcomesKey, rolloutKey } from '../../../../src/firmware/keys.js';
import { encodeRollout } from '../../../../src/firmware/rollout.js';
import { FakeOutcomes } from '../../../support/fake-outcomes.js';
import type { FakeRegistry } from '../../../support/fake-registry.js';
import {
  AT,
  CANDIDATE,
  ControlledRollout,
  KEY,
  PREFIXES,
  pass,
  type Running,
  START,
} from './support/controlled-rollout.js';

let lamp: ControlledRollout;
beforeEach(() => {
  vi.useFakeTimers({ now: START });
  lamp = new ControlledRollout();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a watcher', () => {
  let lb1: FakeOutcomes;
  let lb2: FakeOutcomes;
  let running: Running;
  beforeEach(() => {
    lb1 = new FakeOutcomes('lb1');
    lb2 = new FakeOutcomes('lb2');
    running = lamp.watcher([lb1, lb2]);
  });
  afterEach(() => running.kill());

  it('halts a rollout for what all NGINX have counted together, and says why', async () => {
    lamp.write();
    lb1.count('lamp', '1.3.0', { offered: 20, booted: 15, failed: 1 });
    await pass();
    expect(lamp.stored().rollout?.paused).toBeUndefined();

    lb2.count('lamp', '1.3.0', { offered: 20, booted: 14, lost: 1 });
    await pass();
    expect(lamp.stored().rollout?.paused).toEqual({
      by: 'watcher w',
      at: expect.any(String),
      reason: 'halted: 2 of 31 devices failed or were lost (6.5 %), the limit is 2 %',
      halted: { failed: 1, lost: 1, of: 31 },
    });
    expect(lamp.changes()).toEqual(['halt']);
    expect(running.log.events('firmware-halted')).toMatchObject([
      { level: 'warn', fields: { type: 'lamp', version: '1.3.0', failed: 1, lost: 1, of: 31 } },
    ]);
    const labels = { type: 'lamp', version: '1.3.0' };
    expect(running.meter.value('sidekick_rollout_halted', labels)).toBe(1);
    expect(running.meter.value('sidekick_rollout_devices', { ...labels, outcome: 'booted' })).toBe(29);
  });

  it('halts a candidate that has no phases', async () => {
    const { phases: _, gate: __, ...single } = CANDIDATE;
    lamp.registry.write(
      KEY,
      encodeRollout({ by: 'ann', at: AT, downgrade: false, secureVersion: 0, candidate: single }),
    );
    lb1.count('lamp', '1.3.0', { failed: 30 });
    await pass();
    expect(lamp.stored().rollout?.paused?.halted).toEqual({ failed: 30, lost: 0, of: 30 });
  });

  it('begins the next phase with the outcomes that etcd has, one phase at a time', async () => {
    lamp.write({ gate: { after: 20, every: 60 } });
    lb1.count('lamp', '1.3.0', { offered: 500, booted: 500 });
    await pass(59_000);
    expect(lamp.stored().rollout?.candidate?.percent).toBe(1);

    await pass(3_000);
    const { candidate } = lamp.stored().rollout ?? {};
    expect(candidate?.percent).toBe(10);
    expect(candidate?.begun?.at(-1)).toMatchObject({ percent: 10, counts: { booted: 500 } });
    expect(lamp.counted().booted).toBe(500);
    await pass(120_000);
    expect(lamp.stored().rollout?.candidate?.percent).toBe(10);
    expect(running.log.events('firmware-phase-begun')).toHaveLength(1);
  });

  it('goes by its monotonic clock where it saw the phase begin: a wall clock that is ahead begins none early', async () => {
    await running.kill();
    running = lamp.watcher([lb1], { ahead: 108_000_000 });
    await pass();
    lamp.write({ gate: { after: 20, every: 60 } });
    lb1.count('lamp', '1.3.0', { booted: 20 });
    await pass(55_000);
    expect(lamp.stored().rollout?.candidate?.percent).toBe(1);
    await pass(10_000);
    expect(lamp.stored().rollout?.candidate?.percent).toBe(10);
  });

  it('asks NGINX four times a second while a rollout watches itself, seldom otherwise, and never for nothing', async () => {
    await pass(60_000);
    expect(lb1.asked).toBe(0);
    lamp.write({}, { paused: { by: 'ann', at: AT } });
    await pass(60_000);
    expect(lb1.asked).toBeLessThan(15);
    lamp.write();
    lb1.asked = 0;
    await pass(10_000);
    expect(lb1.asked).toBeGreaterThan(35);
  });

  it('writes failures at once, and other outcomes at most every 15 s', async () => {
    lamp.write({ limit: { maxFailures: 100, min: 30 } });
    await pass();
    lb1.count('lamp', '1.3.0', { offered: 1 });
    await pass();
    expect(lamp.counted().offered).toBe(1);
    for (let i = 0; i < 20; i++) {
      lb1.count('lamp', '1.3.0', { offered: 1 });
      await pass(500);
    }
    expect(lamp.counted().offered).toBe(1);
    lb1.count('lamp', '1.3.0', { failed: 1 });
    await pass();
    expect(lamp.counted()).toMatchObject({ offered: 21, failed: 1 });
  });

  it('keeps what NGINX had counted before it was restarted', async () => {
    lamp.write();
    lb1.count('lamp', '1.3.0', { offered: 5 });
    await pass();
    lb1.count('lamp', '1.3.0', { offered: 2 });
    await pass(500);
    lb1.restart();
    lb1.count('lamp', '1.3.0', { offered: 1 });
    await pass(60_000);
    expect(lamp.counted().offered).toBe(8);
  });

  it('says once that an NGINX does not count, and that one does not answer', async () => {
    lb1.isUncounted = true;
    lb2.fault = new NginxError('UNREACHABLE', 'down');
    lamp.write();
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
    lamp.registry.write(KEY, '{"by":"a newer sidekick"}');
    lamp.registry.write(outcomesKey(PREFIXES, 'lamp', 'f'.repeat(16)), '{}');
    lb1.count('lamp', '1.3.0', { failed: 99 });
    await pass(60_000);
    expect(lamp.registry.keys()).toHaveLength(2);
  });

  it('halts when etcd answers again', async () => {
    lamp.write();
    await pass();
    lamp.registry.fault('down');
    lb1.count('lamp', '1.3.0', { failed: 40 });
    await pass(30_000);
    expect(running.log.events('firmware-rollout-failed')).toHaveLength(1);
    lamp.registry.fault('none');
    await pass();
    expect(lamp.stored().rollout?.paused?.halted).toMatchObject({ failed: 40 });
  });
});

describe('a halt', () => {
  it('waits for nothing that is written of other types', async () => {
    const lb = new FakeOutcomes('lb');
    const types = Array.from({ length: 20 }, (_, i) => `fan${i}`);
    const slow = new Proxy(lamp.registry, {
      get: (target, name) => {
        const value = target[name as keyof FakeRegistry];
        if (name !== 'commit') return typeof value === 'function' ? value.bind(target) : value;
        return async (transaction: Transaction, signal: AbortSignal) => {
          await new Promise((resolve) => setTimeout(resolve, 200));
          return lamp.registry.commit(transaction, signal);
        };
      },
    });
    const rollout = { by: 'ann', at: AT, downgrade: false, secureVersion: 0, candidate: CANDIDATE };
    for (const type of types) lamp.registry.write(rolloutKey(PREFIXES, type), encodeRollout(rollout));
    lamp.write();
    const running = lamp.watcher([lb], { store: slow });
    await pass(0);
    for (const type of types) lb.count(type, '1.3.0', { offered: 9, booted: 9 });
    await pass(300);
    lb.count('lamp', '1.3.0', { offered: 40, booted: 20, failed: 20 });
    await pass(1_000);
    expect(lamp.stored().rollout?.paused).toBeDefined();
    const killed = running.kill();
    await pass();
    await killed;
  });

  it('is made within a second although each of two watchers knows a part of the failures alone', async () => {
    const [lb1, lb2] = [new FakeOutcomes('lb1'), new FakeOutcomes('lb2')];
    lamp.write({ limit: { maxFailures: 10, min: 10 } });
    const both = [lamp.watcher([lb1]), lamp.watcher([lb2])];
    await pass(0);
    lb1.count('lamp', '1.3.0', { offered: 12, booted: 9, failed: 1 });
    lb2.count('lamp', '1.3.0', { offered: 12, booted: 10, failed: 1 });
    await pass(300);
    expect(lamp.stored().rollout?.paused).toBeUndefined();
    // Neither is beyond the limit with what it knew of the other before.
    lb1.count('lamp', '1.3.0', { failed: 1 });
    lb2.count('lamp', '1.3.0', { failed: 0, lost: 1 });
    await pass(700);
    expect(lamp.stored().rollout?.paused).toBeDefined();
    for (const running of both) await running.kill();
  });
});
