/**
 * The figures of servers, gathered from the counters of all workers. Keys are `uid/pid` (active and requests of
 * one worker, see quick.ts) and `uid/name`. Only exceptions are counted apart: what is not 4xx and the like was 200.
 */

import * as fastPath from '../balance/fast-path.js';
import * as statusCodes from '../balance/status-codes.js';
import type { Platform } from './platform.js';

/** The counters of one server. `codes` counts responses by status, all but 200. */
export interface ServerStats {
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

function empty(): ServerStats {
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

const NAMED = ['sent', 'received', 'fails', 'unanswered', 'requests', 'timed'] as const;

/** Times that are added up, by kind of NGINX: see balance/times.ts. */
const TIMES = {
  http: ['header_time', 'response_time'],
  stream: ['connect_time', 'first_byte_time', 'session_time'],
};

/** Workers that have counted or may count: those that are known to, and those that NGINX has. */
function workers(platform: Platform): number[] {
  const text = platform.tables.get(' pids');
  const known = text === undefined || text === '' ? [] : text.split(' ').map(Number);
  return known.concat(platform.workers().filter((pid) => known.indexOf(pid) < 0));
}

/** Statuses other than 200 that any server has answered with. */
function statuses(platform: Platform): number[] {
  const found: number[] = [];
  for (let status = 100; status < 600; status++)
    if (platform.counters.get(statusCodes.SEEN_STATUS + status) !== undefined) found.push(status);
  return found;
}

/** Counts how many requests servers have had: all that is asked of every server every second. */
export function requestCounter(platform: Platform): (uid: number) => number {
  const counters = platform.counters;
  const pids = workers(platform);
  return (uid) => {
    let sum = counters.get(`${uid}/requests`) || 0;
    for (let i = 0; i < pids.length; i++)
      sum += Math.floor((counters.get(`${uid}/${pids[i]}`) || 0) / fastPath.ACTIVE_LIMIT);
    return sum;
  };
}

/** Gives the figures of servers; to make one costs more than to use it. */
export function statsReader(platform: Platform): (uid: number) => ServerStats {
  const counters = platform.counters;
  const pids = workers(platform);
  const living = pids.map((pid) => platform.alive(pid));
  const known = platform.kind === 'http' ? statuses(platform) : [];
  const times = TIMES[platform.kind];

  function count(found: ServerStats, uid: number): void {
    for (let i = 0; i < pids.length; i++) {
      const value = counters.get(`${uid}/${pids[i]}`) || 0;
      // What a worker that died had open is open no more.
      if (living[i]) found.active += value % fastPath.ACTIVE_LIMIT;
      found.requests += Math.floor(value / fastPath.ACTIVE_LIMIT);
    }
  }

  return (uid) => {
    const found = empty();
    for (let i = 0; i < NAMED.length; i++) {
      const name = NAMED[i] as (typeof NAMED)[number];
      found[name] = counters.get(`${uid}/${name}`) || 0;
    }
    count(found, uid);
    for (let i = 0; i < times.length; i++) {
      const sum = counters.get(`${uid}/${times[i]}`);
      if (sum !== undefined) found.times[times[i] as string] = sum;
    }
    for (let i = 0; i < known.length; i++) {
      const answers = counters.get(`${uid}/s${known[i]}`);
      if (answers !== undefined) found.codes[`${known[i]}`] = answers;
    }
    return found;
  };
}

/** Average of a time in ms; `undefined` when nothing was timed. */
export function average(figures: ServerStats, name: string): number | undefined {
  const sum = figures.times[name];
  return figures.timed <= 0 || sum === undefined ? undefined : Math.round(sum / figures.timed);
}

/** From this many timed requests on, the older ones come to count for less. */
const WINDOW = 128;

/** Keeps the averages of a server to its latest requests: halves what they are made of. */
export function decayAverages(platform: Platform, uid: number): void {
  const counters = platform.counters;
  if ((counters.get(`${uid}/timed`) || 0) < WINDOW) return;
  const names = ['timed'].concat(TIMES[platform.kind]);
  for (let i = 0; i < names.length; i++) {
    const key = `${uid}/${names[i]}`;
    counters.incr(key, -(counters.get(key) || 0) / 2);
  }
}

/** Takes away everything counted for a server. Requests still open keep their place in `active` if that is asked for. */
export function resetStats(platform: Platform, uid: number, keepActive: boolean): void {
  const counters = platform.counters;
  for (let i = 0; i < NAMED.length; i++) counters.delete(`${uid}/${NAMED[i]}`);
  const times = TIMES[platform.kind];
  for (let i = 0; i < times.length; i++) counters.delete(`${uid}/${times[i]}`);
  const known = platform.kind === 'http' ? statuses(platform) : [];
  for (let i = 0; i < known.length; i++) counters.delete(`${uid}/s${known[i]}`);
  const pids = workers(platform);
  for (let i = 0; i < pids.length; i++) {
    const key = `${uid}/${pids[i]}`;
    const value = counters.get(key);
    if (value === undefined) continue;
    if (keepActive) counters.incr(key, -Math.floor(value / fastPath.ACTIVE_LIMIT) * fastPath.ACTIVE_LIMIT);
    else counters.delete(key);
  }
}
