import { afterEach, beforeEach, vi } from 'vitest';
import type { Address } from '../../../../../src/core/address.js';
import { DEFAULT_HEALTH_POLICY } from '../../../../../src/core/health.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../../src/core/keys.js';
import { DEFAULT_PARAMETERS } from '../../../../../src/core/server-parameters.js';
import type { ServiceSpec } from '../../../../../src/daemon/registrar/options.js';
import { Registrar } from '../../../../../src/daemon/registrar/registrar.js';
import { FakeRegistry } from '../../../../support/fake-registry.js';
import { recordingLog, recordingMeter } from '../../../../support/silent.js';

/** Of the registrar's lease. */
export const TTL = 15_000;
/** The key of `spec(1)`. */
export const KEY = '/services/mqtt/10.0.0.1:1883';

/** etcd, new for each test. */
export let registry: FakeRegistry;
/** What each address's probe says. */
export let failing: Map<string, string>;

/** Each test of the file that calls this has a registry and a clock of its own. */
export function beginEachAnew(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
    registry = new FakeRegistry(0);
    failing = new Map();
  });
  afterEach(() => vi.useRealTimers());
}

/** Lets a time pass, in ms, in etcd and for timers. */
export async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    registry.advance(Math.min(50, left));
    await vi.advanceTimersByTimeAsync(Math.min(50, left));
  }
}

/** A service of the registrar at 10.0.0.<host>. */
export function spec(
  host: number,
  fields: Partial<ServiceSpec> & { weight?: number; service?: string } = {},
): ServiceSpec {
  const address = `10.0.0.${host}:1883` as Address;
  const { weight = 1, service = 'mqtt', ...rest } = fields;
  return {
    registration: {
      service,
      address,
      parameters: { ...DEFAULT_PARAMETERS, weight },
      drain: false,
      meta: {},
    },
    probe: async () => {
      const reason = failing.get(address);
      if (reason !== undefined) throw new Error(reason);
    },
    probeId: 'tcp',
    health: DEFAULT_HEALTH_POLICY,
    ...rest,
  };
}

/** A registrar that runs. */
export function start(services: ServiceSpec[], drainTimeout = 30_000) {
  const [stop, kill] = [new AbortController(), new AbortController()];
  const log = recordingLog();
  const registrar = new Registrar(
    { prefixes: DEFAULT_KEY_PREFIXES, leaseTtl: TTL, services, drainTimeout },
    {
      store: registry,
      reader: registry,
      log,
      meter: recordingMeter(),
      clock: () => performance.now(),
    },
  );
  let ended = false;
  const done = registrar.run(stop.signal, kill.signal).then(() => {
    ended = true;
  });
  return { registrar, log, stop, kill, done, isOver: () => ended };
}

/** A watcher in etcd that drives these services. */
export function watcher(id: string, ...services: string[]): string {
  const lease = registry.lease(1e9);
  registry.write(
    `/sidekick/watchers/${id}`,
    JSON.stringify({ nginx: ['a'], upstreams: [], services }),
    lease,
  );
  return lease;
}

/** A watcher's acknowledgement of the last request for a drain. */
export function answer(id: string, key = KEY): void {
  const revision = registry.get(key)?.revision;
  registry.write(`/sidekick/drained/${key.slice('/services/'.length)}/${id}`, String(revision));
}

/** What a key holds. */
export function value(key = KEY): unknown {
  const entry = registry.get(key);
  return entry && JSON.parse(entry.value);
}
