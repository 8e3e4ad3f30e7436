import type { firmwareReportScope } from '../../config/firmware/report.js';
import { FirmwareRepository } from '../../daemon/firmware/repository.js';
import { newestFirst, parseType } from '../../firmware/names.js';
import { progressOf, shadowOf } from '../../firmware/progress.js';
import type { Release } from '../../firmware/release.js';
import type { FirmwareType } from '../../firmware/type-record.js';
import type { TypeState } from '../../firmware/type-state.js';
import type { InvocationOf } from '../command.js';
import { notFound } from '../not-found.js';
import { printJson } from '../print-json.js';
import { printLines } from '../print-lines.js';
import { argument, withEtcd } from '../with-etcd.js';
import { progressLines, shadowLines } from './progress-text.js';
import { rolloutText } from './rollout-text.js';

type Order = InvocationOf<typeof firmwareReportScope>;

/** `sidekick firmware list`: every type with what its devices are offered. */
export async function listCommand(order: Order): Promise<number> {
  const { config, out } = order;
  await withEtcd(order, async ({ store, prefixes, signal }) => {
    const types = [...(await new FirmwareRepository(store, prefixes).types(signal)).values()];
    types.sort((a, b) => (a.type < b.type ? -1 : 1));
    if (config.values.json) return printJson(out, types.map(summary));
    if (types.length === 0) return printLines(out, 'no firmware has been published');
    return printLines(out, ...types.map(summaryLine));
  });
  return 0;
}

/** `sidekick firmware show TYPE`: one type with its releases, the newest first. */
export async function showCommand(order: Order): Promise<number> {
  const { config, out } = order;
  await withType(order, (state) => {
    if (config.values.json) {
      const { record, rollout, log, unreadable } = state;
      const releases = newestFirst(state.releases.keys()).map((version) => state.releases.get(version));
      const groups = Object.fromEntries([...state.groups].map(([name, ids]) => [name, ids.length]));
      return printJson(out, {
        type: state.type,
        record,
        rollout,
        progress: progressOf(state, Date.now()),
        shadow: shadowOf(state),
        releases,
        groups,
        changes: log.length,
        unreadable,
      });
    }
    return printLines(out, ...describeType(state));
  });
  return 0;
}

/** `sidekick firmware log TYPE`: who changed what, the newest change last. */
export async function logCommand(order: Order): Promise<number> {
  const { config, out } = order;
  await withType(order, ({ log }) => {
    if (config.values.json) return printJson(out, log);
    return printLines(out, ...log.map(({ at, by, action, text }) => `${at}  ${by}  ${action}: ${text}`));
  });
  return 0;
}

/** Hands over the type that the first argument names; exit code 1 where there is none. */
async function withType(order: Order, show: (state: TypeState) => void): Promise<void> {
  const type = argument('type', parseType(order.args[0]));
  await withEtcd(order, async ({ store, prefixes, signal }) => {
    const state = await new FirmwareRepository(store, prefixes).type(type, signal);
    if (state.revision === 0) throw notFound(`nothing has been published of type ${type}`);
    show(state);
  });
}

function summary({ type, record, rollout, releases, unreadable }: TypeState): object {
  const { stable, candidate, paused } = rollout ?? {};
  return {
    type,
    chip: record?.chip,
    releases: releases.size,
    stable,
    candidate,
    paused,
    unreadable: unreadable.length,
  };
}

function summaryLine(state: TypeState): string {
  const count = state.releases.size;
  const chip = state.record === undefined ? '' : ` (${state.record.chip})`;
  const damage = state.unreadable.length === 0 ? '' : `; ${state.unreadable.length} keys cannot be read`;
  return `${state.type}${chip}: ${count} release${count === 1 ? '' : 's'}; ${rolloutText(state.rollout ?? {})}${damage}`;
}

function describeType(state: TypeState): readonly string[] {
  const { record, rollout, releases, groups, unreadable } = state;
  const progress = progressOf(state, Date.now());
  const shadow = shadowOf(state);
  return [
    `${state.type}: ${rolloutText(rollout ?? {})}`,
    ...(progress === undefined ? [] : progressLines(progress).map((line) => `  ${line}`)),
    ...(shadow === undefined ? [] : shadowLines(shadow).map((line) => `  ${line}`)),
    ...(record === undefined ? [] : [typeLine(record)]),
    ...[...groups].map(
      ([name, ids]) => `  group ${name}: ${ids.length} device${ids.length === 1 ? '' : 's'}`,
    ),
    ...newestFirst(releases.keys()).map((version) => `  ${releaseLine(version, releases.get(version))}`),
    ...unreadable.map(({ key, reason }) => `  cannot be read: ${key}: ${reason}`),
  ];
}

function typeLine({ chip, forms, clientId }: FirmwareType): string {
  const known = clientId === undefined ? '' : `; on MQTT as ${clientId}`;
  return `  chip ${chip}; answers ${forms.join(', ')}${known}`;
}

function releaseLine(version: string, release: Release | undefined): string {
  if (release === undefined) return version;
  const { publishedAt, publishedBy, plain, signed, from, through, critical, notes, signature } = release;
  const facts = [
    `${plain.size} bytes`,
    signed && 'signed',
    from && `from ${from}`,
    through && 'a stepping stone',
    critical && 'critical',
    `published ${publishedAt} by ${publishedBy}`,
    signature && `its record signed with key ${signature.keyId} until ${signature.expires}`,
  ];
  const text = notes === undefined ? '' : `: ${notes}`;
  return `${version}  ${facts.filter((fact) => fact !== undefined).join(', ')}${text}`;
}
