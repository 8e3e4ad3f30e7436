/** Failures of servers: which of them are a server's own, and counting them; store/failures.ts works out what follows. */
import type { Counters, Variables } from './fast-path.js';
import * as fastPath from './fast-path.js';

/** Failures of one server that wait to be worked out. */
export const PENDING = ' failed/';
/** How many servers have been queued for that; behind the name and a number, the uid of one. */
export const QUEUE = ' failing/';

export function countFailure(counters: Counters, uid: string): void {
  counters.incr(`${uid}/fails`, 1);
  // Whoever counts the first has it worked out; others come along.
  if (counters.incr(PENDING + uid, 1) === 1) queueFailure(counters, uid);
}

/** Has the failures of a server worked out. */
export function queueFailure(counters: Counters, uid: string): void {
  counters.incr(QUEUE + counters.incr(QUEUE, 1), Number(uid));
}

/** Methods that may be repeated although the server may have acted on the first. */
const REPEATABLE = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'];

/** What follows from a failed try of an http request. */
export interface Verdict {
  /** Whether it counts against the server. */
  isServerFault: boolean;
  /** Whether the request may be sent to another one. */
  mayRepeat: boolean;
}

/**
 * A variable of NGINX's upstream module, server by server, with colons between them. Of one server there are several
 * figures, with commas, where it closed a connection that was kept open, and NGINX opened another.
 */
function byServer(text: string | undefined): string[][] {
  if (text === undefined) return [];
  return text.split(':').map((figures) => figures.split(',').map((figure) => figure.trim()));
}

function moved(figures: string[]): boolean {
  return figures.some((bytes) => +bytes > 0);
}

/**
 * Judges a request by how its tries went, of which the last has just failed. What a request has not been part of cannot be
 * its fault: a server that takes no connection is blamed, and the request goes on. A request that has been sent may be the
 * reason why there was no answer; it is repeated once, where its method allows that, and held against the first server
 * alone. Once a byte has come back (a header that NGINX cannot read or hold, a connection that broke in the middle of it),
 * it is neither repeated nor held against anybody. Nor is a request repeated that waited its whole time for an answer.
 */
export function judgeTry(variables: Variables, method: string): Verdict {
  const sent = byServer(variables.upstream_bytes_sent).map(moved);
  const last = sent.length - 1;
  if (!sent[last]) return { isServerFault: true, mayRepeat: true };
  if (moved(byServer(variables.upstream_bytes_received)[last] as string[]))
    return { isServerFault: false, mayRepeat: false };
  const first = sent.indexOf(true) === last;
  const late = fastPath.lastValue(variables.upstream_status) === '504';
  return { isServerFault: first, mayRepeat: first && !late && REPEATABLE.indexOf(method) >= 0 };
}
