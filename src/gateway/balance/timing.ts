/**
 * How long servers take, for the averages that the API shows. NGINX's figures are texts that cost a request a good deal to
 * have, so one in sixteen is timed, which quick.ts picks.
 */
import type { Counters, Variables } from './fast-path.js';
import * as fastPath from './fast-path.js';

/**
 * Notes the times of a request, in ms. `names` are those of NGINX's variables behind `$upstream_`; nothing is noted when
 * the server has not got as far as one of them.
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
