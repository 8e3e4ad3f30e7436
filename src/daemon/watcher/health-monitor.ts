import type { Address } from '../../core/address.js';
import type { HealthLookup } from '../../core/effective-health.js';
import { type Health, UNKNOWN_HEALTH } from '../../core/health.js';
import type { Instance } from '../../core/keys.js';
import type { Clock, Log, Meter } from '../../core/ports.js';
import { keepProbing } from '../health-loop.js';
import { pause } from '../pause.js';
import type { HealthCheck } from '../watcher-options.js';

export interface HealthMonitorContext {
  readonly check: (instance: Instance) => HealthCheck | undefined;
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
  /** An instance has become healthy or unhealthy. */
  readonly changed: (instance: Instance) => void;
}

interface Watched {
  readonly instance: Instance;
  health: Health;
  /** Ends the probing; undefined once ended. */
  stop: AbortController | undefined;
  /** When it was last registered, in ms since the epoch. */
  goneAt: number | undefined;
}

/** A verdict outlives the registration for this long, in ms: a host that dies is removed at once when its key is gone. */
const REMEMBERED = 10 * 60_000;

/**
 * The load balancer's own probes: every registered instance of a probed service is looked at, from here, in addition
 * to what its own sidekick says, so that a lost host stops getting traffic before its lease runs out.
 */
export class HealthMonitor {
  readonly #context: HealthMonitorContext;
  readonly #watched = new Map<string, Map<Address, Watched>>();
  readonly #endings = new Set<Promise<void>>();

  constructor(context: HealthMonitorContext) {
    this.#context = context;
  }

  /** What the probes say of the addresses of these services. Undefined where none of them is probed. */
  lookup(services: readonly string[]): HealthLookup | undefined {
    const watched = services.flatMap((service) => this.#watched.get(service) ?? []);
    if (watched.length === 0) return undefined;
    return (address) => {
      const found = watched.flatMap((instances) => instances.get(address)?.health.status ?? []);
      // Nobody looks at it, so nothing speaks against it.
      if (found.length === 0 || found.includes('healthy')) return 'healthy';
      return found.includes('unhealthy') ? 'unhealthy' : 'unknown';
    };
  }

  /** Follows the instances that a service has registered now. */
  sync(service: string, addresses: ReadonlySet<Address>, signal: AbortSignal): void {
    const watched = this.#watched.get(service) ?? new Map<Address, Watched>();
    for (const address of addresses) this.#follow(watched, { service, address }, signal);
    for (const [address, each] of watched) {
      if (!addresses.has(address)) this.#unfollow(watched, address, each);
    }
    if (watched.size > 0) this.#watched.set(service, watched);
    else this.#watched.delete(service);
  }

  /** Ends every probe, so that the next `sync` begins them as they are configured now. What is known stays known. */
  restart(): void {
    for (const instances of this.#watched.values()) {
      for (const each of instances.values()) {
        each.stop?.abort();
        each.stop = undefined;
      }
    }
  }

  /** Resolves when every probe has ended, once the signal given to `sync` is aborted. */
  async ended(): Promise<void> {
    await Promise.all(this.#endings);
  }

  #follow(watched: Map<Address, Watched>, instance: Instance, signal: AbortSignal): void {
    const known = watched.get(instance.address);
    if (known?.stop) return;
    const check = this.#context.check(instance);
    if (!check) {
      watched.delete(instance.address);
      return;
    }
    const stop = new AbortController();
    const each: Watched = { instance, health: known?.health ?? UNKNOWN_HEALTH, stop, goneAt: undefined };
    watched.set(instance.address, each);
    const onAbort = () => stop.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    const ending = this.#probe(each, check, stop.signal).finally(() => {
      signal.removeEventListener('abort', onAbort);
      this.#endings.delete(ending);
    });
    this.#endings.add(ending);
  }

  #unfollow(watched: Map<Address, Watched>, address: Address, each: Watched): void {
    const now = this.#context.clock();
    each.stop?.abort();
    each.stop = undefined;
    each.goneAt ??= now;
    if (now - each.goneAt > REMEMBERED) watched.delete(address);
  }

  async #probe(each: Watched, { probe, policy }: HealthCheck, signal: AbortSignal): Promise<void> {
    // Spread over one interval, so that a fleet that is read at once is not probed at once.
    if (each.health.status !== 'unknown') await pause(Math.random() * policy.interval, signal);
    const onHealth = (health: Health, reason: string | undefined) => this.#judge(each, health, reason);
    await keepProbing({ probe, policy, health: each.health, onHealth }, signal);
  }

  #judge(each: Watched, health: Health, reason: string | undefined): void {
    const before = each.health.status;
    each.health = health;
    const { status } = each.health;
    if (status === before) return;
    const { log, meter, changed } = this.#context;
    const { service, address } = each.instance;
    meter.count('sidekick_watcher_health_changes_total', { service, status });
    if (status === 'unhealthy') {
      log.warn({ event: 'server-unhealthy', service, address, reason }, 'the instance fails its probes');
    } else if (before === 'unhealthy') {
      log.info({ event: 'server-healthy', service, address }, 'the instance passes its probes again');
    }
    changed(each.instance);
  }
}
