import { sleep } from '../../async/sleep.js';
import type { Address } from '../../core/address.js';
import type { HealthLookup } from '../../core/effective-health.js';
import { type Health, UNKNOWN_HEALTH } from '../../core/health.js';
import type { Instance } from '../../core/keys.js';
import type { Clock, Log, Meter } from '../../core/ports.js';
import { runProbeLoop } from '../probe-loop.js';
import type { HealthCheck, ProbeLimits } from './options.js';
import { ProbeBudget } from './probe-budget.js';

export interface HealthMonitorContext {
  readonly check: (instance: Instance) => HealthCheck | undefined;
  readonly limits: () => ProbeLimits;
  /** How long an instance is still probed after its registration is gone, in ms: the guard's grace. */
  readonly grace: () => number;
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
  /** When its registration went, by the monotonic clock; undefined while it is there. */
  goneAt: number | undefined;
}

type Instances = Map<Address, Watched>;

/** A verdict outlives the registration for this long, in ms: a host that dies is removed at once when its key is gone. */
const REMEMBERED = 10 * 60_000;

/** Most instances of one service that are remembered after they are gone: whoever writes its keys can name any number. */
const MOST_GONE = 1_000;

/**
 * The load balancer's own probes: every registered instance of a probed service is looked at, from here, in addition
 * to what its own sidekick says, so that a lost host stops getting traffic before its lease runs out.
 */
export class HealthMonitor {
  readonly #context: HealthMonitorContext;
  readonly #budget: ProbeBudget;
  readonly #watched = new Map<string, Instances>();
  readonly #endings = new Set<Promise<void>>();

  constructor(context: HealthMonitorContext) {
    this.#context = context;
    this.#budget = new ProbeBudget(context.limits, context.clock);
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
    const instances: Instances = this.#watched.get(service) ?? new Map();
    for (const address of addresses) this.#follow(instances, { service, address }, signal);
    for (const [address, each] of instances) {
      if (!addresses.has(address)) this.#gone(instances, address, each);
    }
    this.#forget(instances);
    if (instances.size > 0) this.#watched.set(service, instances);
    else this.#watched.delete(service);
  }

  /** Forgets what has been gone for long enough; to be called now and then. */
  sweep(): void {
    for (const [service, instances] of this.#watched) {
      this.#forget(instances);
      if (instances.size === 0) this.#watched.delete(service);
    }
  }

  /** How many instances it knows. */
  get size(): number {
    return [...this.#watched.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Ends every probe, so that the next `sync` begins them as they are configured now. What is known stays known. */
  restart(): void {
    for (const instances of this.#watched.values()) for (const each of instances.values()) end(each);
  }

  /** Resolves when every probe has ended, once the signal given to `sync` is aborted. */
  async ended(): Promise<void> {
    await Promise.all(this.#endings);
  }

  #follow(instances: Instances, instance: Instance, signal: AbortSignal): void {
    const known = instances.get(instance.address);
    if (known) known.goneAt = undefined;
    if (known?.stop) return;
    const check = this.#context.check(instance);
    if (!check || signal.aborted) {
      instances.delete(instance.address);
      return;
    }
    const each: Watched = known ?? { instance, health: UNKNOWN_HEALTH, stop: undefined, goneAt: undefined };
    instances.set(instance.address, each);
    this.#start(each, check, signal);
  }

  #start(each: Watched, check: HealthCheck, signal: AbortSignal): void {
    const stop = new AbortController();
    each.stop = stop;
    const onAbort = () => stop.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    const ending = this.#probe(each, check, stop.signal).finally(() => {
      signal.removeEventListener('abort', onAbort);
      check.probe.close?.();
      this.#endings.delete(ending);
    });
    this.#endings.add(ending);
  }

  /** The one that has been gone for the shortest time comes last. */
  #gone(instances: Instances, address: Address, each: Watched): void {
    if (each.goneAt !== undefined) return;
    each.goneAt = this.#context.clock();
    instances.delete(address);
    instances.set(address, each);
  }

  #forget(instances: Instances): void {
    const now = this.#context.clock();
    let gone = 0;
    for (const { goneAt } of instances.values()) if (goneAt !== undefined) gone++;
    for (const [address, each] of instances) {
      if (each.goneAt === undefined) continue;
      const tooMany = gone > MOST_GONE;
      if (tooMany || now - each.goneAt >= this.#context.grace()) end(each);
      // Of one that was not found dead there is nothing to remember.
      const isNews = each.health.status === 'unhealthy' && now - each.goneAt <= REMEMBERED;
      if (tooMany || (!each.stop && !isNews)) {
        instances.delete(address);
        gone--;
      }
    }
  }

  async #probe(each: Watched, { probe, policy }: HealthCheck, signal: AbortSignal): Promise<void> {
    // Spread over one interval, so that a fleet that is read at once is not probed at once.
    if (each.health.status !== 'unknown') await sleep(Math.random() * policy.interval, signal);
    const { service } = each.instance;
    await runProbeLoop(
      {
        probe,
        policy,
        health: each.health,
        turn: (run) => this.#budget.run(service, signal, run),
        onHealth: (health, reason) => this.#judge(each, health, reason),
      },
      signal,
    );
  }

  #judge(each: Watched, health: Health, reason: string | undefined): void {
    const before = each.health.status;
    each.health = health;
    const { log, meter, clock, grace, changed } = this.#context;
    if (each.goneAt !== undefined && clock() - each.goneAt >= grace()) end(each);
    const { status } = each.health;
    if (status === before) return;
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

function end(each: Watched): void {
  each.stop?.abort();
  each.stop = undefined;
}
