/** njs module: choosing a server for http requests, and counting them out. It runs twice in every request: see quick.ts. */

import * as codes from '../balance/codes.js';
import * as pick from '../balance/pick.js';
import type { Numbers, Strings } from '../balance/quick.js';
import * as quick from '../balance/quick.js';
import * as times from '../balance/times.js';

/** A group that has no server at all: connecting to it answers 502 "no live upstreams". */
const NO_SERVER = 'no_live_upstreams';

/** The shared memory zones that choosing needs. */
interface Zones {
  http_tables: Strings;
  http_counters: Numbers;
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
  var choice = quick.choose(tables, counters, variables);
  if (choice === undefined)
    choice = pick.pick({ tables: tables, counters: counters }, variables, variables.upstream as string, '');
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
  if (quick.release(counters, variables, uid, counter))
    times.note(counters, variables, uid, ['header_time', 'response_time']);
  if (r.status !== 200) codes.note(counters, uid, variables.upstream_status);
  return '';
}

export default { peer, release };
