/** Requests that found all servers of a group at their `max_conns`. They do not count as failures. */
import type { Counters } from './shared-memory.js';

/** Followed by a group's name: its counter. */
export const OVERFLOWS = ' overflows/';

export function countOverflow(counters: Counters, group: string): void {
  counters.incr(OVERFLOWS + group, 1);
}
