/** njs module: what happens when a server could not be reached or did not answer in time. */

import key from '../balance/key.js';
import pick from '../balance/pick.js';
import failures from '../store/failures.js';
import upstreams from '../store/upstreams.js';
import balance from './balance_http.js';
import platforms from './platform.js';

/** Servers one request is sent to, at most. */
const MAX_TRIES = 4;
/** Methods that may be repeated although the server may have acted on the first. */
const REPEATABLE = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'];

/** `js_content` behind `error_page 502 504`: goes on with another server, or gives up. */
function failed(r: NginxHTTPRequest): void {
  const variables = r.variables;
  const uid = variables.gateway_uid;
  if (!uid) {
    again(r);
    return;
  }
  const sent = balance.last(variables.upstream_connect_time) !== '-';
  blame(r, uid);
  const tried = `${variables.gateway_tried || ','}${uid},`;
  variables.gateway_tried = tried;
  const exhausted = tried.split(',').length - 2 >= MAX_TRIES;
  if (exhausted || (sent && REPEATABLE.indexOf(r.method) < 0)) giveUp(r);
  else again(r);
}

/** Counts a request out of a server that failed it. */
function blame(r: NginxHTTPRequest, uid: string): void {
  const platform = platforms.of('http');
  r.variables.gateway_uid = '';
  platform.counters.incr(`${uid}/${process.pid}`, -1);
  platform.counters.incr(`${uid}/unanswered`, 1);
  platform.counters.incr(`${uid}/fails`, 1);
  platform.counters.incr(`failed/${uid}`, 1);
  platform.counters.incr('failures', 1);
  failures.settle(platform);
}

function giveUp(r: NginxHTTPRequest): void {
  const status = balance.last(r.variables.upstream_status);
  r.return(status === '504' ? 504 : 502);
}

/** Chooses the next server; a group that is not in memory yet is brought there first. */
function again(r: NginxHTTPRequest): void {
  upstreams.load(platforms.of('http'));
  const group = r.variables.upstream as string;
  const request = {
    group: group,
    hash: () => key.bucket(r.variables, gateway.http, group, 'request_uri'),
    tried: r.variables.gateway_tried || ',',
  };
  const worker = balance.worker();
  let picked = pick.pick(worker, request);
  if (picked.length === 0)
    picked = pick.pick(worker, Object.assign({}, request, { group: `${group} backup` }));
  if (picked.length === 0) {
    giveUp(r);
    return;
  }
  r.variables.gateway_uid = picked[0] as string;
  r.variables.gateway_next = picked[1] as string;
  r.internalRedirect('@gateway_next');
}

export default { failed };
