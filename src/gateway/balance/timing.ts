/**
 * Sums of response times, for the averages that the API shows. Reading NGINX's variables is expensive in njs, so one request
 * in sixteen is timed; fast-path.ts decides which.
 */

import * as fastPath from './fast-path.js';
import type { Counters, Variables } from './shared-memory.js';

/**
 * Adds the times of a request, in ms. `names` are those of NGINX's variables without `$upstream_`. Nothing is added if one of
 * them has no value, because the request did not get that far.
 */
export function addTimes(counters: Counters, variables: Variables, uid: string, names: string[]): void {
  const times: number[] = [];
  for (let i = 0; i < names.length; i++) {
    const text = variables[`upstream_${names[i]}`];
    times[i] = (+(text as string) || +(fastPath.lastValue(text) || '-')) * 1000;
    if (!((times[i] as number) >= 0)) return;
  }
  counters.incr(`${uid}/timed`, 1);
  for (let i = 0; i < names.length; i++) counters.incr(`${uid}/${names[i]}`, times[i] as number);
}
