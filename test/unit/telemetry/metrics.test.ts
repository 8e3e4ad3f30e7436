import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/commands/commands.js';
import { METRICS } from '../../../src/telemetry/metric-table.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { MAX_SERIES } from '../../../src/telemetry/series-limit.js';
import { recordingLog } from '../../support/silent.js';

const TYPES: Readonly<Record<string, string>> = { count: 'counter', gauge: 'gauge', observe: 'histogram' };

/** What the code records: its type, and the metric's name. */
function recorded(directory: string): readonly (readonly [type: string, name: string])[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith('gateway'))
    .flatMap((path) => [
      ...readFileSync(join(directory, path), 'utf8').matchAll(
        /\.(count|gauge|observe)\(\s*['"](sidekick_\w+)['"]/g,
      ),
    ])
    .map(([, type = '', name = '']) => [TYPES[type] ?? '', name] as const);
}

describe('the table of metrics', () => {
  const used = recorded('src');

  it('declares every metric that the code records, with its type', () => {
    expect(used.length).toBeGreaterThan(10);
    const declared = METRICS.map(({ type, name }) => `${type} ${name}`);
    for (const [type, name] of used) expect(declared).toContain(`${type} ${name}`);
  });

  it('declares nothing that the code does not record, and nothing twice', () => {
    const names = METRICS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !used.some(([, other]) => other === name))).toEqual([]);
  });

  // docs/glossary.md, "Metrics", which follows https://prometheus.io/docs/practices/naming/.
  it('names each metric by the conventions of Prometheus', () => {
    for (const { name } of METRICS) expect(name).toMatch(/^sidekick(_[a-z]+)+$/);
  });

  it('ends the names of counters, and only those, in _total', () => {
    for (const { name, type } of METRICS) expect(name.endsWith('_total')).toBe(type === 'counter');
  });

  it('uses no unit but seconds, bytes and ratios, and no reserved suffix', () => {
    const others =
      /_(ms|millis|milliseconds|minutes|hours|days|kb|kib|mb|mib|percent|percentage|count|sum|bucket)(_|$)/;
    expect(METRICS.map(({ name }) => name).filter((name) => others.test(name))).toEqual([]);
  });

  it('names no metric after a command', () => {
    const commands = COMMANDS.map(({ name }) => name);
    expect(commands).toContain('watch');
    expect(METRICS.filter(({ name }) => commands.includes(name.split('_')[1] ?? ''))).toEqual([]);
  });

  it('labels no metric with a device or a key, and with addresses those that are bounded in number', () => {
    const labelled = (label: string) =>
      METRICS.filter(({ labels }) => labels.includes(label)).map(({ name }) => name);
    expect(['device', 'key', 'path'].flatMap(labelled)).toEqual([]);
    // An own instance comes from the configuration; of lost instances a watcher remembers no more than a thousand.
    expect(labelled('address')).toEqual([
      'sidekick_instance_healthy',
      'sidekick_instance_lost_timestamp_seconds',
    ]);
  });
});

describe('the meter', () => {
  it('writes counters and gauges as text', async () => {
    const metrics = createMetrics(recordingLog());
    const { meter } = metrics;
    meter.count('sidekick_nginx_reloads_total', { nginx: 'lb' });
    meter.count('sidekick_nginx_reloads_total', { nginx: 'lb' }, 2);
    meter.gauge('sidekick_ready', 1);
    const { text, contentType } = await metrics.expose();
    expect(contentType).toMatch(/^text\/plain/);
    expect(text).toContain('sidekick_nginx_reloads_total{nginx="lb"} 3\n');
    expect(text).toContain('sidekick_ready 1\n');
    expect(text).toContain('process_cpu_seconds_total');
  });

  it('logs a metric or label that is not declared, and continues', () => {
    const log = recordingLog();
    const { meter } = createMetrics(log);
    meter.count('sidekick_nonsense_total');
    meter.gauge('sidekick_ready', 1, { nonsense: 'x' });
    expect(log.events('metric-failed')).toHaveLength(2);
  });
});

describe('a metric with labels', () => {
  it('takes no more room than there is, whatever names are written into etcd', async () => {
    const metrics = createMetrics(recordingLog());
    const hostile = (n: number) => `"} 1\nsidekick_ready 0 \u001b[2J${'x'.repeat(10_000)}${n}`;
    for (let n = 0; n < MAX_SERIES + 500; n++) {
      metrics.meter.gauge('sidekick_registrations', 1, { service: `s${n}` });
    }
    metrics.meter.count('sidekick_probes_total', { service: hostile(1), result: 'x"}\n' });
    const { text } = await metrics.expose();
    const lines = text.split('\n');
    expect(lines.filter((line) => line.startsWith('sidekick_registrations{'))).toHaveLength(MAX_SERIES);
    expect(text).toContain('sidekick_metric_series_dropped_total{metric="sidekick_registrations"} 500\n');
    for (const line of lines.filter((each) => !each.startsWith('#'))) {
      expect(line.length).toBeLessThan(500);
      expect(line).toMatch(/^$|^\w+(?:\{.*\})? \S+$/);
    }
  });

  it('makes room for others when what had them is gone', async () => {
    const metrics = createMetrics(recordingLog());
    const { meter } = metrics;
    for (let n = 0; n < MAX_SERIES; n++) meter.gauge('sidekick_registrations', 1, { service: `s${n}` });
    meter.remove('sidekick_registrations', { service: 's0' });
    meter.gauge('sidekick_registrations', 7, { service: 'late' });
    expect((await metrics.expose()).text).toContain('sidekick_registrations{service="late"} 7\n');
  });
});
