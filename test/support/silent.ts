/** A log and a meter that only remember. */
import type { Log, Meter } from '../../src/core/ports.js';
import { noteEvent, noteMetric } from './occurrences.js';

export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** In ms since the epoch. */
  readonly at: number;
  readonly event: unknown;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function recordingLog(): Log & { readonly lines: Line[]; events(name: string): Line[] } {
  const lines: Line[] = [];
  const at = (level: Line['level']) => (fields: Readonly<Record<string, unknown>>) => {
    noteEvent(fields.event);
    lines.push({ level, at: Date.now(), event: fields.event, fields });
  };
  return {
    lines,
    events: (name) => lines.filter(({ event }) => event === name),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
}

export interface Observed {
  readonly name: string;
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

export function recordingMeter(): Meter & {
  readonly counts: Map<string, number>;
  readonly gauges: Map<string, number>;
  /** What went into histograms. */
  readonly observed: readonly Observed[];
  /** Every metric with its labels that is exposed. */
  readonly series: Set<string>;
  /** The gauge of exactly these labels. */
  value(name: string, labels: Readonly<Record<string, string>>): number | undefined;
} {
  const counts = new Map<string, number>();
  const observed: Observed[] = [];
  const gauges = new Map<string, number>();
  const series = new Set<string>();
  const values = new Map<string, number>();
  const seriesOf = (name: string, labels: object = {}) =>
    JSON.stringify([
      name,
      ...Object.entries(labels)
        .map((pair) => pair.join('='))
        .sort(),
    ]);
  const named = (name: string, labels: object = {}) => `${name} ${JSON.stringify(labels)}`;
  return {
    counts,
    gauges,
    observed,
    series,
    value: (name, labels) => values.get(seriesOf(name, labels)),
    remove(name, labels) {
      series.delete(named(name, labels));
      values.delete(seriesOf(name, labels));
    },
    count: (name, labels, by = 1) => {
      noteMetric(name, labels);
      counts.set(name, (counts.get(name) ?? 0) + by);
      series.add(named(name, labels));
    },
    observe: (name, value, labels) => {
      noteMetric(name, labels);
      observed.push({ name, value, labels: labels ?? {} });
    },
    gauge: (name, value, labels) => {
      noteMetric(name, labels);
      gauges.set(name, value);
      values.set(seriesOf(name, labels), value);
      series.add(named(name, labels));
    },
  };
}
