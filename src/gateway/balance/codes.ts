/** Counting what is no plain 200: all other answers are. */
import type { Numbers } from './quick.js';
import * as quick from './quick.js';

/** Statuses that any server has answered with, so that they can be looked for. */
export const SEEN = ' code/';

/** Counts another status of a server, or none at all. `text` is NGINX's list of them. */
export function note(counters: Numbers, uid: string, text: string | undefined): void {
  const status = quick.last(text);
  if (status === undefined || !/^\d{3}$/.test(status)) counters.incr(`${uid}/unanswered`, 1);
  else if (status !== '200' && counters.incr(`${uid}/s${status}`, 1) === 1) counters.incr(SEEN + status, 1);
}
