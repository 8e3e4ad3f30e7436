import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../../src/telemetry/metric-table.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { recordingLog } from '../../support/silent.js';

/** What the code records: `count` or `gauge`, and the metric's name. */
function recorded(directory: string): readonly (readonly [type: string, name: string])[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith('gateway'))
    .flatMap((path) => [
      ...readFileSync(join(directory, path), 'utf8').matchAll(/\.(count|gauge)\(\s*['"](sidekick_\w+)['"]/g),
    ])
    .map(([, type = '', name = '']) => [type === 'count' ? 'counter' : 'gauge', name] as const);
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

  it('ends the names of counters, and only those, in _total', () => {
    for (const { name, type } of METRICS) expect(name.endsWith('_total')).toBe(type === 'counter');
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
