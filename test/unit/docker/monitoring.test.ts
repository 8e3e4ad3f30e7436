/** The alert rules, the dashboard and the scrape configuration against the table of metrics. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { METRICS } from '../../../src/telemetry/metric-table.js';

const read = (path: string) => readFileSync(new URL(`../../../docker/${path}`, import.meta.url), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const { groups } = parse(read('prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const { panels } = JSON.parse(read('grafana/sidekick.json')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};

/** Every metric name that Prometheus has for the table: a histogram has three. */
const known = new Set(
  METRICS.flatMap(({ name, type }) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);

const namesIn = (text: string) => text.match(/\bsidekick_\w+/g) ?? [];

describe('an alert rule', () => {
  it.each(rules)('asks for metrics that exist, and says what to do: $alert', ({ expr, annotations }) => {
    expect(namesIn(expr).filter((name) => !known.has(name))).toEqual([]);
    expect(Object.keys(annotations)).toEqual(['summary', 'description']);
  });

  it.each(rules)('is raised in its test: $alert', ({ alert }) => {
    expect(read('prometheus/alerts.test.yaml')).toContain(`alertname="${alert}"`);
  });
});

describe('the dashboard', () => {
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

  it('asks for metrics that exist', () => {
    expect(queries.flatMap(namesIn).filter((name) => !known.has(name))).toEqual([]);
  });

  it('shows every metric of the table', () => {
    const shown = new Set(queries.flatMap(namesIn).map((name) => name.replace(/_bucket$/, '')));
    expect(METRICS.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
  });
});

describe('docker/compose.monitoring.yaml', () => {
  const options = { merge: true, maxAliasCount: -1 };
  const overlay = parse(read('compose.monitoring.yaml'), options) as {
    services: Record<string, { image?: string; environment?: Record<string, string>; ports?: string[] }>;
  };
  const base = parse(read('compose.yaml'), options) as {
    services: Record<string, { image: string; command?: string[]; network_mode?: string }>;
  };

  it('has every sidekick of compose.yaml serve its metrics, and Prometheus scrape it', () => {
    const isDaemon = ([name = '']: readonly string[] = []) => name === 'register' || name === 'watch';
    const sidekicks = Object.entries(base.services).filter(
      ([, { image, command }]) => image === 'sidekick' && isDaemon(command),
    );
    const { scrape_configs } = parse(read('prometheus/prometheus.yaml')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    const targets = scrape_configs.flatMap(({ static_configs }) =>
      static_configs.flatMap((each) => each.targets),
    );
    for (const [name] of sidekicks) {
      expect(overlay.services[name]?.environment).toEqual({ SIDEKICK_ADMIN_LISTEN: '0.0.0.0:9464' });
    }
    const hosts = sidekicks.map(([name, { network_mode }]) => network_mode?.replace('service:', '') ?? name);
    expect(targets.sort()).toEqual(hosts.map((host) => `${host}:9464`).sort());
  });

  it('publishes Prometheus on the loopback address only', () => {
    expect(overlay.services.prometheus?.ports).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\$\{PROMETHEUS_PORT:-9090\}:9090$/),
    ]);
  });
});
