/** njs module: what happens if a server gave no response, or one that NGINX cannot pass on. */
import * as failedTries from '../balance/failed-tries.js';
import * as fastPath from '../balance/fast-path.js';
import * as selection from '../balance/selection.js';
import * as statusCodes from '../balance/status-codes.js';
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
  const within = secondsOf(variables);
  const decision = failedTries.decideRetry(variables, r.method, within > 0);
  const uid = counter.substring(0, counter.indexOf('/'));
  release(r, counter, uid, decision);
  const tried = `${variables.gateway_tried || ','}${uid},`;
  variables.gateway_tried = tried;
  const exhausted = tried.split(',').length - 2 >= MAX_TRIES;
  if (exhausted || !decision.mayRepeat || isLate(variables, within)) giveUp(r);
  else tryNext(r, LOAD_CHECKS);
}

/**
 * The age (s) from which on a request is sent to no other server; 0 for any age. It is set by locations of groups whose
 * servers have the same files.
 */
function secondsOf(variables: NginxVariables): number {
  return Number(variables.gateway_retry_within || '0');
}

function isLate(variables: NginxVariables, within: number): boolean {
  return within > 0 && Number(variables.request_time) >= within;
}

/** Counts the request out of the server, with its answer if it gave one, and counts the failure if it is the server's. */
function release(
  r: NginxHTTPRequest,
  counter: string,
  uid: string,
  decision: failedTries.RetryDecision,
): void {
  const platform = platforms.platformOf('http');
  const answer = decision.isAnswered ? r.variables.upstream_status : undefined;
  r.variables.gateway_counter = '';
  platform.counters.incr(counter, -1);
  statusCodes.countStatus(platform.counters, uid, answer);
  if (!decision.isServerFault) return;
  failedTries.countFailure(platform.counters, uid);
  passiveHealth.applyPendingFailures(platform);
}

/** Answers with what the last server's failure was: it has no such file, it was late, or anything else. */
function giveUp(r: NginxHTTPRequest): void {
  const status = fastPath.lastValue(r.variables.upstream_status);
  r.return(status === '404' || status === '504' ? Number(status) : 502);
}

/** Selects the next server. If the group is not in memory yet, it is loaded first, here or by another worker. */
function tryNext(r: NginxHTTPRequest, checks: number): void {
  const platform = platforms.platformOf('http');
  const variables = r.variables;
  const late = isLate(variables, secondsOf(variables));
  if (checks > 0 && !late && !restore.tryLoad(platform)) {
    setTimeout(() => tryNext(r, checks - 1), LOAD_INTERVAL);
    return;
  }
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
