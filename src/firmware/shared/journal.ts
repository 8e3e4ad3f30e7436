/**
 * The journal of changes to devices in flight, in the file of flights-file.ts: a line for each change, which is written
 * before anybody can have read its outcome, so that a killed NGINX counts nothing twice after its start and forgets nothing.
 * NGINX runs this as well: see version.ts for what njs lacks.
 *
 * Lines say what is so after the change and not what differs: to read one twice, or in another order, changes nothing.
 */

/** Followed by the number of the change, the time in seconds, a flight's key, and its text; `-` where it is over. */
const CHANGE = /^\+([0-9]{1,15}) ([0-9]{1,15}) ([^ \n]{1,162}) ([^\n]+)$/;
/** A counter of outcome-counts.ts, and its value. */
const COUNTER = /^(of [^ \n]{1,97} [^ \n]{1,48} [a-z]{1,16}) ([0-9]{1,15})$/;

const EPOCH = /^epoch ([0-9a-f]{16})$/;

/** A change to the device of a flight's key. */
export interface Change {
  /** Of two changes to one device the one with the higher number is the later one. */
  number: number;
  /** When it was made, by the clock of memory.ts. */
  at: number;
  key: string;
  /** The flight as flight.ts encodes it; `''` where it is over. */
  text: string;
}

/** The line of a change, with its line feed. */
export function changeLine(change: Change): string {
  return `+${change.number} ${change.at} ${change.key} ${change.text === '' ? '-' : change.text}\n`;
}

/** The line of a counter, with its line feed. */
export function counterLine(key: string, value: number): string {
  return `${key} ${value}\n`;
}

/** The line that says of which epoch the counters are, with its line feed. */
export function epochLine(epoch: string): string {
  return `epoch ${epoch}\n`;
}

/** Reads a line of an epoch; undefined where it is none. */
export function parseEpoch(line: string): string | undefined {
  const found = line.match(EPOCH);
  return found === null ? undefined : (found[1] as string);
}

/** Reads a line of a change; undefined where it is none. */
export function parseChange(line: string): Change | undefined {
  const found = line.match(CHANGE);
  if (found === null) return undefined;
  const text = found[4] as string;
  return {
    number: Number(found[1]),
    at: Number(found[2]),
    key: found[3] as string,
    text: text === '-' ? '' : text,
  };
}

/** Reads a line of a counter; undefined where it is none. */
export function parseCounter(line: string): [key: string, value: number] | undefined {
  const found = line.match(COUNTER);
  return found === null ? undefined : [found[1] as string, Number(found[2])];
}
