/** Failed tries of requests: they decide whether the server is at fault, and count its failures. store/passive-health.ts processes the counts. */

import * as fastPath from './fast-path.js';
import type { Counters, Variables } from './shared-memory.js';

/** Followed by a uid: counter of the server's failures that passive health checks have not processed yet. */
export const PENDING = ' failed/';
/** Counter of the servers that were queued for processing; followed by a number, the uid of one of them. */
export const QUEUE = ' failing/';

/** Counts a failure of a server, and queues the server for processing. */
export function countFailure(counters: Counters, uid: string): void {
  counters.incr(`${uid}/fails`, 1);
  // The first pending failure queues the server; later ones are processed with it.
  if (counters.incr(PENDING + uid, 1) === 1) queueFailure(counters, uid);
}

/** Queues a server, so that its pending failures are processed. */
export function queueFailure(counters: Counters, uid: string): void {
  counters.incr(QUEUE + counters.incr(QUEUE, 1), Number(uid));
}

/** Methods that may be sent to another server although the first may have processed the request. */
const REPEATABLE = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'];

/**
 * Answers that say of a server that it has not got what its neighbours have, or cannot give it now. NGINX passes them on,
 * unless a location intercepts them.
 */
const POOR_ANSWERS = ['403', '404', '500', '503'];

/** What to do about a failed try of an HTTP request. */
export interface RetryDecision {
  /** Whether it counts as a failure of the server. */
  isServerFault: boolean;
  /** Whether the request may be sent to another server. */
  mayRepeat: boolean;
  /** Whether there was an answer, and the location wants a better one. */
  isAnswered: boolean;
}

/**
 * The values of one of NGINX's upstream variables, by server. Servers are separated by colons. A server has several values,
 * separated by commas, if it closed a kept-alive connection and NGINX opened another one.
 */
function byServer(text: string | undefined): string[][] {
  if (text === undefined) return [];
  return text.split(':').map((values) => values.split(',').map((value) => value.trim()));
}

/** Whether any bytes were transferred. */
function hasBytes(values: string[]): boolean {
  return values.some((bytes) => +bytes > 0);
}

/**
 * Decides what to do about the last try of a request, which has just failed. `sameFiles`: every server of the group has the
 * same files, so that no request is the cause of a failure, and each may be sent to another server, however the first one
 * failed.
 *
 * | The try | is the server's fault | may be repeated | with the same files |
 * |---|---|---|---|
 * | sent no byte: the server accepts no connection | yes | yes | yes |
 * | was sent and got no response, for the first time | yes | once, if the method allows it | if the method allows it |
 * | the same with a second server: the request itself may be the cause | no | no | the same |
 * | timed out waiting for the response | as above | no | the same |
 * | got part of a response, which is invalid, too large or incomplete | no | no | the same |
 * | got an answer that the location does not pass on | no | no | the same |
 */
export function decideRetry(variables: Variables, method: string, sameFiles: boolean): RetryDecision {
  const sent = byServer(variables.upstream_bytes_sent).map(hasBytes);
  const last = sent.length - 1;
  if (!sent[last]) return { isServerFault: true, mayRepeat: true, isAnswered: false };
  const status = fastPath.lastValue(variables.upstream_status) as string;
  const repeatable = REPEATABLE.indexOf(method) >= 0;
  if (hasBytes(byServer(variables.upstream_bytes_received)[last] as string[])) {
    const isAnswered = POOR_ANSWERS.indexOf(status) >= 0;
    return { isServerFault: false, mayRepeat: sameFiles && repeatable, isAnswered: isAnswered };
  }
  const first = sent.indexOf(true) === last;
  const mayRepeat = repeatable && (sameFiles || (first && status !== '504'));
  return { isServerFault: first, mayRepeat: mayRepeat, isAnswered: false };
}
