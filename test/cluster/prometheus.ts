/** A Prometheus on the load balancer's loopback, with docker/'s alert rules, that scrapes the watcher. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { on, runBeside } from './hosts.js';

const CONFIGURATION = new URL('../../docker/prometheus/prometheus.yaml', import.meta.url);
const OWN = new URL('../../build/cluster/prometheus/prometheus.yaml', import.meta.url);

/** Where the watcher serves its metrics, by default. */
const WATCHER = '127.0.0.1:9464';

interface Configuration {
  readonly scrape_configs: { static_configs: { targets: string[] }[] }[];
}

/** An alert, as https://prometheus.io/docs/prometheus/latest/querying/api/#alerts has it. */
export interface Alert {
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Starts it, with the configuration and the rules of docker/prometheus; only the target is another. Returns what ends it. */
export async function startPrometheus(): Promise<() => Promise<void>> {
  const configuration = parse(readFileSync(CONFIGURATION, 'utf8')) as Configuration;
  for (const { static_configs } of configuration.scrape_configs) static_configs.splice(0);
  configuration.scrape_configs[0]?.static_configs.push({ targets: [WATCHER] });
  mkdirSync(new URL('.', OWN), { recursive: true });
  writeFileSync(OWN, stringify(configuration));
  const volume = `${fileURLToPath(OWN)}:/etc/sidekick-prometheus/prometheus.yaml:ro`;
  return runBeside('lb', 'sidekick-prometheus', `--volume=${volume}`);
}

/** The alerts that are pending or firing. */
export async function alerts(): Promise<readonly Alert[]> {
  const answer = await on('lb', 'curl', '--silent', '--fail', 'http://127.0.0.1:9090/api/v1/alerts');
  return (JSON.parse(answer) as { data: { alerts: Alert[] } }).data.alerts;
}

/** How many targets answer. */
export async function scraped(): Promise<number> {
  const query = 'http://127.0.0.1:9090/api/v1/query?query=sum(up)';
  const answer = JSON.parse(await on('lb', 'curl', '--silent', '--fail', query)) as {
    data: { result: { value: [number, string] }[] };
  };
  return Number(answer.data.result[0]?.value[1] ?? 0);
}
