/**
 * njs module: choosing a server for http requests, and counting them out. It runs twice in every request, so it
 * imports only what choosing needs.
 */

import key from '../balance/key.js';
import type { Request, Worker } from '../balance/pick.js';
import pick from '../balance/pick.js';

/** A group that has no server at all: connecting to it answers 502 "no live upstreams". */
const NO_SERVER = 'no_live_upstreams';

function worker(): Worker {
  const shared = ngx.shared as unknown as {
    http_tables: Worker['tables'];
    http_counters: Worker['counters'];
  };
  return { tables: shared.http_tables, counters: shared.http_counters, pid: process.pid };
}

/** `js_set`: the address to proxy to. The server is counted active from here to {@link release}. */
function peer(r: NginxHTTPRequest): string {
  const variables = r.variables;
  const group = variables.upstream as string;
  const request: Request = {
    group: group,
    hash: () => key.bucket(variables, gateway.http, group, 'request_uri'),
    tried: '',
  };
  return choose(r, worker(), request);
}

function choose(r: NginxHTTPRequest, from: Worker, request: Request): string {
  const picked = pick.pick(from, request);
  if (picked.length === 0) {
    r.variables.gateway_uid = '';
    return NO_SERVER;
  }
  r.variables.gateway_uid = picked[0] as string;
  return picked[1] as string;
}

/** `js_set` in the log phase: counts the request out. Always empty, so that a log with `if=` stays silent. */
function release(r: NginxHTTPRequest): string {
  const variables = r.variables;
  const uid = variables.gateway_uid;
  if (!uid) return '';
  const counters = worker().counters;
  counters.incr(`${uid}/${process.pid}`, -1);
  count(counters, `${uid}/sent`, variables.upstream_bytes_sent);
  count(counters, `${uid}/received`, variables.upstream_bytes_received);
  if (r.status !== 200) exception(counters, uid, variables.upstream_status);
  return '';
}

/** Adds the last of a list of figures, the one of the server that is counted out. */
function count(counters: Worker['counters'], name: string, text: string | undefined): void {
  const amount = Number(last(text));
  if (amount > 0) counters.incr(name, amount);
}

function last(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const at = Math.max(text.lastIndexOf(' '), text.lastIndexOf(','));
  return at < 0 ? text : text.substring(at + 1);
}

/** Counts what is no plain 200: another status of the server, or none at all. */
function exception(counters: Worker['counters'], uid: string, statuses: string | undefined): void {
  const status = last(statuses);
  if (status === undefined || !/^\d+$/.test(status)) counters.incr(`${uid}/unanswered`, 1);
  else if (status !== '200') counters.incr(`${uid}/s${status}`, 1);
}

export default { peer, release, choose, worker, last };
