/** njs module: selects a server for HTTP requests and counts them out. It runs twice in every request: see fast-path.ts. */

import * as fastPath from '../balance/fast-path.js';
import * as selection from '../balance/selection.js';
import type { Counters, Tables } from '../balance/shared-memory.js';
import * as statusCodes from '../balance/status-codes.js';
import * as timing from '../balance/timing.js';

/** An upstream without a usable server: proxying to it responds 502 "no live upstreams". */
const NO_SERVER = 'no_live_upstreams';

/** The shared memory zones that selection needs. */
interface Zones {
  http_tables: Tables;
  http_counters: Counters;
}

/**
 * `js_set`: the address to proxy to. The request is counted active on the server until {@link release}. `$gateway_counter` is
 * the name of the counter.
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

/** `js_set` in the log phase: counts the request out. The value is empty, so that an access_log with `if=` writes nothing. */
function release(r: NginxHTTPRequest): string {
  var variables = r.variables;
  var counter = variables.gateway_counter;
  // The request was never counted in, or retry_http.ts has counted it out.
  if (!counter) return '';
  var counters = (ngx.shared as unknown as Zones).http_counters;
  var uid = counter.substring(0, counter.indexOf('/'));
  if (fastPath.release(counters, variables, uid, counter))
    timing.addTimes(counters, variables, uid, ['header_time', 'response_time']);
  if (r.status !== 200) statusCodes.countStatus(counters, uid, variables.upstream_status);
  return '';
}

export default { peer, release };
