/**
 * njs module: choosing a server for http requests, and counting them out. It runs twice in every request, so it
 * imports only what choosing needs.
 */

import key from '../balance/key.js';
import type { Variables, Worker } from '../balance/pick.js';
import pick from '../balance/pick.js';

/** A group that has no server at all: connecting to it answers 502 "no live upstreams". */
const NO_SERVER = 'no_live_upstreams';

/** The shared memory zones that choosing needs. */
interface Zones {
  http_tables: Worker['tables'];
  http_counters: Worker['counters'];
}

function worker(): Worker {
  const shared = ngx.shared as unknown as Zones;
  return { tables: shared.http_tables, counters: shared.http_counters, pid: process.pid };
}

function bucket(variables: Variables, group: string): number {
  return key.bucket(variables, gateway.http, group, 'request_uri');
}

/**
 * `js_set`: the address to proxy to, or the name of the upstream that keeps connections to it open. The server is counted active from here to {@link release}, on the counter
 * that `$gateway_counter` names.
 */
function peer(r: NginxHTTPRequest): string {
  const variables = r.variables;
  const from = worker();
  const address = pick.quick(from, variables, bucket);
  if (address === '') return choose(from, variables, variables.upstream as string, '') || NO_SERVER;
  return gateway_kept[address] || address;
}

/** Any choice: the first one or, with `tried` as `,1,2,`, a later one. `''` when there is none. */
function choose(from: Worker, variables: Variables, group: string, tried: string): string {
  const picked = pick.pick(from, {
    group: group,
    hash: () => bucket(variables, variables.upstream as string),
    tried: tried,
  });
  variables.gateway_counter = picked.length === 0 ? '' : `${picked[0]}/${from.pid}`;
  return picked.length === 0 ? '' : (picked[1] as string);
}

/** `js_set` in the log phase: counts the request out. Always empty, so that a log with `if=` stays silent. */
function release(r: NginxHTTPRequest): string {
  const variables = r.variables;
  const counter = variables.gateway_counter;
  if (!counter) return '';
  const counters = (ngx.shared as unknown as Zones).http_counters;
  counters.incr(counter, -1);
  const uid = counter.substring(0, counter.indexOf('/'));
  count(counters, `${uid}/sent`, variables.upstream_bytes_sent);
  count(counters, `${uid}/received`, variables.upstream_bytes_received);
  if (r.status !== 200) exception(counters, uid, variables.upstream_status);
  return '';
}

/** Adds the last of a list of figures, the one of the server that is counted out. */
function count(counters: Worker['counters'], name: string, text: string | undefined): void {
  // A list, left by retries, is no number.
  const amount = Number(text) || Number(last(text));
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
