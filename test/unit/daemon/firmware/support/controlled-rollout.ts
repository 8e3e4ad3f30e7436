/** The rollout of the type `lamp` in etcd, and watchers that control it. Needs vitest's fake timers. */
import { vi } from 'vitest';
import { DEFAULT_KEY_PREFIXES } from '../../../../../src/core/keys.js';
import type { RegistryClient } from '../../../../../src/core/ports.js';
import { RolloutController } from '../../../../../src/daemon/firmware/rollout-controller.js';
import { rolloutKey } from '../../../../../src/firmware/keys.js';
import { NO_COUNTS } from '../../../../../src/firmware/outcomes.js';
import { type Candidate, encodeRollout, type Rollout } from '../../../../../src/firmware/rollout.js';
import { total } from '../../../../../src/firmware/statistics.js';
import { readTypes, type TypeState } from '../../../../../src/firmware/type-state.js';
import type { FakeOutcomes } from '../../../../support/fake-outcomes.js';
import { FakeRegistry } from '../../../../support/fake-registry.js';
import { recordingLog, recordingMeter } from '../../../../support/silent.js';

export const START = Date.parse('2026-11-27T12:00:00.000Z');
/** When a test begins. */
export const AT = new Date(START).toISOString();
export const PREFIXES = DEFAULT_KEY_PREFIXES;
export const KEY = rolloutKey(PREFIXES, 'lamp');

export const CANDIDATE: Candidate = {
  version: '1.3.0',
  salt: 'lamp-1.3.0',
  percent: 1,
  groups: [],
  phases: [1, 10, 50, 100],
  gate: { after: 20, every: 3_600 },
  limit: { maxFailures: 2, min: 30 },
  begun: [{ percent: 1, at: AT, counts: NO_COUNTS }],
};

/** Lets time pass, in ms. */
export const pass = (ms = 1_000) => vi.advanceTimersByTimeAsync(ms);

export interface Running {
  readonly controller: RolloutController;
  readonly log: ReturnType<typeof recordingLog>;
  readonly meter: ReturnType<typeof recordingMeter>;
  kill(): Promise<void>;
}

export class ControlledRollout {
  readonly registry = new FakeRegistry();

  /** Writes the rollout as an operator does. */
  write(candidate: Partial<Candidate> = {}, more: Partial<Rollout> = {}): void {
    const rollout = { by: 'ann', at: AT, downgrade: false, secureVersion: 0, ...more };
    this.registry.write(KEY, encodeRollout({ ...rollout, candidate: { ...CANDIDATE, ...candidate } }));
  }

  /** What etcd has of the type. */
  stored(): TypeState {
    const values = this.registry.keys().flatMap((key) => this.registry.get(key) ?? []);
    const lamp = readTypes(PREFIXES, values).get('lamp');
    if (lamp === undefined) throw new Error('etcd has nothing of the type');
    return lamp;
  }

  /** What was counted of the candidate, by every NGINX. */
  counted() {
    return total(this.stored().outcomes.values(), '1.3.0');
  }

  /** The names of the changes that were made, in order. */
  changes(): readonly string[] {
    return this.stored().log.map(({ action }) => action);
  }

  /** Starts a watcher of these NGINX. @param ahead How far its wall clock is ahead, in ms. */
  watcher(
    nginx: readonly FakeOutcomes[],
    { store = this.registry, ahead = 0 }: { store?: RegistryClient; ahead?: number } = {},
  ): Running {
    const [log, meter, stop] = [recordingLog(), recordingMeter(), new AbortController()];
    const controller = new RolloutController(
      { prefixes: PREFIXES, id: 'w' },
      {
        ...{ reader: this.registry, store, nginx, log, meter, random: () => 0.5 },
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
}
