import type { WatchSettings } from '../config/watch.js';
import { messageOf } from '../core/errors.js';
import type { Action } from '../core/plan.js';
import type { Log, RegistryReader } from '../core/ports.js';
import { printable } from '../core/printable.js';
import { nonDefault } from '../core/server-parameters.js';
import {
  type RunOnceNginx,
  type RunOncePorts,
  type RunOnceReport,
  runOnce,
} from '../daemon/watcher/run-once.js';
import { printJson } from './print-json.js';
import { waitWithProgress } from './wait-with-progress.js';

interface WatchOnceParams {
  readonly settings: WatchSettings;
  readonly ports: RunOncePorts;
  /** Only print what would be done. */
  readonly dryRun: boolean;
  /** Print the report as JSON. */
  readonly json: boolean;
  /** How long to wait while etcd is unavailable, in ms. */
  readonly timeout: number;
  /** Where progress is printed. */
  readonly err: NodeJS.WritableStream;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly out: NodeJS.WritableStream;
}

/**
 * `sidekick watch --once` and `--dry-run`. A single pass resolves to 0 if NGINX is then in sync, a dry run if everything
 * could be read; otherwise to 1.
 */
export async function watchOnce(params: WatchOnceParams): Promise<number> {
  const { settings, ports, dryRun, json, signal, out } = params;
  const reader = untilTimeout(params);
  const report = await runOnce(settings.watcher, { ...ports, reader }, { dryRun }, signal);
  if (json) printJson(out, { dryRun, ...report });
  else out.write(reportText(report, dryRun));
  const failed = report.nginx.some(
    ({ error, upstreams }) => error !== undefined || upstreams.some(hasErrors),
  );
  return (dryRun ? !failed : report.inSync) ? 0 : 1;
}

/** A reader of etcd that waits only so long while etcd is unavailable, and prints what it waits for. */
function untilTimeout({ settings, ports, timeout, log, err }: WatchOnceParams): RegistryReader {
  const etcd = `etcd at ${settings.etcd.endpoints.join(', ')}`;
  let what = etcd;
  const onUnavailable = (error: Error) => {
    what = `${etcd} (${messageOf(error)})`;
    log.warn({ event: 'etcd-unavailable', reason: messageOf(error) }, 'etcd does not answer: retrying');
  };
  return {
    watch: (prefixes, observer, signal) =>
      waitWithProgress({ out: err, timeout, what: () => what }, signal, async (limited) => {
        const listener = {
          onSnapshot: observer.onSnapshot.bind(observer),
          onUnavailable(error: Error) {
            onUnavailable(error);
            observer.onUnavailable(error);
          },
        };
        await ports.reader.watch(prefixes, listener, limited);
        if (!signal.aborted) limited.throwIfAborted();
      }),
  };
}

function hasErrors({ errors }: { readonly errors: readonly string[] }): boolean {
  return errors.length > 0;
}

/** The longest line, in characters. NGINX's own words in it are not trusted. */
const MAX_LINE = 1000;

/** The report as text, one line for each action. */
export function reportText({ nginx, inSync }: RunOnceReport, dryRun: boolean): string {
  const actions = nginx.flatMap(({ upstreams }) => upstreams.flatMap((upstream) => upstream.actions));
  const verb = dryRun ? 'to do' : 'done';
  const result = inSync ? 'NGINX is in sync with etcd' : 'NGINX is not in sync with etcd';
  const lines = [...nginx.flatMap(nginxLines), `${actions.length} ${verb}; ${result}`];
  return `${lines.map((line) => printable(line, MAX_LINE)).join('\n')}\n`;
}

function nginxLines({ name, error, problems, upstreams }: RunOnceNginx): string[] {
  return [
    ...(error === undefined ? [] : [`${name}: ! ${error}`]),
    ...problems.map(({ message }) => `${name}: ! ${message}`),
    ...upstreams.flatMap(({ kind, name: upstream, actions, errors }) => {
      const label = `${name} ${kind}/${upstream}`;
      return [
        ...actions.map((action) => `${label}: ${actionText(action)}`),
        ...errors.map((message) => `${label}: ! ${message}`),
      ];
    }),
  ];
}

function actionText(action: Action): string {
  const { type, address } = action;
  if (type === 'add') return `${type} ${address}${parametersText(nonDefault(action.parameters))}`;
  if (type === 'update') return `${type} ${address}${parametersText(action.changes)}`;
  return type === 'remove' ? `${type} ${address} (${action.reason})` : `${type} ${address}`;
}

function parametersText(parameters: object): string {
  return Object.entries(parameters)
    .map(([name, value]) => ` ${name}=${value}`)
    .join('');
}
