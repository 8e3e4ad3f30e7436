/** The world of the model: etcd, NGINX and watchers in memory, on a clock that is moved. */
import { vi } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import { type DesiredServers, desiredServers } from '../../../src/core/desired.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import type { ActualServer, KeyValue } from '../../../src/core/ports.js';
import { Registrations } from '../../../src/core/registrations.js';
import { differences } from '../../../src/core/server-parameters.js';
import { type UpstreamRef, upstreamId } from '../../../src/core/upstream.js';
import { DEFAULT_TIMING, type WatcherOptions } from '../../../src/daemon/watcher/options.js';
import { Watcher } from '../../../src/daemon/watcher/watcher.js';
import type { FakeCall, FakeFault, FakeNginx } from '../fake-nginx.js';
import { FakeRegistry } from '../fake-registry.js';
import { recordingLog, recordingMeter } from '../silent.js';
import { HTTP, OPTIONS, STREAM } from '../watching.js';
import { Inspector } from './inspector.js';
import { Severable } from './severable.js';

export const SERVICES: readonly (readonly [service: string, ref: UpstreamRef])[] = [
  ['firmware', HTTP],
  ['mqtt', STREAM],
];

export function serviceOf({ kind }: UpstreamRef): string {
  return kind === 'http' ? 'firmware' : 'mqtt';
}

const MODEL_OPTIONS: WatcherOptions = {
  ...OPTIONS,
  drainTimeout: { http: 3_000, stream: 6_000 },
  guard: { window: 5_000, maxLoss: 0.5, hold: 8_000, grace: 1_500 },
  timing: { ...DEFAULT_TIMING, resync: 10_000 },
};

/** Meets the next `times` calls of a method to one NGINX. */
interface PlannedFault {
  readonly method: FakeCall['method'] | 'any';
  readonly fault: () => FakeFault;
  times: number;
}

interface Running {
  readonly severable: Severable;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

export class World {
  readonly registry = new FakeRegistry(Date.now());
  readonly nginx: readonly FakeNginx[];
  readonly log = recordingLog();
  readonly violations: string[] = [];
  /** The instances that fail the load balancer's own probes. */
  readonly dead = new Set<Address>();
  /** Those that have ever failed one. */
  readonly #failed = new Set<Address>();
  /** Those that somebody else has put into NGINX. */
  readonly #meddled = new Set<Address>();
  readonly #faults = new Map<FakeNginx, PlannedFault[]>();
  readonly #watchers = new Map<string, Running>();
  readonly #leases = new Map<string, string>();
  /** When somebody else last changed a group of an NGINX. */
  readonly #meddling = new Map<string, number>();
  #lastHoldUntil = Number.NEGATIVE_INFINITY;
  #disturbances = 0;
  #excuses = 0;

  constructor(nginx: readonly FakeNginx[]) {
    this.nginx = nginx;
    for (const each of nginx) {
      this.#faults.set(each, []);
      each.fault = (call) => this.#nextFault(each, call);
    }
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      const by = Math.min(500, left);
      await vi.advanceTimersByTimeAsync(by);
      this.registry.advance(by);
    }
    await vi.advanceTimersByTimeAsync(0);
  }

  fault(nginx: FakeNginx, fault: PlannedFault): void {
    this.#faults.get(nginx)?.push(fault);
  }

  /** Something has happened that may leave a copy behind for longer than a pass. */
  disturb(): void {
    this.#disturbances++;
  }

  /** Somebody else than a watcher puts it into NGINX: whoever finds it there without a registration may take it out. */
  meddle(address: Address): void {
    this.disturb();
    this.#meddled.add(address);
  }

  /** Somebody else than a watcher changes servers that NGINX has. */
  meddleWith(
    nginx: FakeNginx,
    ref: UpstreamRef,
    address: Address,
    how: 'drain' | 'down' | 'up' | 'remove',
  ): void {
    this.meddle(address);
    this.#meddling.set(`${nginx.name} ${upstreamId(ref)}`, performance.now());
    nginx.meddle(ref, address, how);
  }

  /** A watcher's call is held for 3 s at most, and between its last look and what it takes there are three. */
  #isSurprised(nginx: string, ref: UpstreamRef): boolean {
    const at = this.#meddling.get(`${nginx} ${upstreamId(ref)}`) ?? Number.NEGATIVE_INFINITY;
    return performance.now() - at < 9_000 && (this.#excuses > 0 || this.#lastHoldUntil >= at);
  }

  /** As a sidekick does: under a lease of its own. */
  register(service: string, address: Address, value: object | string): void {
    const key = `/services/${service}/${address}`;
    const known = this.#leases.get(key);
    const lease =
      known !== undefined && this.registry.leases().includes(known) ? known : this.registry.lease(3_600_000);
    this.#leases.set(key, lease);
    this.registry.write(key, typeof value === 'string' ? value : JSON.stringify(value), lease);
  }

  async #probe(address: Address): Promise<void> {
    if (!this.dead.has(address)) return;
    this.#failed.add(address);
    throw new Error('dead');
  }

  isRegistered(service: string, address: Address): boolean {
    return this.registry.get(`/services/${service}/${address}`) !== undefined;
  }

  /** The sidekick's host is lost: its lease runs out. */
  expire(service: string, address: Address): void {
    const lease = this.registry.get(`/services/${service}/${address}`)?.lease;
    if (lease !== undefined) this.registry.expire(lease);
  }

  startWatcher(id: string): void {
    if (this.#watchers.has(id)) return;
    this.disturb();
    const severable = new Severable(
      new Inspector({
        id,
        registry: this.registry,
        servers: (name, ref) => this.nginx.find((each) => each.name === name)?.servers(ref) ?? [],
        serviceOf,
        identity: (name) => this.nginx.find((each) => each.name === name)?.currentIdentity,
        isSurprised: (name, ref) => this.#isSurprised(name, ref),
        disturbances: () => (this.#excuses > 0 ? ++this.#disturbances : this.#disturbances),
        violation: (text) => this.violations.push(text),
        grace: {
          ms: MODEL_OPTIONS.guard.grace,
          isWell: (address) => !this.#failed.has(address) && !this.#meddled.has(address),
        },
      }),
    );
    const watcher = new Watcher(
      { ...MODEL_OPTIONS, id },
      {
        reader: severable.reader(this.registry),
        store: severable.store(this.registry),
        nginx: this.nginx.map((each) => severable.nginx(each)),
        healthCheck: ({ address }) => ({
          policy: { interval: 500, timeout: 400, rise: 1, fall: 2 },
          probe: () => this.#probe(address),
        }),
        log: this.log,
        meter: recordingMeter(),
        clock: () => performance.now(),
        wallClock: Date.now,
      },
    );
    const stop = new AbortController();
    this.#watchers.set(id, { severable, stop, done: watcher.run(stop.signal) });
  }

  /** Gracefully, or as `kill -9` does: no last word to etcd, and the answers to calls under way are not heard. */
  async endWatcher(id: string, how: 'stop' | 'kill'): Promise<void> {
    const running = this.#watchers.get(id);
    if (!running) return;
    this.#watchers.delete(id);
    this.disturb();
    if (how === 'kill') running.severable.sever();
    running.stop.abort();
    let ended = false;
    void running.done.then(() => {
      ended = true;
    });
    for (let i = 0; i < 200 && !ended; i++) await vi.advanceTimersByTimeAsync(100);
    if (!ended) this.violations.push(`${id} did not end within 20 s of being asked to`);
  }

  async end(): Promise<void> {
    for (const id of [...this.#watchers.keys()]) await this.endWatcher(id, 'kill');
  }

  /** Every fault is over, a watcher runs, no operator interferes, sessions end, and each service has an instance. */
  async quiet(instance: Address): Promise<void> {
    for (const faults of this.#faults.values()) faults.length = 0;
    this.registry.fault('none');
    this.dead.clear();
    for (const each of this.nginx) each.answer();
    for (const key of this.registry.keys()) {
      if (key.startsWith('/sidekick/maintenance/')) this.registry.delete(key);
    }
    for (const [service] of SERVICES) this.register(service, instance, {});
    this.startWatcher('lb1');
    for (let i = 0; i < 6; i++) {
      for (const each of this.nginx) endSessions(each);
      await this.pass(5_000);
    }
  }

  /** Whatever differs between etcd and NGINX, now that all is quiet. */
  differences(): readonly string[] {
    const entries = new Map<string, KeyValue>();
    for (const key of this.registry.keys()) entries.set(key, this.registry.get(key) as KeyValue);
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    registrations.apply({ entries, changed: new Set(entries.keys()) });
    return this.nginx.flatMap((nginx) =>
      SERVICES.flatMap(([service, ref]) =>
        groupDifferences(desiredServers(registrations, [service]), ref, nginx.servers(ref)).map(
          (text) => `${nginx.name}: ${text}`,
        ),
      ),
    );
  }

  #nextFault(nginx: FakeNginx, { method }: FakeCall): FakeFault | undefined {
    const next = this.#faults
      .get(nginx)
      ?.find((each) => each.times > 0 && (each.method === method || each.method === 'any'));
    if (!next) return undefined;
    next.times--;
    this.disturb();
    const fault = next.fault();
    if (fault.hold) this.#excuse(fault.hold);
    // What NGINX refuses for good is asked for again only after a resync.
    if (fault.before?.retryable === false) this.#excuse(sleep(MODEL_OPTIONS.timing.resync + 1_000));
    return fault;
  }

  #excuse(until: Promise<void>): void {
    this.#excuses++;
    void until.then(() => {
      this.#excuses--;
      this.#lastHoldUntil = performance.now();
      this.disturb();
    });
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function endSessions(nginx: FakeNginx): void {
  for (const [, ref] of SERVICES) {
    for (const { address } of nginx.servers(ref)) nginx.set(ref, address, { active: 0, failing: false });
  }
}

/** How a group differs from what is wanted of it. */
export function groupDifferences(
  desired: DesiredServers,
  ref: UpstreamRef,
  servers: readonly ActualServer[],
): readonly string[] {
  const addresses = new Set([...desired.values(), ...servers].map(({ address }) => address));
  return [...addresses].flatMap((address) => {
    const wanted = desired.get(address);
    const found = servers.filter((server) => server.address === address);
    const where = `${ref.name} ${address}`;
    const count = (most: number, least = most) =>
      found.length <= most && found.length >= least ? [] : [`${where}: ${found.length} servers`];
    if (!wanted || wanted.intent === 'drain') return count(0);
    if (wanted.intent === 'keep') return count(1, 0);
    const [server] = found;
    if (found.length !== 1 || !server) return count(1);
    const changes = differences(ref.kind, server.parameters, wanted.parameters);
    if (Object.keys(changes).length === 0 && !server.draining) return [];
    return [`${where}: differs in ${JSON.stringify(changes)}, draining ${server.draining}`];
  });
}
