import { type Health, UNKNOWN_HEALTH } from '../../core/health.js';
import { type KeyPrefixes, registrationKey } from '../../core/keys.js';
import type { Log, Meter } from '../../core/ports.js';
import { encodeRegistration } from '../../core/registration-codec.js';
import type { KeyStatus } from '../lease/key-ledger.js';
import type { LeaseSession } from '../lease/session.js';
import { runProbeLoop } from '../probe-loop.js';
import type { ServiceSpec } from './options.js';
import type { ServiceStatus } from './status.js';

interface ServiceWorkerContext {
  readonly session: LeaseSession;
  readonly prefixes: KeyPrefixes;
  readonly log: Log;
  readonly meter: Meter;
}

/** Why a key is in a state that one does not expect, for the status. */
const REASONS: Partial<Record<KeyStatus, string>> = {
  superseded: 'a newer sidekick has registered this address: stop one of the two',
};

/** One service: probes it, and keeps its key in etcd while it is healthy. */
export class ServiceWorker {
  readonly key: string;
  readonly #context: ServiceWorkerContext;
  #spec: ServiceSpec;
  #health: Health = UNKNOWN_HEALTH;
  #reason: string | undefined;
  #draining = false;
  #probing = new AbortController();
  #loops: Promise<void> = Promise.resolve();

  constructor(spec: ServiceSpec, context: ServiceWorkerContext) {
    this.#spec = spec;
    this.#context = context;
    this.key = registrationKey(context.prefixes, spec.registration);
  }

  get instance(): Pick<ServiceSpec['registration'], 'service' | 'address'> {
    const { service, address } = this.#spec.registration;
    return { service, address };
  }

  start(): void {
    const probing = new AbortController();
    this.#probing = probing;
    const { probe, health: policy } = this.#spec;
    const onHealth = (health: Health, reason: string | undefined) => {
      if (!probing.signal.aborted) this.#judge(health, reason);
    };
    const loop = runProbeLoop({ probe, policy, health: this.#health, onHealth }, probing.signal);
    this.#loops = Promise.all([this.#loops, loop]).then(() => undefined);
  }

  /** Takes another specification of the same instance, at once. Its health is kept; it is probed anew if the probe differs. */
  update(spec: ServiceSpec): void {
    const before = this.#spec;
    this.#spec = spec;
    if (this.#draining) {
      this.#draining = false;
      this.start();
    } else if (before.probeId !== spec.probeId || !samePolicy(before, spec)) {
      this.#probing.abort();
      this.start();
    }
    this.#publish();
  }

  /** Stops probing, and requests the drain in the key, where the service has one. */
  drain(): void {
    this.#draining = true;
    this.#probing.abort();
    if (this.wanted) this.#publish();
  }

  /** Whether its key is to be in etcd. */
  get wanted(): boolean {
    return this.#context.session.status(this.key) !== undefined;
  }

  /** Stops probing; resolves when the last probe has ended. */
  async end(): Promise<void> {
    this.#probing.abort();
    await this.#loops;
  }

  status(): ServiceStatus {
    const status = this.#context.session.status(this.key);
    const key = status === 'held' ? 'registered' : (status ?? 'absent');
    const reason = this.#reason ?? this.#context.session.refusal(this.key) ?? (status && REASONS[status]);
    return {
      ...this.instance,
      health: this.#health.status,
      ...(reason === undefined ? {} : { reason }),
      key,
    };
  }

  #judge(health: Health, reason: string | undefined): void {
    const before = this.#health.status;
    this.#health = health;
    this.#reason = reason;
    const { log, meter } = this.#context;
    const { service, address } = this.instance;
    meter.count('sidekick_probes_total', { service, result: reason === undefined ? 'success' : 'failure' });
    if (health.status === before) return;
    const healthy = health.status === 'healthy';
    meter.gauge('sidekick_instance_healthy', healthy ? 1 : 0, { service, address });
    if (healthy)
      log.info(
        { event: 'instance-healthy', service, address },
        'the service is healthy: it is being registered',
      );
    else
      log.warn(
        { event: 'instance-unhealthy', service, address, reason },
        'the service is not healthy: it is not registered',
      );
    this.#publish();
  }

  #publish(): void {
    const { session, prefixes } = this.#context;
    if (this.#health.status !== 'healthy') {
      session.unset(this.key);
      return;
    }
    const registration = { ...this.#spec.registration, drain: this.#draining };
    session.set(this.key, encodeRegistration(prefixes, registration).value);
  }
}

function samePolicy({ health: a }: ServiceSpec, { health: b }: ServiceSpec): boolean {
  return a.interval === b.interval && a.timeout === b.timeout && a.rise === b.rise && a.fall === b.fall;
}
