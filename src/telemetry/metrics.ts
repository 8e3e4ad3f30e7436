import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { messageOf } from '../core/errors.js';
import type { Log, Meter } from '../core/ports.js';
import { printable } from '../core/printable.js';
import { METRICS } from './metric-table.js';
import { SeriesLimit } from './series-limit.js';

/**
 * How often Node.js looks how late its event loop is, in ms. prom-client's own 10 wakes an idle process a hundred times a
 * second.
 */
const EVENT_LOOP_PRECISION = 500;

export interface Metrics {
  readonly meter: Meter;
  /** The Prometheus text format, and its content type. */
  expose(): Promise<{ readonly text: string; readonly contentType: string }>;
}

/** The metrics of the table, and those of the process itself (`process_*`, `nodejs_*`). */
export function createMetrics(log: Log): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION });
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  const series = new SeriesLimit();
  /** The labels that were admitted for each metric, by themselves as JSON: nearly every value is one of a known series. */
  const admitted = new Map<string, Map<string, Record<string, string>>>();
  for (const { name, type, help, labels, buckets } of METRICS) {
    const configuration = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === 'counter') counters.set(name, new Counter(configuration));
    else if (type === 'gauge') gauges.set(name, new Gauge(configuration));
    else histograms.set(name, new Histogram({ ...configuration, buckets: [...(buckets ?? [])] }));
  }

  /** A metric or label that is not declared is a bug, but no reason to end a daemon. */
  function safely(name: string, record: () => void): void {
    try {
      record();
    } catch (error) {
      log.error({ event: 'metric-failed', key: name, reason: messageOf(error) }, 'a metric was not recorded');
    }
  }

  /** The labels as they are shown; undefined where there is no room for another series. */
  function admit(name: string, labels: Labels): Record<string, string> | undefined {
    const spelled = JSON.stringify(labels);
    const known = admitted.get(name);
    const before = known?.get(spelled);
    if (before) return before;
    const safe = shown(labels);
    if (!series.admit(name, safe)) return undefined;
    // Any number of labels may be shown as one, which was cut: those are not remembered.
    if (JSON.stringify(safe) !== spelled) return safe;
    if (known) known.set(spelled, safe);
    else admitted.set(name, new Map([[spelled, safe]]));
    return safe;
  }

  /** Records a value unless its metric has too many combinations of labels already: nobody's names may fill the memory. */
  function record(name: string, labels: Labels, write: (shown: Record<string, string>) => void): void {
    safely(name, () => {
      const safe = admit(name, labels);
      if (safe) write(safe);
      else meter.count('sidekick_metric_series_dropped_total', { metric: name });
    });
  }

  const meter: Meter = {
    count: (name, labels = {}, by = 1) =>
      record(name, labels, (safe) => declared(counters, name).inc(safe, by)),
    gauge: (name, value, labels = {}) =>
      record(name, labels, (safe) => declared(gauges, name).set(safe, value)),
    observe: (name, value, labels = {}) =>
      record(name, labels, (safe) => declared(histograms, name).observe(safe, value)),
    remove: (name, labels) =>
      safely(name, () => {
        const safe = shown(labels);
        series.release(name, safe);
        admitted.delete(name);
        (gauges.get(name) ?? declared(counters, name)).remove(safe);
      }),
  };

  return {
    meter,
    expose: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
  };
}

type Labels = Readonly<Record<string, string>>;

/** Labels with control characters escaped: names of upstreams come from NGINX and are not trusted. */
function shown(labels: Labels): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, printable(value, 128)]));
}

function declared<T>(metrics: ReadonlyMap<string, T>, name: string): T {
  const metric = metrics.get(name);
  if (!metric) throw new Error(`metric ${name} is not declared in telemetry/metric-table.ts`);
  return metric;
}
