/**
 * The file in which devices in flight and the counters of outcomes outlive a restart of NGINX. It is written anew from time
 * to time: a line that says the time, the sample and the number of the last change; one for each device; one for each
 * counter; and the epoch. Changes that are made after it was begun are appended as lines of journal.ts. NGINX runs this as
 * well: see version.ts for what njs lacks.
 */
import * as deviceId from './device-id.js';
import * as records from './flight.js';
import * as flights from './flights.js';
import * as journals from './journal.js';
import type { Memory } from './memory.js';
import * as memories from './memory.js';

/** Earlier versions wrote 1, and no number of a change. */
const HEAD = /^flights [12] ([0-9]{1,15}) ([0-9]{1,9})(?: ([0-9]{1,15}))?$/;
/** A flight that is not over, as flight.ts encodes it. */
const FLIGHT =
  /^(offered|downloaded|failed|retried|blocked|lost|unknown|returned) ([^ \n]{1,48}) ([0-9a-f]{16}) ([0-9]{1,15}) ([0-9]{1,15}) ([0-9]{1,15}) ([0-9]{1,15})(?: [01])?$/;
const KEY = /^[A-Za-z0-9._-]{1,64}(?:@[a-z0-9-]{1,32})?\/(.+)$/;

/** The first line. */
export function head(memory: Memory): string {
  const sample = memories.numberOf(memory, memories.SAMPLE) || 1;
  const changes = memories.numberOf(memory, memories.CHANGES);
  return `flights 2 ${memories.timeOf(memory) || 0} ${sample} ${changes}\n`;
}

/** The line of the device in an entry of the queue; `''` where there is none, or none that is in flight. */
export function line(memory: Memory, entry: number): string {
  const key = memory.flights.get(memories.queueKey(entry));
  const text = key === undefined ? undefined : memory.flights.get(key);
  return text === undefined || !FLIGHT.test(text) ? '' : `${key} ${text}\n`;
}

/** The last lines: the counters, which have to be read after the devices, and the epoch that they are of. */
export function tail(memory: Memory): string {
  let text = '';
  const items = memory.counts.items(memories.ALL);
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as [string, number];
    const row = journals.counterLine(item[0], item[1]);
    if (journals.parseCounter(row.substring(0, row.length - 1)) !== undefined) text += row;
  }
  const epoch = memory.flights.get(memories.EPOCH);
  return epoch === undefined ? text : text + journals.epochLine(epoch);
}

/** The contents of a file. */
interface Found {
  /** The last change of each device. */
  changes: { [key: string]: journals.Change };
  /** When the file was begun, or the last change was made. */
  now: number;
  /** The number of the last change. */
  last: number;
  /** Lines that cannot be read. */
  bad: number;
}

/**
 * Reads the state from before a restart back into an empty memory, as many devices as there is room for. Starts its clock
 * where it stood: nobody could ask while NGINX was not running. Leaves out lines that cannot be read, and returns how many.
 */
export function restore(memory: Memory, text: string, limit: number): number {
  const lines = text.split('\n');
  const found = (lines[0] as string).match(HEAD);
  // A file that was never written whole holds only the journal.
  const last = found === null ? 0 : Number(found[3] || 0);
  if (found !== null) memory.counts.set(memories.SAMPLE, Math.max(1, Number(found[2])));
  const now = found === null ? 0 : Number(found[1]);
  const all: Found = { changes: Object.create(null), now: now, last: last, bad: 0 };
  for (let i = found === null ? 0 : 1; i < lines.length; i++) take(memory, all, lines[i] as string, last);
  const keys = Object.keys(all.changes);
  for (let i = 0; i < keys.length; i++) {
    const change = all.changes[keys[i] as string] as journals.Change;
    if (change.text !== '' && !tryFlight(memory, change, all.now, limit)) all.bad++;
  }
  memory.counts.set(memories.CHANGES, all.last);
  memory.counts.set(memories.NOW, all.now);
  return all.bad;
}

/** Takes in a line. `written`: the number of the last change before the file was begun. */
function take(memory: Memory, all: Found, row: string, written: number): void {
  if (row === '') return;
  const epoch = journals.parseEpoch(row);
  const counter = journals.parseCounter(row);
  const change = journals.parseChange(row) || flightLine(row, written);
  if (epoch !== undefined) memory.flights.set(memories.EPOCH, epoch);
  else if (counter !== undefined)
    memory.counts.set(counter[0], Math.max(counter[1], memories.numberOf(memory, counter[0])));
  else if (change === undefined || !isValid(change)) all.bad++;
  else {
    const before = all.changes[change.key];
    if (before === undefined || change.number > before.number) all.changes[change.key] = change;
    all.now = Math.max(all.now, change.at);
    all.last = Math.max(all.last, change.number);
  }
}

/** The line of a device, as the change that it has come from. */
function flightLine(row: string, written: number): journals.Change | undefined {
  const space = row.indexOf(' ');
  if (space < 0) return undefined;
  return { number: written, at: 0, key: row.substring(0, space), text: row.substring(space + 1) };
}

function isValid(change: journals.Change): boolean {
  const id = change.key.match(KEY);
  if (id === null || deviceId.normalize(id[1] as string) !== id[1]) return false;
  return change.text === '' || FLIGHT.test(change.text);
}

function tryFlight(memory: Memory, change: journals.Change, now: number, limit: number): boolean {
  try {
    return restoreFlight(memory, change, now, limit);
  } catch {
    // The memory is full.
    return false;
  }
}

function restoreFlight(memory: Memory, change: journals.Change, now: number, limit: number): boolean {
  const flight = records.decode(change.text);
  // With a time in the future the device would never be lost.
  if (flight.asked > now || flight.seen > now) return false;
  if (memories.numberOf(memory, memories.FLIGHTS) >= limit) return false;
  memory.flights.set(change.key, change.text);
  flights.enqueue(memory, change.key);
  return true;
}
