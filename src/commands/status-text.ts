import { formatDuration } from '../config/engine/duration.js';
import type { EtcdCondition } from '../core/etcd-state.js';
import { describeMaintenance, type Maintenance } from '../core/maintenance.js';
import { printable } from '../core/printable.js';
import type { NginxStatus, UpstreamStatus } from '../daemon/watcher/status.js';
import { filesLines, offeringLines } from './firmware/status-text.js';
import type { RegisterStatus } from './register.js';
import type { WatchStatus } from './watch.js';

/** The status of a registrar as text. */
export function registrarText(status: RegisterStatus): string {
  const { phase, etcd, ready, services, waitingFor, firmware } = status;
  const rows = services.map(({ service, address, health, key, reason }) => [
    service,
    address,
    health,
    key,
    reason ?? '',
  ]);
  const waits = waitingFor.length > 0 ? [`waiting for the watchers ${waitingFor.join(', ')}`] : [];
  const drained = services.flatMap(({ service, address, maintenance }) =>
    maintenance === undefined ? [] : [{ service, address, ...maintenance }],
  );
  return lines([
    `sidekick register: ${phase}, ${ready ? 'ready' : 'not ready'}; etcd ${etcdText(etcd)}`,
    ...waits,
    '',
    ...table(['SERVICE', 'ADDRESS', 'HEALTH', 'KEY', 'REASON'], rows),
    ...maintenanceLines(drained),
    ...(firmware === undefined ? [] : filesLines(firmware)),
  ]);
}

/** `connected`, or `unavailable` or `refused` with the reason. */
function etcdText({ state, error }: EtcdCondition): string {
  return error === undefined ? state : `${state}: ${error};`;
}

/** The rejected keys and drained instances that are named. Who may write one service's keys can write thousands. */
const NAMED = 20;

/**
 * The status of a watcher as text.
 * @param now In ms since the epoch.
 */
export function watcherText(status: WatchStatus, now = Date.now()): string {
  const { id, ready, etcd, superseded, services, maintenance = [], rejected, nginx, firmware } = status;
  const revision = etcd.connected ? ` at revision ${etcd.revision}` : '';
  return lines([
    `sidekick watch ${id}: ${ready ? 'ready' : 'not ready'}; etcd ${etcdText(etcd)}${revision}`,
    ...(superseded
      ? ['  ! another watcher with this id was started later: give one of the two another id']
      : []),
    '',
    ...table(
      ['SERVICE', 'REGISTERED', 'DRAINING', 'REJECTED', 'OVER LIMIT'],
      services.map(({ name, registered, draining, rejected: refused, overLimit }) => [
        name,
        `${registered}`,
        `${draining}`,
        `${refused}`,
        `${overLimit}`,
      ]),
    ),
    ...nginx.flatMap((one) => ['', ...nginxLines(one, now)]),
    ...maintenanceLines(maintenance),
    ...(firmware === undefined ? [] : offeringLines(firmware)),
    ...listLines(
      'Rejected keys:',
      rejected.map(({ key, reason }) => `${printable(key)}: ${reason}`),
    ),
  ]);
}

function maintenanceLines(
  instances: readonly (Maintenance & { service: string; address: string })[],
): string[] {
  return listLines(
    'Drained by operators:',
    instances.map(({ service, address, ...maintenance }) =>
      `${service} ${address} ${describeMaintenance(maintenance)}`.trimEnd(),
    ),
  );
}

function listLines(head: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  const more = items.length > NAMED ? [`  … and ${items.length - NAMED} more`] : [];
  return ['', head, ...items.slice(0, NAMED).map((item) => `  ${item}`), ...more];
}

function nginxLines(nginx: NginxStatus, now: number): string[] {
  const { name, problems, upstreams } = nginx;
  const rows = upstreams.flatMap((upstream) => upstreamRows(upstream, nginx.connected, now));
  return [
    `NGINX ${name}: ${connectionText(nginx)}`,
    ...table(['UPSTREAM', 'SYNC', 'SERVER', 'STATUS', ''], rows),
    ...problems.map(({ message }) => `  ! ${message}`),
  ];
}

function connectionText({ connected, version, error, refused, lastSeenAgo }: NginxStatus): string {
  if (connected) return `${version ?? ''} connected`;
  const state = refused ? 'refused' : 'unavailable';
  const seen =
    lastSeenAgo === undefined
      ? 'it has never answered'
      : `it last answered ${formatDuration(Math.round(lastSeenAgo / 1000) * 1000)} ago, as follows`;
  return `${state}: ${error ?? 'not asked yet'}; ${seen}`;
}

function upstreamRows(
  { kind, name, inSync, servers, held, errors }: UpstreamStatus,
  connected: boolean,
  now: number,
): string[][] {
  const until = new Map(held.map((hold) => [hold.address, hold.until]));
  const label = `${kind}/${name}`;
  const notInSync = `not in sync ${errors[0] ?? ''}`.trim();
  const sync = connected ? (inSync ? 'in sync' : notInSync) : 'unknown';
  if (servers.length === 0) return [[label, sync, '(none)', '', '']];
  return servers.map(({ address, state, lastState, active }) => {
    const end = until.get(address);
    const note = end === undefined ? '' : `held for ${Math.max(0, Math.ceil((end - now) / 1000))}s`;
    const status = lastState === undefined ? state : `was ${lastState}`;
    return [label, sync, address, status, active === undefined ? note : `${active} active ${note}`.trim()];
  });
}

/** The longest cell, in characters. */
const CELL = 160;

export function table(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  const cells = body.map((row) => row.map((cell) => printable(cell, CELL)));
  const rows = [head, ...(body.length > 0 ? cells : [['(none)']])];
  const widths = head.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd());
}

/** The longest line, in characters. */
const LINE = 1000;

/** Joins lines. Text from etcd, NGINX or a probe in them is escaped. */
export function lines(all: readonly string[]): string {
  return `${all.map((line) => printable(line, LINE)).join('\n')}\n`;
}
