/** Counting what is no plain 200: all other answers are. */
import type { Counters } from './fast-path.js';
import * as fastPath from './fast-path.js';

/** Statuses that any server has answered with, so that they can be looked for. */
export const SEEN_STATUS = ' code/';

/** Counts another status of a server, or none at all. `text` is NGINX's list of them. */
export function countStatus(counters: Counters, uid: string, text: string | undefined): void {
  const status = fastPath.lastValue(text);
  if (status === undefined || !/^\d{3}$/.test(status)) counters.incr(`${uid}/unanswered`, 1);
  else if (status !== '200' && counters.incr(`${uid}/s${status}`, 1) === 1)
    counters.incr(SEEN_STATUS + status, 1);
}
