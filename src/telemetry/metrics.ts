import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { messageOf } from '../core/errors.js';
import type { Log, Meter } from '../core/ports.js';
import { printable } from '../core/printable.js';
import { METRICS } from './metric-table.js';

export interface Metrics {
  readonly meter: Meter;
  /** The Prometheus text format, and its content type. */
  expose(): Promise<{ readonly text: string; readonly contentType: string }>;
}

/** The metrics of the table, and those of the process itself (`process_*`, `nodejs_*`). */
export function createMetrics(log: Log): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  for (const { name, type, help, labels } of METRICS) {
    const configuration = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === 'counter') counters.set(name, new Counter(configuration));
    else gauges.set(name, new Gauge(configuration));
  }

  /** A metric or label that is not declared is a bug, but no reason to end a daemon. */
  function safely(name: string, record: () => void): void {
    try {
      record();
    } catch (error) {
      log.error({ event: 'metric-failed', key: name, reason: messageOf(error) }, 'a metric was not recorded');
    }
  }

  return {
    meter: {
      count: (name, labels = {}, by = 1) =>
        safely(name, () => declared(counters, name).inc(shown(labels), by)),
      gauge: (name, value, labels = {}) =>
        safely(name, () => declared(gauges, name).set(shown(labels), value)),
      remove: (name, labels) =>
        safely(name, () => (gauges.get(name) ?? declared(counters, name)).remove(shown(labels))),
    },
    expose: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
  };
}

/** Labels with control characters escaped: names of upstreams come from NGINX and are not trusted. */
function shown(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, printable(value, 128)]));
}

function declared<T>(metrics: ReadonlyMap<string, T>, name: string): T {
  const metric = metrics.get(name);
  if (!metric) throw new Error(`metric ${name} is not declared in telemetry/metric-table.ts`);
  return metric;
}
