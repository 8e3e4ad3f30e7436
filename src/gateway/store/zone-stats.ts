/** The figures that balance/tally.ts counts, as the API shows them. */
import type { ZoneKind } from '../balance/traffic-counters.js';
import * as traffic from '../balance/traffic-counters.js';
import type { Platform } from './platform.js';

type Shown = { [name: string]: unknown };

const LOWEST_STATUS = 100;
const HIGHEST_STATUS = 599;

/** The zones of a kind, in the order in which they were first used. */
export function names(platform: Platform, kind: ZoneKind): string[] {
  const count = platform.counters.get(traffic.zoneCount(kind)) || 0;
  const found: string[] = [];
  for (let i = 1; i <= count; i++) {
    const name = platform.tables.get(traffic.zoneNameSlot(kind, i));
    if (name !== undefined) found.push(name);
  }
  return found;
}

function figure(platform: Platform, kind: ZoneKind, name: string, of: string): number {
  return platform.counters.get(traffic.zoneCounter(kind, name, of)) || 0;
}

function figures(platform: Platform, kind: ZoneKind, name: string, of: string[]): Shown {
  const shown: Shown = {};
  for (let i = 0; i < of.length; i++) shown[of[i] as string] = figure(platform, kind, name, of[i] as string);
  return shown;
}

/** Counts by status, and by class of status: http has five of them, stream three. */
function statuses(
  platform: Platform,
  kind: ZoneKind,
  name: string,
): { codes: { [code: string]: number }; total: number } {
  const codes: { [code: string]: number } = {};
  let total = 0;
  for (let code = LOWEST_STATUS; code <= HIGHEST_STATUS; code++) {
    const count = figure(platform, kind, name, `${code}`);
    if (count > 0) codes[`${code}`] = count;
    total += count;
  }
  return { codes: codes, total: total };
}

function classes(codes: { [code: string]: number }, shown: string[]): Shown {
  const sums: { [name: string]: number } = {};
  for (let i = 0; i < shown.length; i++) sums[shown[i] as string] = 0;
  const all = Object.keys(codes);
  for (let i = 0; i < all.length; i++) {
    const code = all[i] as string;
    const name = `${code.charAt(0)}xx`;
    if (sums[name] !== undefined) sums[name] = (sums[name] as number) + (codes[code] as number);
  }
  return sums;
}

/** What all workers have open in a zone; `undefined` where it is not counted. What dead workers had open is open no more. */
function processing(platform: Platform, kind: ZoneKind, name: string, pids: number[]): number | undefined {
  let sum: number | undefined;
  for (let i = 0; i < pids.length; i++) {
    const count = platform.counters.get(
      traffic.openCounter(traffic.zoneCounter(kind, name, ''), pids[i] as number),
    );
    if (count !== undefined) sum = (sum === undefined ? 0 : sum) + Math.max(0, count);
  }
  return sum;
}

/** TLS handshakes of a zone or, with {@link traffic.ALL_TLS}, of all; `undefined` where there were none. */
export function ssl(platform: Platform, begin: string): Shown | undefined {
  const handshakes = platform.counters.get(`${begin}handshakes`);
  if (handshakes === undefined) return undefined;
  return { handshakes: handshakes, session_reuses: platform.counters.get(`${begin}session_reuses`) || 0 };
}

function exchanges(platform: Platform, kind: ZoneKind, name: string, pids: number[]): Shown {
  const counted = statuses(platform, kind, name);
  const shown: Shown = {};
  const open = kind === 'server_zones' ? processing(platform, kind, name, pids) : undefined;
  if (open !== undefined) shown.processing = open;
  if (platform.kind === 'http') {
    shown.requests = figure(platform, kind, name, 'requests');
    const of = classes(counted.codes, ['1xx', '2xx', '3xx', '4xx', '5xx']);
    shown.responses = Object.assign(of, { codes: counted.codes, total: counted.total });
  } else {
    shown.connections = figure(platform, kind, name, 'requests');
    shown.sessions = Object.assign(classes(counted.codes, ['2xx', '4xx', '5xx']), { total: counted.total });
  }
  Object.assign(shown, figures(platform, kind, name, ['discarded', 'received', 'sent']));
  const tls = ssl(platform, traffic.zoneCounter(kind, name, ''));
  if (tls !== undefined) shown.ssl = tls;
  return shown;
}

/** What a cache has answered with; those that were not read from it count their answers apart as written. */
const CACHED = ['hit', 'stale', 'updating', 'revalidated', 'miss', 'expired', 'bypass'];

function cache(platform: Platform, name: string): Shown {
  const shown: Shown = {};
  for (let i = 0; i < CACHED.length; i++) {
    const of = CACHED[i] as string;
    shown[of] = {
      responses: figure(platform, 'caches', name, of),
      bytes: figure(platform, 'caches', name, `${of}_bytes`),
    };
  }
  return shown;
}

const LIMITS: { [kind: string]: string[] } = {
  limit_reqs: ['passed', 'delayed', 'rejected', 'delayed_dry_run', 'rejected_dry_run'],
  limit_conns: ['passed', 'rejected', 'rejected_dry_run'],
};

/** One zone. `pids` are the workers that live. */
export function show(platform: Platform, kind: ZoneKind, name: string, pids: number[]): Shown {
  if (kind === 'caches') return cache(platform, name);
  const limits = LIMITS[kind];
  if (limits !== undefined) return figures(platform, kind, name, limits);
  return exchanges(platform, kind, name, pids);
}

/** What was counted stays known as counted, so that it is shown as none. */
export function zero(platform: Platform, counter: string): void {
  if (platform.counters.get(counter) !== undefined) platform.counters.set(counter, 0);
}

/** Forgets what a zone has counted; what is open stays counted. */
export function reset(platform: Platform, kind: ZoneKind, name: string): void {
  const begin = traffic.zoneCounter(kind, name, '');
  const named = ['requests', 'discarded', 'received', 'sent', 'handshakes', 'session_reuses'];
  const decided = CACHED.concat(
    CACHED.map((of) => `${of}_bytes`),
    LIMITS.limit_reqs as string[],
  );
  const all = named.concat(decided);
  for (let i = 0; i < all.length; i++) zero(platform, begin + all[i]);
  for (let code = LOWEST_STATUS; code <= HIGHEST_STATUS; code++) platform.counters.delete(`${begin}${code}`);
}
