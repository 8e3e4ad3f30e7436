/** njs module: choosing a server for http requests, and counting them out. It runs twice in every request: see quick.ts. */

import type { Counters, Tables } from '../balance/fast-path.js';
import * as fastPath from '../balance/fast-path.js';
import * as selection from '../balance/selection.js';
import * as statusCodes from '../balance/status-codes.js';
import * as timing from '../balance/timing.js';

/** A group that has no server at all: connecting to it answers 502 "no live upstreams". */
const NO_SERVER = 'no_live_upstreams';

/** The shared memory zones that choosing needs. */
interface Zones {
  http_tables: Tables;
  http_counters: Counters;
}

/**
 * `js_set`: the address to proxy to. The server is counted active from here to {@link release}, on the counter
 * that `$gateway_counter` names.
 */
function peer(r: NginxHTTPRequest): string {
  var shared = ngx.shared as unknown as Zones;
  var tables = shared.http_tables;
  var counters = shared.http_counters;
  var variables = r.variables;
  var choice = fastPath.choose(tables, counters, variables);
  if (choice === undefined)
    choice = selection.select(
      { tables: tables, counters: counters },
      variables,
      variables.upstream as string,
      '',
    );
  if (choice === undefined) return NO_SERVER;
  variables.gateway_counter = choice[2];
  return choice[1];
}

/** `js_set` in the log phase: counts the request out. Always empty, so that a log with `if=` stays silent. */
function release(r: NginxHTTPRequest): string {
  var variables = r.variables;
  var counter = variables.gateway_counter;
  // Never counted in, or counted out by retry_http.ts.
  if (!counter) return '';
  var counters = (ngx.shared as unknown as Zones).http_counters;
  var uid = counter.substring(0, counter.indexOf('/'));
  if (fastPath.release(counters, variables, uid, counter))
    timing.addTimes(counters, variables, uid, ['header_time', 'response_time']);
  if (r.status !== 200) statusCodes.countStatus(counters, uid, variables.upstream_status);
  return '';
}

export default { peer, release };
