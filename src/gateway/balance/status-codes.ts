/** Counts responses by status, except 200: responses that are not counted here had that status. */

import * as fastPath from './fast-path.js';
import type { Counters } from './shared-memory.js';

/** Followed by a status: counter of the servers that have responded with it, so that readers know which to look for. */
export const SEEN_STATUS = ' code/';

/** Counts a status other than 200, or a missing response. `text` is NGINX's `$upstream_status`. */
export function countStatus(counters: Counters, uid: string, text: string | undefined): void {
  const status = fastPath.lastValue(text);
  if (status === undefined || !/^\d{3}$/.test(status)) counters.incr(`${uid}/unanswered`, 1);
  else if (status !== '200' && counters.incr(`${uid}/s${status}`, 1) === 1)
    counters.incr(SEEN_STATUS + status, 1);
}
