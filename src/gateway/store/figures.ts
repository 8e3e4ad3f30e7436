/**
 * The figures of servers, gathered from the counters of all workers. Keys are `uid/pid` (active and requests of
 * one worker, see quick.ts) and `uid/name`. Only exceptions are counted apart: what is not 4xx and the like was 200.
 */
import * as quick from '../balance/quick.js';
import type { Platform } from './platform.js';
import * as platforms from './platform.js';

/** The counters of one server. `codes` counts responses by status, all but 200. */
export interface Figures {
  active: number;
  requests: number;
  sent: number;
  received: number;
  fails: number;
  /** Requests that ended without a response from this server. */
  unanswered: number;
  codes: { [status: string]: number };
  /** How many requests were timed: see balance/times.ts. */
  timed: number;
  /** The sums of their times in ms, by name. */
  times: { [name: string]: number };
}

function empty(): Figures {
  return {
    active: 0,
    requests: 0,
    sent: 0,
    received: 0,
    fails: 0,
    unanswered: 0,
    codes: {},
    timed: 0,
    times: {},
  };
}

const NAMED = ['sent', 'received', 'fails', 'unanswered', 'requests', 'timed'];

/** Adds one counter to the figures of its server. */
function include(figures: Figures, name: string, value: number, alive: (pid: number) => boolean): void {
  if (NAMED.indexOf(name) >= 0) {
    (figures as unknown as { [name: string]: number })[name] =
      ((figures as unknown as { [name: string]: number })[name] as number) + value;
  } else if (/_time$/.test(name)) {
    figures.times[name] = value;
  } else if (name.charAt(0) === 's') {
    figures.codes[name.substring(1)] = value;
  } else {
    // What a worker that died had open is open no more.
    if (alive(Number(name))) figures.active += value % quick.ACTIVE_LIMIT;
    figures.requests += Math.floor(value / quick.ACTIVE_LIMIT);
  }
}

/** Remembers the answer: servers share a few pids. */
function memo(platform: Platform): (pid: number) => boolean {
  const known: { [pid: string]: boolean } = {};
  return (pid) => {
    if (known[pid] === undefined) known[pid] = platform.alive(pid);
    return known[pid] as boolean;
  };
}

/** Figures by uid. A server without an entry has none yet: use {@link of}. */
export function all(platform: Platform): { [uid: string]: Figures } {
  const found: { [uid: string]: Figures } = {};
  const items = platform.counters.items(platforms.ALL);
  const alive = memo(platform);
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as [string, number];
    const slash = item[0].indexOf('/');
    if (slash <= 0 || !/^\d/.test(item[0])) continue;
    const uid = item[0].substring(0, slash);
    if (found[uid] === undefined) found[uid] = empty();
    include(found[uid] as Figures, item[0].substring(slash + 1), item[1], alive);
  }
  return found;
}

/** Average of a time in ms; `undefined` when nothing was timed. */
export function average(figures: Figures, name: string): number | undefined {
  const sum = figures.times[name];
  return figures.timed <= 0 || sum === undefined ? undefined : Math.round(sum / figures.timed);
}

/** From this many timed requests on, the older ones come to count for less. */
const WINDOW = 128;

/** Keeps the averages of a server to its latest requests: halves what they are made of. */
export function age(platform: Platform, uid: number, found: Figures): void {
  if (found.timed < WINDOW) return;
  const names = ['timed'].concat(Object.keys(found.times));
  for (let i = 0; i < names.length; i++) {
    const key = `${uid}/${names[i]}`;
    // Read once more: the statistics may have been reset since they were gathered.
    platform.counters.incr(key, -(platform.counters.get(key) || 0) / 2);
  }
}

export function of(figures: { [uid: string]: Figures }, uid: number): Figures {
  const found = figures[`${uid}`];
  return found === undefined ? empty() : found;
}

/** Takes away everything counted for a server. Requests still open keep their place in `active`. */
export function forget(platform: Platform, uid: number, keepActive: boolean): void {
  const items = platform.counters.items(platforms.ALL);
  const prefix = `${uid}/`;
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as [string, number];
    if (item[0].indexOf(prefix) !== 0) continue;
    if (!keepActive || !/\/\d+$/.test(item[0])) platform.counters.delete(item[0]);
    else platform.counters.incr(item[0], -Math.floor(item[1] / quick.ACTIVE_LIMIT) * quick.ACTIVE_LIMIT);
  }
}
