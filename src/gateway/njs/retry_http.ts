/** njs module: what happens when a server gave no answer, or none that NGINX can pass on. */

import * as failedTries from '../balance/failed-tries.js';
import * as fastPath from '../balance/fast-path.js';
import * as selection from '../balance/selection.js';
import * as passiveHealth from '../store/passive-health.js';
import * as upstreams from '../store/upstreams.js';
import * as platforms from './nginx-platform.js';

/** How often, and how many times, a request looks for a table that another worker is loading, ms. */
const COLD_INTERVAL = 50;
const COLD_TRIES = 100;
/** Servers one request is sent to, at most. */
const MAX_TRIES = 4;
/** The location that goes on, unless the first one has set `$gateway_retry` to another. */
const AGAIN = '@gateway_next';

/** `js_content` behind `error_page 502 504`: goes on with another server, or gives up. */
function failed(r: NginxHTTPRequest): void {
  const variables = r.variables;
  const counter = variables.gateway_counter;
  if (!counter) {
    again(r, COLD_TRIES);
    return;
  }
  const verdict = failedTries.judgeTry(variables, r.method);
  const uid = counter.substring(0, counter.indexOf('/'));
  release(r, counter, uid, verdict.isServerFault);
  const tried = `${variables.gateway_tried || ','}${uid},`;
  variables.gateway_tried = tried;
  const exhausted = tried.split(',').length - 2 >= MAX_TRIES;
  if (exhausted || !verdict.mayRepeat) giveUp(r);
  else again(r, COLD_TRIES);
}

/** Counts a request out of a server that gave it no answer. */
function release(r: NginxHTTPRequest, counter: string, uid: string, blame: boolean): void {
  const platform = platforms.platformOf('http');
  r.variables.gateway_counter = '';
  platform.counters.incr(counter, -1);
  platform.counters.incr(`${uid}/unanswered`, 1);
  if (!blame) return;
  failedTries.countFailure(platform.counters, uid);
  passiveHealth.applyPendingFailures(platform);
}

function giveUp(r: NginxHTTPRequest): void {
  const status = fastPath.lastValue(r.variables.upstream_status);
  r.return(status === '504' ? 504 : 502);
}

/** Chooses the next server; a group that is not in memory yet is brought there first, here or by another worker. */
function again(r: NginxHTTPRequest, tries: number): void {
  const platform = platforms.platformOf('http');
  if (tries > 0 && !upstreams.tryLoad(platform)) {
    setTimeout(() => again(r, tries - 1), COLD_INTERVAL);
    return;
  }
  const variables = r.variables;
  const group = variables.upstream as string;
  const tried = variables.gateway_tried || ',';
  // A request that has failed is a failure, and no overflow besides.
  const next = selection.select(platform, variables, group, tried, tried === ',');
  if (next === undefined) {
    giveUp(r);
    return;
  }
  variables.gateway_counter = next[2];
  variables.gateway_next = next[1];
  r.internalRedirect(variables.gateway_retry || AGAIN);
}

export default { failed };
