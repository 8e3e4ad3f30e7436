/**
 * The statistics of servers, summed over the counters of all workers. The keys are `uid/pid` (active and total requests of a
 * worker, see balance/table-format.ts) and `uid/name`. Responses with status 200 are not counted: they are what remains.
 */

import * as statusCodes from '../balance/status-codes.js';
import * as tableFormat from '../balance/table-format.js';
import type { Platform } from './platform.js';

/** The statistics of a server. `codes` are the responses by status, except 200. */
export interface ServerStats {
  active: number;
  requests: number;
  sent: number;
  received: number;
  fails: number;
  /** Requests that ended without a response from the server. */
  unanswered: number;
  codes: { [status: string]: number };
  /** Number of timed requests: see balance/timing.ts. */
  timed: number;
  /** The sums of their times, by name, in ms. */
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

/** The names of the times of each kind: see balance/timing.ts. */
const TIMES = {
  http: ['header_time', 'response_time'],
  stream: ['connect_time', 'first_byte_time', 'session_time'],
};

/** The workers that may have counted: those in the list, and those that run. */
function workers(platform: Platform): number[] {
  const text = platform.tables.get(' pids');
  const known = text === undefined || text === '' ? [] : text.split(' ').map(Number);
  return known.concat(platform.workers().filter((pid) => known.indexOf(pid) < 0));
}

/** Statuses other than 200 with which any server has responded. */
function statuses(platform: Platform): number[] {
  const found: number[] = [];
  for (let status = 100; status < 600; status++)
    if (platform.counters.get(statusCodes.SEEN_STATUS + status) !== undefined) found.push(status);
  return found;
}

/** Returns a function for the total number of requests of a server, which is cheaper than {@link statsReader}. */
export function requestCounter(platform: Platform): (uid: number) => number {
  const counters = platform.counters;
  const pids = workers(platform);
  return (uid) => {
    let sum = counters.get(`${uid}/requests`) || 0;
    for (let i = 0; i < pids.length; i++)
      sum += Math.floor((counters.get(`${uid}/${pids[i]}`) || 0) / tableFormat.ACTIVE_LIMIT);
    return sum;
  };
}

/** Returns a function for the statistics of a server. Use it for many servers: creating it is the expensive part. */
export function statsReader(platform: Platform): (uid: number) => ServerStats {
  const counters = platform.counters;
  const pids = workers(platform);
  const living = pids.map((pid) => platform.alive(pid));
  const known = platform.kind === 'http' ? statuses(platform) : [];
  const times = TIMES[platform.kind];

  function count(found: ServerStats, uid: number): void {
    for (let i = 0; i < pids.length; i++) {
      const value = counters.get(`${uid}/${pids[i]}`) || 0;
      // The active requests of a dead worker have ended with it.
      if (living[i]) found.active += value % tableFormat.ACTIVE_LIMIT;
      found.requests += Math.floor(value / tableFormat.ACTIVE_LIMIT);
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

/** The average of a time, in ms; `undefined` if no request was timed. */
export function average(stats: ServerStats, name: string): number | undefined {
  const sum = stats.times[name];
  return stats.timed <= 0 || sum === undefined ? undefined : Math.round(sum / stats.timed);
}

/** With this many timed requests, the averages begin to decay. */
const WINDOW = 128;

/** Limits the averages of a server to its latest requests, by halving their sums and their number. */
export function decayAverages(platform: Platform, uid: number): void {
  const counters = platform.counters;
  if ((counters.get(`${uid}/timed`) || 0) < WINDOW) return;
  const names = ['timed'].concat(TIMES[platform.kind]);
  for (let i = 0; i < names.length; i++) {
    const key = `${uid}/${names[i]}`;
    counters.incr(key, -(counters.get(key) || 0) / 2);
  }
}

/** Deletes the statistics of a server. With `keepActive`, its active requests stay counted. */
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
    if (keepActive)
      counters.incr(key, -Math.floor(value / tableFormat.ACTIVE_LIMIT) * tableFormat.ACTIVE_LIMIT);
    else counters.delete(key);
  }
}
