/** Requests that came to a group all of whose servers had reached their `max_conns`: no failures of anybody. */
import type { Counters } from './fast-path.js';

/** Counter of a group. */
export const OVERFLOWS = ' overflows/';

export function countOverflow(counters: Counters, group: string): void {
  counters.incr(OVERFLOWS + group, 1);
}
