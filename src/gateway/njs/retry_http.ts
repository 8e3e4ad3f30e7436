/** njs module: what happens if a server gave no response, or one that NGINX cannot pass on. */
import * as failedTries from '../balance/failed-tries.js';
import * as fastPath from '../balance/fast-path.js';
import * as selection from '../balance/selection.js';
import * as passiveHealth from '../store/passive-health.js';
import * as restore from '../store/restore.js';
import * as platforms from './nginx-platform.js';

/** How often (ms), and how many times, a request checks whether another worker has loaded the group. */
const LOAD_INTERVAL = 50;
const LOAD_CHECKS = 100;
/** Maximum number of servers to which a request is sent. */
const MAX_TRIES = 4;
/** The location of the next try, unless the first location has set `$gateway_retry`. */
const NEXT = '@gateway_next';

/** `js_content` behind `error_page 502 504`: tries another server, or gives up. */
function failed(r: NginxHTTPRequest): void {
  const variables = r.variables;
  const counter = variables.gateway_counter;
  if (!counter) {
    tryNext(r, LOAD_CHECKS);
    return;
  }
  const verdict = failedTries.judgeTry(variables, r.method);
  const uid = counter.substring(0, counter.indexOf('/'));
  release(r, counter, uid, verdict.isServerFault);
  const tried = `${variables.gateway_tried || ','}${uid},`;
  variables.gateway_tried = tried;
  const exhausted = tried.split(',').length - 2 >= MAX_TRIES;
  if (exhausted || !verdict.mayRepeat) giveUp(r);
  else tryNext(r, LOAD_CHECKS);
}

/** Counts the request out of the server, and counts the failure if it is the server's. */
function release(r: NginxHTTPRequest, counter: string, uid: string, isServerFault: boolean): void {
  const platform = platforms.platformOf('http');
  r.variables.gateway_counter = '';
  platform.counters.incr(counter, -1);
  platform.counters.incr(`${uid}/unanswered`, 1);
  if (!isServerFault) return;
  failedTries.countFailure(platform.counters, uid);
  passiveHealth.applyPendingFailures(platform);
}

function giveUp(r: NginxHTTPRequest): void {
  const status = fastPath.lastValue(r.variables.upstream_status);
  r.return(status === '504' ? 504 : 502);
}

/** Selects the next server. If the group is not in memory yet, it is loaded first, here or by another worker. */
function tryNext(r: NginxHTTPRequest, checks: number): void {
  const platform = platforms.platformOf('http');
  if (checks > 0 && !restore.tryLoad(platform)) {
    setTimeout(() => tryNext(r, checks - 1), LOAD_INTERVAL);
    return;
  }
  const variables = r.variables;
  const group = variables.upstream as string;
  const tried = variables.gateway_tried || ',';
  // A request that has failed already does not count as an overflow.
  const next = selection.select(platform, variables, group, tried, tried === ',');
  if (next === undefined) {
    giveUp(r);
    return;
  }
  variables.gateway_counter = next[2];
  variables.gateway_next = next[1];
  r.internalRedirect(variables.gateway_retry || NEXT);
}

export default { failed };
