/** Requests that came to a group all of whose servers had reached their `max_conns`: no failures of anybody. */
import type { Numbers } from './quick.js';

/** Counter of a group. */
export const PREFIX = ' overflows/';

export function count(counters: Numbers, group: string): void {
  counters.incr(PREFIX + group, 1);
}
