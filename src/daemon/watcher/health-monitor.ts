import { type DerivedAbort, deriveAbort } from '../../async/abort.js';
import { sleep } from '../../async/sleep.js';
import type { Address } from '../../core/address.js';
import { causeFields } from '../../core/cause.js';
import { type Health, type HealthLookup, UNKNOWN_HEALTH } from '../../core/health.js';
import type { Instance } from '../../core/keys.js';
import type { Clock, Log, Meter } from '../../core/ports.js';
import { runProbeLoop } from '../probe-loop.js';
import type { HealthCheck, ProbeLimits } from './options.js';
import { ProbeBudget } from './probe-budget.js';

interface HealthMonitorContext {
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
  /** Why the last probe failed; undefined where it did not. */
  error: string | undefined;
  /** Ends the probing; undefined once ended. */
  stop: DerivedAbort | undefined;
  /** When its registration went, by the monotonic clock; undefined while it is there. */
  goneAt: number | undefined;
}

/** The instances of one service. */
interface Instances {
  readonly all: Map<Address, Watched>;
  /** Those of them whose registration is gone, the longest gone first. */
  readonly gone: Map<Address, Watched>;
}

/** How long health is remembered after the registration is gone, in ms: the server of a dead host is then removed at once. */
const REMEMBERED = 10 * 60_000;

/** Most instances of one service that are remembered after they are gone: whoever writes its keys can name any number. */
const MOST_GONE = 1_000;

/**
 * The load balancer's own probes: every registered instance of a probed service is probed from here too, whatever its own
 * sidekick finds, so that a lost host stops getting traffic before its lease runs out.
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
      const found = watched.flatMap(({ all }) => all.get(address)?.health.status ?? []);
      // It is not probed, so nothing speaks against it.
      if (found.length === 0 || found.includes('healthy')) return 'healthy';
      return found.includes('unhealthy') ? 'unhealthy' : 'unknown';
    };
  }

  /** Why the last probe of the address failed, for any of these services; undefined where none did. */
  error(services: readonly string[], address: Address): string | undefined {
    for (const service of services) {
      const error = this.#watched.get(service)?.all.get(address)?.error;
      if (error !== undefined) return error;
    }
    return undefined;
  }

  /** Probes those of these instances that are registered, and no longer those that are not. */
  update(
    service: string,
    addresses: Iterable<Address>,
    registered: Pick<ReadonlyMap<Address, unknown>, 'has'>,
    signal: AbortSignal,
  ): void {
    const instances = this.#watched.get(service) ?? { all: new Map(), gone: new Map() };
    for (const address of addresses) {
      if (registered.has(address)) this.#follow(instances, { service, address }, signal);
      else this.#gone(instances, address);
    }
    if (instances.gone.size > MOST_GONE) this.#forget(instances);
    if (instances.all.size > 0) this.#watched.set(service, instances);
    else this.#watched.delete(service);
  }

  /** Probes the instances that a service has registered now, and no others. */
  sync(service: string, registered: ReadonlyMap<Address, unknown>, signal: AbortSignal): void {
    const known = this.#watched.get(service)?.all;
    const addresses = known ? new Set([...registered.keys(), ...known.keys()]) : registered.keys();
    this.update(service, addresses, registered, signal);
  }

  /** Forgets what has been gone for long enough; to be called now and then. */
  sweep(): void {
    for (const [service, instances] of this.#watched) {
      this.#forget(instances);
      if (instances.all.size === 0) this.#watched.delete(service);
    }
  }

  /** How many instances it knows. */
  get size(): number {
    return [...this.#watched.values()].reduce((sum, { all }) => sum + all.size, 0);
  }

  /** Ends every probe, so that the next `sync` begins them as they are configured now. What is known stays known. */
  restart(): void {
    for (const { all } of this.#watched.values()) for (const each of all.values()) end(each);
  }

  /** Resolves when every probe has ended, once the signal given to `sync` is aborted. */
  async ended(): Promise<void> {
    await Promise.all(this.#endings);
  }

  #follow({ all, gone }: Instances, instance: Instance, signal: AbortSignal): void {
    const { address } = instance;
    const known = all.get(address);
    gone.delete(address);
    if (known) known.goneAt = undefined;
    if (known?.stop) return;
    const check = this.#context.check(instance);
    if (!check || signal.aborted) {
      all.delete(address);
      return;
    }
    const each: Watched = known ?? {
      instance,
      health: UNKNOWN_HEALTH,
      error: undefined,
      stop: undefined,
      goneAt: undefined,
    };
    all.set(address, each);
    this.#start(each, check, signal);
  }

  #start(each: Watched, check: HealthCheck, signal: AbortSignal): void {
    const stop = deriveAbort(signal);
    each.stop = stop;
    const ending = this.#probe(each, check, stop.signal).finally(() => {
      stop.dispose();
      check.probe.close?.();
      this.#endings.delete(ending);
    });
    this.#endings.add(ending);
  }

  #gone(instances: Instances, address: Address): void {
    const each = instances.all.get(address);
    if (!each || each.goneAt !== undefined) return;
    each.goneAt = this.#context.clock();
    instances.gone.set(address, each);
    this.#forgetInstance(instances, address, each);
  }

  #forget(instances: Instances): void {
    for (const [address, each] of instances.gone) this.#forgetInstance(instances, address, each);
  }

  /** Ends the probes of an instance once its grace is over, and forgets it unless it was found dead lately. */
  #forgetInstance({ all, gone }: Instances, address: Address, each: Watched): void {
    const { clock, grace } = this.#context;
    const since = clock() - (each.goneAt ?? clock());
    const tooMany = gone.size > MOST_GONE;
    if (tooMany || since >= grace()) end(each);
    // Of one that was not found dead there is nothing to remember.
    const isRemembered = each.health.status === 'unhealthy' && since <= REMEMBERED;
    if (!tooMany && (each.stop || isRemembered)) return;
    all.delete(address);
    gone.delete(address);
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
    each.error = reason;
    const { log, meter, clock, grace, changed } = this.#context;
    meter.count('sidekick_server_probes_total', { result: reason === undefined ? 'success' : 'failure' });
    if (each.goneAt !== undefined && clock() - each.goneAt >= grace()) end(each);
    const { status } = each.health;
    if (status === before) return;
    const { service, address } = each.instance;
    // Of a service that is gone no metric is left.
    if (each.goneAt === undefined) meter.count('sidekick_health_changes_total', { service, status });
    if (status === 'unhealthy') {
      const cause = causeFields({ kind: 'probe-failed', ...(reason === undefined ? {} : { error: reason }) });
      const fields = { event: 'server-unhealthy', service, address, reason, ...cause };
      log.warn(fields, 'the instance fails its probes');
    } else if (before === 'unhealthy') {
      const fields = { event: 'server-healthy', service, address, ...causeFields({ kind: 'probe-passed' }) };
      log.info(fields, 'the instance passes its probes again');
    }
    changed(each.instance);
  }
}

function end(each: Watched): void {
  each.stop?.abort();
  each.stop = undefined;
}
