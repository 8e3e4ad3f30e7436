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
import { waiting } from './waiting.js';

export interface OnceOrder {
  readonly settings: WatchSettings;
  readonly ports: RunOncePorts;
  /** Only print what would be done. */
  readonly dryRun: boolean;
  /** How long an etcd that is away is waited for, in ms. */
  readonly timeout: number;
  /** Where it is said what is waited for. */
  readonly err: NodeJS.WritableStream;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly out: NodeJS.WritableStream;
}

/**
 * `sidekick watch --once` and `--dry-run`. A single pass ends with 0 when NGINX matches what is registered; a dry run
 * when everything could be read.
 */
export async function watchOnce(order: OnceOrder): Promise<number> {
  const { settings, ports, dryRun, signal, out } = order;
  const reader = patient(order);
  const report = await runOnce(settings.watcher, { ...ports, reader }, { dryRun }, signal);
  out.write(reportText(report, dryRun));
  const failed = report.nginx.some(
    ({ error, upstreams }) => error !== undefined || upstreams.some(hasErrors),
  );
  return (dryRun ? !failed : report.matches) ? 0 : 1;
}

/** The pass waits for an etcd that is away: for so long and no longer, and this says so. */
function patient({ settings, ports, timeout, log, err }: OnceOrder): RegistryReader {
  const etcd = `etcd at ${settings.etcd.endpoints.join(', ')}`;
  let what = etcd;
  const away = (error: Error) => {
    what = `${etcd} (${messageOf(error)})`;
    log.warn(
      { event: 'etcd-unavailable', reason: messageOf(error) },
      'etcd cannot be read: waiting until it can',
    );
  };
  return {
    watch: (prefixes, observer, signal) =>
      waiting({ out: err, timeout, what: () => what }, signal, async (limited) => {
        const telling = {
          onSnapshot: observer.onSnapshot.bind(observer),
          onUnavailable(error: Error) {
            away(error);
            observer.onUnavailable(error);
          },
        };
        await ports.reader.watch(prefixes, telling, limited);
        if (!signal.aborted) limited.throwIfAborted();
      }),
  };
}

function hasErrors({ errors }: { readonly errors: readonly string[] }): boolean {
  return errors.length > 0;
}

/** The longest line, in characters: what of it NGINX says is not trusted. */
const LINE = 1000;

/** The report for people: one line for each action. */
export function reportText({ nginx, matches }: RunOnceReport, dryRun: boolean): string {
  const actions = nginx.flatMap(({ upstreams }) => upstreams.flatMap((upstream) => upstream.actions));
  const verb = dryRun ? 'to do' : 'done';
  const verdict = matches ? 'NGINX matches what is registered' : 'NGINX does not match what is registered';
  const lines = [...nginx.flatMap(nginxLines), `${actions.length} ${verb}; ${verdict}`];
  return `${lines.map((line) => printable(line, LINE)).join('\n')}\n`;
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
