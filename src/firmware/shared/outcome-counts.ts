/**
 * The counters of outcomes, which only grow: `of <type> <version> <outcome>`, and of devices that a shadow would reach
 * `shadow <type> <version> <what they run>`. NGINX runs this as well: see version.ts for what njs lacks.
 */
import type { Outcome } from './flight.js';
import * as journals from './journal.js';
import type { Memory } from './memory.js';

/** Adds to counters. Returns their lines for the journal. */
export function count(memory: Memory, type: string, version: string, outcomes: Outcome[]): string {
  let lines = '';
  for (let i = 0; i < outcomes.length; i++) {
    const key = `of ${type} ${version} ${outcomes[i]}`;
    lines += journals.counterLine(key, memory.counts.incr(key, 1));
  }
  return lines;
}

/** Adds to the counter of what devices run that a shadow would reach. */
export function countShadow(memory: Memory, type: string, version: string, running: string): void {
  memory.counts.incr(`shadow ${type} ${version} ${running}`, 1);
}

/** Whether any device with this version was counted. */
export function hasShadow(memory: Memory, type: string, version: string, running: string): boolean {
  return memory.counts.get(`shadow ${type} ${version} ${running}`) !== undefined;
}
