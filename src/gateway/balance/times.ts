/**
 * How long servers take, for the averages that the API shows. NGINX's figures are texts that cost a request a good deal to
 * have, so one in sixteen is timed, which quick.ts picks.
 */
import type { Numbers, Variables } from './quick.js';
import * as quick from './quick.js';

/**
 * Notes the times of a request, in ms. `names` are those of NGINX's variables behind `$upstream_`; nothing is noted when
 * the server has not got as far as one of them.
 */
export function note(counters: Numbers, variables: Variables, uid: string, names: string[]): void {
  const times: number[] = [];
  for (let i = 0; i < names.length; i++) {
    const text = variables[`upstream_${names[i]}`];
    times[i] = (+(text as string) || +(quick.last(text) || '-')) * 1000;
    if (!((times[i] as number) >= 0)) return;
  }
  counters.incr(`${uid}/timed`, 1);
  for (let i = 0; i < names.length; i++) counters.incr(`${uid}/${names[i]}`, times[i] as number);
}
