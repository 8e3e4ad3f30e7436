/**
 * What NGINX remembers of devices while a candidate is rolled out: two dictionaries that its workers share. NGINX runs this
 * as well: see version.ts for what njs lacks.
 *
 * Names of types contain no space and ids no slash, so that the keys of this file belong to no device.
 */

/** An njs dictionary of strings: each call is atomic, and those that write throw where the memory is full. */
export interface Texts {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
  /** Returns false, and changes nothing, where the key exists. */
  add(key: string, value: string): boolean;
  delete(key: string): boolean;
}

/** An njs dictionary of numbers. */
export interface Numbers {
  get(key: string): number | undefined;
  set(key: string, value: number): unknown;
  /** Adds to a number, which is 0 where there is none, and returns the sum. */
  incr(key: string, by: number): number;
  delete(key: string): boolean;
  items(max: number): [string, number][];
}

/** The two dictionaries. A reload keeps them; a restart finds what the file and its journal have of them. */
export interface Memory {
  /** Devices in flight, and the queue in which they are looked at. */
  flights: Texts;
  /** Outcomes, and what else is a number. */
  counts: Numbers;
  /** Writes lines of journal.ts where a restart finds them. Undefined where nothing is to outlive a restart. */
  journal?: ((lines: string) => void) | undefined;
}

/**
 * The time in seconds, by a clock that goes only while NGINX answers devices. A periodic task writes it: no question reads
 * a clock. It is absent until flights of before a restart have been read back: nobody is offered a candidate until then.
 */
export const NOW = ' now';

/** The time in whole seconds; undefined until there is one. */
export function timeOf(memory: Memory): number | undefined {
  const now = memory.counts.get(NOW);
  return now === undefined ? undefined : Math.floor(now);
}

/** How many devices are remembered, and how many may be. */
export const FLIGHTS = ' flights';
export const LIMIT = ' limit';

/** One device in so many is followed; absent for all of them. */
export const SAMPLE = ' sample';

/** The number of the last change to the devices in flight, as store/state-file.ts numbers them for the file `flights`. */
export const CHANGES = ' sequence/flights';

/** A device of which nothing was seen for so long (s) is forgotten: 7 days. */
export const FORGET_AFTER = 604_800;

/** Followed by type and version: how many versions devices were seen to run that a shadow would reach. */
export const SHADOW_VERSIONS = ' shadow versions';

/** The key that names this life of NGINX's memory: 16 hexadecimal digits. */
export const EPOCH = ' epoch';

/** The queue: the number of the entry that was looked at last, and of the one that was added last. */
export const HEAD = ' head';
export const TAIL = ' tail';

/** The key of an entry of the queue, whose value is the key of a flight. */
export function queueKey(number: number): string {
  return ` queue ${number}`;
}

/** A number of the dictionary; 0 where it is absent. */
export function numberOf(memory: Memory, key: string): number {
  return memory.counts.get(key) || 0;
}

/** For `items`: no limit. njs's default is 1,024. */
export const ALL = 1_000_000_000;
