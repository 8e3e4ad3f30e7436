import type { Address } from '../../core/address.js';
import { type Cause, causeFields } from '../../core/cause.js';
import type { NginxError } from '../../core/errors.js';
import type { Action } from '../../core/plan.js';
import type { Log, Meter } from '../../core/ports.js';
import type { UpstreamRef } from '../../core/upstream.js';
import type { WatcherDeps } from './deps.js';
import type { Outcome } from './reconcile.js';

const DONE: Readonly<Record<Action['type'], { event: string; message: string }>> = {
  add: { event: 'server-added', message: 'server added' },
  update: { event: 'server-updated', message: 'server updated' },
  drain: { event: 'server-draining', message: 'server draining' },
  remove: { event: 'server-removed', message: 'server removed' },
};

/** The states in which servers are counted. */
const STATES = ['up', 'down', 'draining', 'held'] as const;

/** Logs and counts what passes over one upstream come to. A problem is logged once, and again only after it was resolved. */
export class PassReport {
  readonly #labels: { readonly nginx: string; readonly kind: string; readonly upstream: string };
  readonly #log: Log;
  readonly #meter: Meter;
  readonly #serviceOf: (address: Address) => string | undefined;
  /** The problems that have been logged and are not resolved. */
  readonly #active = new Set<string>();

  /** @param serviceOf The service that the server at the address belongs to; undefined where that is not known. */
  constructor(
    nginx: string,
    ref: UpstreamRef,
    { log, meter }: Pick<WatcherDeps, 'log' | 'meter'>,
    serviceOf: (address: Address) => string | undefined = () => undefined,
  ) {
    this.#serviceOf = serviceOf;
    this.#labels = { nginx, kind: ref.kind, upstream: ref.name };
    this.#log = log;
    this.#meter = meter;
  }

  outcomes(outcomes: readonly Outcome[]): void {
    for (const [type, counts] of countByType(outcomes)) {
      for (const result of ['ok', 'error'] as const) {
        const labels = { ...this.#labels, action: type, result };
        if (counts[result] > 0) this.#meter.count('sidekick_upstream_actions_total', labels, counts[result]);
      }
    }
    for (const outcome of outcomes) this.#logOutcome(outcome);
  }

  #logOutcome({ action, error }: Outcome): void {
    if (!error) {
      const { event, message } = DONE[action.type];
      this.#log.info({ event, ...this.#labels, ...this.#details(action) }, message);
      this.clear(problemOf(action));
      return;
    }
    const fields = { code: error.code, status: error.status, reason: error.message };
    if (error.code === 'UpstreamOutOfMemory') {
      this.#meter.count('sidekick_upstream_zone_full_total', this.#labels);
      this.#warnOnce(
        'upstream-full',
        { event: 'upstream-full', ...fields },
        'the shared memory zone of the upstream is full: make it larger in the NGINX configuration',
      );
    } else {
      this.#warnOnce(
        problemOf(action),
        { event: 'server-failed', action: action.type, ...this.#details(action), ...fields },
        'NGINX did not make the change',
      );
    }
  }

  /** NGINX answers, but does not show the group. */
  unreadable({ code, status, message }: NginxError): void {
    const fields = { event: 'upstream-unreadable', code, status, reason: message };
    this.#warnOnce('upstream-unreadable', fields, 'NGINX does not show the servers of the upstream');
  }

  /** These servers stay because nothing else of the group serves yet. */
  deferred(addresses: readonly Address[]): void {
    if (addresses.length === 0) return;
    const fields = { event: 'drain-deferred', addresses };
    const message = 'no other server of the upstream serves yet: these servers stay until one does';
    this.#warnOnce('drain-deferred', fields, message);
  }

  /** A problem is resolved. */
  clear(problem: string): void {
    this.#active.delete(problem);
  }

  /** Every problem is resolved. */
  clearAll(): void {
    this.#active.clear();
  }

  /** @param count How many servers are held in all. */
  held(addresses: readonly Address[], count: number): void {
    this.#meter.count('sidekick_guard_trips_total', this.#labels);
    this.#log.warn(
      {
        event: 'servers-held',
        ...this.#labels,
        ...this.#service(addresses[0]),
        addresses,
        count,
        ...causeFields({ kind: 'guard' }),
      },
      'too many servers vanished at once: NGINX keeps them for now',
    );
  }

  unheld(addresses: readonly Address[], cause: Cause): void {
    this.#log.info(
      {
        event: 'servers-unheld',
        ...this.#labels,
        ...this.#service(addresses[0]),
        addresses,
        ...causeFields(cause),
      },
      'the guard no longer holds these servers',
    );
  }

  servers(counts: Readonly<Record<(typeof STATES)[number], number>>): void {
    for (const state of STATES) {
      this.#meter.gauge('sidekick_upstream_servers', counts[state], { ...this.#labels, state });
    }
  }

  /** @param count How many servers are not as etcd wants them. */
  outOfSync(count: number): void {
    this.#meter.gauge('sidekick_upstream_out_of_sync_servers', count, this.#labels);
  }

  /** @param at When the oldest drain in progress began, in ms since the epoch; undefined if nothing drains. */
  oldestDrain(at: number | undefined): void {
    if (at === undefined)
      this.#meter.remove('sidekick_upstream_oldest_drain_timestamp_seconds', this.#labels);
    else this.#meter.gauge('sidekick_upstream_oldest_drain_timestamp_seconds', at / 1000, this.#labels);
  }

  /** A full pass without an error has ended. @param at In ms since the epoch. */
  passed(at: number): void {
    this.#meter.gauge('sidekick_upstream_last_pass_timestamp_seconds', at / 1000, this.#labels);
  }

  /** The upstream is no longer kept in sync. */
  forget(): void {
    this.forgetServers();
    this.#meter.remove('sidekick_upstream_last_pass_timestamp_seconds', this.#labels);
  }

  /** NGINX has made a change. @param took Since the change in etcd, in ms. */
  propagated(took: number): void {
    this.#meter.observe('sidekick_propagation_seconds', took / 1000, { nginx: this.#labels.nginx });
  }

  /** Nobody knows how many servers there are. */
  forgetServers(): void {
    this.#meter.remove('sidekick_upstream_out_of_sync_servers', this.#labels);
    this.oldestDrain(undefined);
    for (const state of STATES) {
      this.#meter.remove('sidekick_upstream_servers', { ...this.#labels, state });
    }
  }

  pass(result: 'ok' | 'error'): void {
    this.#meter.count('sidekick_upstream_passes_total', { ...this.#labels, result });
  }

  /** Which server is changed, how and why. */
  #details(action: Action): Readonly<Record<string, unknown>> {
    const { address, cause } = action;
    const changed =
      action.type === 'update'
        ? { changes: action.changes }
        : action.type === 'remove'
          ? { reason: action.reason }
          : {};
    return { ...this.#service(address), address, ...changed, ...causeFields(cause) };
  }

  #service(address: Address | undefined): { readonly service?: string } {
    const service = address && this.#serviceOf(address);
    return service === undefined ? {} : { service };
  }

  #warnOnce(problem: string, fields: Readonly<Record<string, unknown>>, message: string): void {
    if (this.#active.has(problem)) return;
    this.#active.add(problem);
    this.#log.warn({ ...fields, ...this.#labels }, message);
  }
}

/** How many actions of each type went well and did not. */
function countByType(
  outcomes: readonly Outcome[],
): ReadonlyMap<Action['type'], { ok: number; error: number }> {
  const counts = new Map<Action['type'], { ok: number; error: number }>();
  for (const { action, error } of outcomes) {
    const count = counts.get(action.type) ?? { ok: 0, error: 0 };
    count[error ? 'error' : 'ok']++;
    counts.set(action.type, count);
  }
  return counts;
}

function problemOf({ type, address }: Action): string {
  return `${type} ${address}`;
}
