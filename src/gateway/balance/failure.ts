/** Counting a server's failure; store/failures.ts works out what follows from it. */
import type { Numbers } from './quick.js';

/** How many failures were counted, over all servers: tells whether there is anything to work out. */
export const TOTAL = ' failures';
/** Failures of one server that wait to be worked out. */
export const PREFIX = ' failed/';

export function count(counters: Numbers, uid: string): void {
  counters.incr(`${uid}/fails`, 1);
  counters.incr(PREFIX + uid, 1);
  counters.incr(TOTAL, 1);
}
