import { JOURNALED } from './event-journal.js';
import { EVENTS } from './events.js';
import { METRICS } from './metric-table.js';
import { MAX_SERIES } from './series-limit.js';

const METRICS_HEAD = `# Metrics

Generated from \`src/telemetry/metric-table.ts\` by \`npm run docs\`: do not edit.

A daemon serves its metrics in the Prometheus text format at \`/metrics\` of \`admin.listen\`. The metrics of the process
itself (\`process_*\`, \`nodejs_*\`) come from prom-client. A metric with labels appears once it has a value, and has at most
${MAX_SERIES.toLocaleString('en')} combinations of labels: values beyond are dropped and counted.

[docker/prometheus](../docker/prometheus) has alert rules and a scrape configuration, [docker/grafana](../docker/grafana) a
dashboard.
`;

const EVENTS_HEAD = `# Events

Generated from \`src/telemetry/events.ts\` by \`npm run docs\`: do not edit.

Every line of the log has \`time\`, \`level\`, \`event\`, a message and the fields of the event. The same warning or error about
the same thing is logged at most once in 10 s; \`suppressed\` counts those that were not logged.

A daemon keeps the last 1000 of the events that are marked with ✓ in memory: \`/events\` of \`admin.listen\`, \`sidekick events\`. An event about
a server says in \`cause\` and \`because\` why the server was changed.
`;

/** The reference of all metrics as Markdown. */
export function metricsReference(): string {
  const rows = METRICS.map(({ name, type, labels, help }) =>
    row([code(name), type, labels.map(code).join(', '), help]),
  );
  return [METRICS_HEAD, '| metric | type | labels | meaning |\n|---|---|---|---|', ...rows, ''].join('\n');
}

/** The reference of all log events as Markdown. */
export function eventsReference(): string {
  const rows = EVENTS.map(({ name, level, meaning, remedy = '' }) =>
    row([code(name), level, JOURNALED.has(name) ? '✓' : '', meaning, remedy]),
  );
  return [
    EVENTS_HEAD,
    '| event | level | kept | meaning | what to do |\n|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}
