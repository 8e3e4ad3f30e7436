import type { EtcdCondition } from '../core/etcd-state.js';
import { printable } from '../core/printable.js';
import type { RegistrarStatus } from '../daemon/registrar-options.js';
import type { NginxStatus, WatcherStatus } from '../daemon/watcher-status.js';

/** A registrar's status for people. */
export function registrarText({ phase, etcd, ready, services, waitingFor }: RegistrarStatus): string {
  const rows = services.map(({ service, address, health, key, reason }) => [
    service,
    address,
    health,
    key,
    reason ?? '',
  ]);
  const waits = waitingFor.length > 0 ? [`waits for the watchers ${waitingFor.join(', ')}`] : [];
  return lines([
    `sidekick register: ${phase}, ${ready ? 'ready' : 'not ready'}; etcd ${etcdText(etcd)}`,
    ...waits,
    '',
    ...table(['SERVICE', 'ADDRESS', 'HEALTH', 'KEY', 'REASON'], rows),
  ]);
}

/** `connected`; or whether it does not answer or refuses, and why. */
function etcdText({ state, error }: EtcdCondition): string {
  return error === undefined ? state : `${state}: ${error};`;
}

/** Rejected keys that are named; anybody with rights on one service may write thousands. */
const REJECTED = 20;

/** A watcher's status for people. `now`: milliseconds since the epoch. */
export function watcherText(status: WatcherStatus, now = Date.now()): string {
  const { id, ready, etcd, superseded, services, rejected, nginx } = status;
  const revision = etcd.connected ? ` at revision ${etcd.revision}` : '';
  return lines([
    `sidekick watch ${id}: ${ready ? 'ready' : 'not ready'}; etcd ${etcdText(etcd)}${revision}`,
    ...(superseded
      ? ['  ! another watcher with this id was started later: give one of the two another --id']
      : []),
    '',
    ...table(
      ['SERVICE', 'REGISTERED', 'DRAINING'],
      services.map(({ name, registered, draining }) => [name, `${registered}`, `${draining}`]),
    ),
    ...nginx.flatMap((one) => ['', ...nginxLines(one, now)]),
    ...(rejected.length > 0 ? ['', 'Rejected keys:'] : []),
    ...rejected.slice(0, REJECTED).map(({ key, reason }) => `  ${printable(key)}: ${reason}`),
    ...(rejected.length > REJECTED ? [`  … and ${rejected.length - REJECTED} more`] : []),
  ]);
}

function nginxLines(
  { name, connected, version, error, problems, upstreams }: NginxStatus,
  now: number,
): string[] {
  const state = connected ? `${version ?? ''} connected` : `away: ${error ?? 'not yet asked'}`;
  const rows = upstreams.flatMap(({ kind, name: upstream, matched, servers, held, errors }) => {
    const until = new Map(held.map((hold) => [hold.address, hold.until]));
    const label = `${kind}/${upstream}`;
    const step = matched ? 'in step' : `not in step ${errors[0] ?? ''}`.trim();
    if (servers.length === 0) return [[label, step, '(none)', '', '']];
    return servers.map(({ address, state: is, active }) => {
      const release = until.get(address);
      const note = release === undefined ? '' : `held for ${Math.max(0, Math.ceil((release - now) / 1000))}s`;
      return [label, step, address, is, active === undefined ? note : `${active} active ${note}`.trim()];
    });
  });
  return [
    `NGINX ${name}: ${state}`,
    ...table(['UPSTREAM', 'STATE', 'SERVER', 'IS', ''], rows),
    ...problems.map(({ message }) => `  ! ${message}`),
  ];
}

/** The longest cell, in characters. */
const CELL = 160;

function table(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  const cells = body.map((row) => row.map((cell) => printable(cell, CELL)));
  const rows = [head, ...(body.length > 0 ? cells : [['(none)']])];
  const widths = head.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd());
}

/** The longest line, in characters. */
const LINE = 1000;

/** What of it is etcd's, NGINX's or a probe's makes no line of its own and moves no cursor. */
function lines(all: readonly string[]): string {
  return `${all.map((line) => printable(line, LINE)).join('\n')}\n`;
}
