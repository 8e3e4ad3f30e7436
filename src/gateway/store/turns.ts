/** Fairness: whoever always has work to do must not keep others waiting. */
import type { Platform } from './platform.js';

/** Asks the names in turn, starting behind the one that was asked last, and returns the first result. */
export function firstInTurn<T>(
  platform: Platform,
  counter: string,
  names: string[],
  ask: (name: string) => T | undefined,
): T | undefined {
  for (let i = 0; i < names.length; i++) {
    const found = ask(names[platform.counters.incr(counter, 1) % names.length] as string);
    if (found !== undefined) return found;
  }
  return undefined;
}
