import type { Action } from '../../core/plan.js';
import type { Log, Meter } from '../../core/ports.js';
import type { UpstreamRef } from '../../core/upstream.js';
import type { Outcome } from './reconcile.js';

const DONE: Readonly<Record<Action['type'], { event: string; message: string }>> = {
  add: { event: 'server-added', message: 'server added' },
  update: { event: 'server-updated', message: 'server updated' },
  drain: { event: 'server-draining', message: 'server draining' },
  remove: { event: 'server-removed', message: 'server removed' },
};

/** Says what was done to one upstream of one NGINX: each deed, and each kind of trouble once until it is over. */
export class PassReport {
  readonly #labels: { readonly nginx: string; readonly kind: string; readonly upstream: string };
  readonly #log: Log;
  readonly #meter: Meter;
  readonly #said = new Set<string>();

  constructor(nginx: string, ref: UpstreamRef, log: Log, meter: Meter) {
    this.#labels = { nginx, kind: ref.kind, upstream: ref.name };
    this.#log = log;
    this.#meter = meter;
  }

  outcome({ action, error }: Outcome): void {
    const result = error ? 'error' : 'ok';
    this.#meter.count('sidekick_watcher_actions_total', { ...this.#labels, action: action.type, result });
    if (!error) {
      const { event, message } = DONE[action.type];
      this.#log.info({ event, ...this.#labels, ...details(action) }, message);
      this.#said.delete(subject(action));
      return;
    }
    const fields = { code: error.code, status: error.status, reason: error.message };
    if (error.code === 'UpstreamOutOfMemory') {
      this.#meter.count('sidekick_upstream_out_of_memory_total', this.#labels);
      this.trouble(
        'upstream-full',
        fields,
        'the shared memory zone of the upstream is full: make it larger in the NGINX configuration',
      );
    } else {
      this.trouble(subject(action), { ...details(action), ...fields }, 'NGINX did not take the change');
    }
  }

  /** Warns of something once, until `over` is called for it. */
  trouble(what: string, fields: Readonly<Record<string, unknown>>, message: string): void {
    if (this.#said.has(what)) return;
    this.#said.add(what);
    const event = what.startsWith('server ') ? 'server-failed' : what;
    this.#log.warn({ event, ...this.#labels, ...fields }, message);
  }

  over(what: string): void {
    this.#said.delete(what);
  }

  /** Nothing is wrong any more: whatever comes next is news. */
  allWell(): void {
    this.#said.clear();
  }

  held(fields: Readonly<Record<string, unknown>>, count: number): void {
    this.#meter.count('sidekick_guard_trips_total', this.#labels);
    this.#log.warn(
      { event: 'servers-held', ...this.#labels, ...fields, count },
      'too many servers vanished at once: they are kept for now',
    );
  }

  released(addresses: readonly string[]): void {
    this.#log.info({ event: 'servers-unheld', ...this.#labels, addresses }, 'servers are no longer held');
  }

  servers(counts: Readonly<Record<string, number>>): void {
    for (const [state, count] of Object.entries(counts)) {
      this.#meter.gauge('sidekick_upstream_servers', count, { ...this.#labels, state });
    }
  }

  pass(result: 'ok' | 'error'): void {
    this.#meter.count('sidekick_watcher_passes_total', { ...this.#labels, result });
  }
}

function subject(action: Action): string {
  return `server ${action.type} ${action.address}`;
}

function details(action: Action): Readonly<Record<string, unknown>> {
  const { address } = action;
  if (action.type === 'update') return { address, changes: action.changes };
  if (action.type === 'remove') return { address, reason: action.reason };
  return { address };
}
