/** A watcher between a registry and NGINX in memory, on a clock that the test moves. Needs vitest's fake timers. */
import { vi } from 'vitest';
import { monotonicClock, wallClock } from '../../src/adapters/clocks.js';
import { type Address, type Networks, parseAddress, parseNetwork } from '../../src/core/address.js';
import { DEFAULT_SERVICE_LIMITS } from '../../src/core/admission.js';
import { DEFAULT_GUARD } from '../../src/core/guard.js';
import { DEFAULT_KEY_PREFIXES } from '../../src/core/keys.js';
import type { NginxApi } from '../../src/core/ports.js';
import type { UpstreamRef } from '../../src/core/upstream.js';
import {
  DEFAULT_DRAIN_TIMEOUT,
  DEFAULT_PROBE_LIMITS,
  DEFAULT_TIMING,
  type WatcherOptions,
  type WatcherPorts,
} from '../../src/daemon/watcher/options.js';
import { Watcher } from '../../src/daemon/watcher/watcher.js';
import { FakeNginx } from './fake-nginx.js';
import { FakeRegistry } from './fake-registry.js';
import { recordingLog, recordingMeter } from './silent.js';

export const HTTP: UpstreamRef = { kind: 'http', name: 'firmware' };
export const STREAM: UpstreamRef = { kind: 'stream', name: 'mqtt' };

/** The guard switched off: whatever vanishes may go, at once. */
const NO_GUARD = { ...DEFAULT_GUARD, hold: 0, grace: 0 };

/** For set-ups on one host: servers may be anywhere, loopback and the watcher's own addresses included. */
export const ANY_ADDRESS: WatcherOptions['allow'] = {
  '*': ['0.0.0.0/0', '::/0'].map(network),
};

export const OPTIONS: WatcherOptions = {
  id: 'lb1',
  prefixes: DEFAULT_KEY_PREFIXES,
  leaseTtl: 15_000,
  upstreams: [],
  drainTimeout: DEFAULT_DRAIN_TIMEOUT,
  guard: NO_GUARD,
  allow: {},
  limits: DEFAULT_SERVICE_LIMITS,
  probeLimits: DEFAULT_PROBE_LIMITS,
  nginxHosts: [],
  timing: DEFAULT_TIMING,
};

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

export function network(text: string): Networks[number] {
  const parsed = parseNetwork(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

/** `10.0.0.<n>:80`. */
export function host(n: number): Address {
  return address(`10.0.0.${n}:80`);
}

/** Time stands still until a test lets it pass. `vi.setSystemTime` moves what `Date` says, as NTP does, and nothing else. */
export function useFakeClock(): void {
  const timers = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const;
  vi.useFakeTimers({ toFake: [...timers, 'Date', 'performance'] });
}

interface Setup {
  readonly options?: Partial<WatcherOptions>;
  readonly nginx?: readonly FakeNginx[];
  /** How the watcher reaches them; default: directly. */
  readonly apis?: readonly NginxApi[];
  readonly registry?: FakeRegistry;
  /** The watcher publishes its status where this is given. */
  readonly version?: string;
  readonly healthCheck?: WatcherPorts['healthCheck'];
  readonly ownAddresses?: WatcherPorts['ownAddresses'];
}

export class Watching implements AsyncDisposable {
  readonly registry: FakeRegistry;
  readonly nginx: readonly FakeNginx[];
  readonly log = recordingLog();
  readonly meter = recordingMeter();
  readonly watcher: Watcher;
  readonly options: WatcherOptions;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(setup: Setup = {}) {
    this.registry = setup.registry ?? new FakeRegistry(Date.now());
    this.nginx = setup.nginx ?? [new FakeNginx({ http: ['firmware'], stream: ['mqtt'] })];
    this.options = { ...OPTIONS, ...setup.options };
    this.watcher = new Watcher(this.options, {
      reader: this.registry,
      store: this.registry,
      nginx: setup.apis ?? this.nginx,
      ...(setup.healthCheck ? { healthCheck: setup.healthCheck } : {}),
      ...(setup.ownAddresses ? { ownAddresses: setup.ownAddresses } : {}),
      ...(setup.version === undefined ? {} : { version: setup.version }),
      log: this.log,
      meter: this.meter,
      clock: monotonicClock,
      wallClock,
    });
    this.#done = this.watcher.run(this.#stop.signal);
  }

  /** The first of its NGINX. */
  get lb(): FakeNginx {
    const [first] = this.nginx;
    if (!first) throw new Error('there is no NGINX');
    return first;
  }

  register(service: string, server: Address, value: object | string = '{}'): number {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return this.registry.write(`/services/${service}/${server}`, text);
  }

  vanish(service: string, server: Address): void {
    this.registry.delete(`/services/${service}/${server}`);
  }

  /** Lets this much time pass, for etcd's leases too. */
  async pass(ms: number): Promise<void> {
    const step = 100;
    for (let passed = 0; passed < ms; passed += step) {
      const by = Math.min(step, ms - passed);
      await vi.advanceTimersByTimeAsync(by);
      this.registry.advance(by);
    }
    await vi.advanceTimersByTimeAsync(0);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    if (vi.isFakeTimers()) await vi.advanceTimersByTimeAsync(0);
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
