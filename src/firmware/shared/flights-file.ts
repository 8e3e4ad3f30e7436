/**
 * The file that devices in flight outlive a restart of NGINX in: a line that says the time and the sample, then one for
 * each device. NGINX runs this as well: see version.ts for what njs lacks.
 */
import * as deviceId from './device-id.js';
import * as records from './flight.js';
import * as flights from './flights.js';
import type { Memory } from './memory.js';
import * as memories from './memory.js';

const HEAD = /^flights 1 ([0-9]{1,15}) ([0-9]{1,9})$/;
/** A flight that is not over, as flight.ts encodes it. */
const FLIGHT =
  /^(offered|downloaded|failed|retried|blocked|lost|unknown|returned) ([^ \n]{1,48}) ([0-9a-f]{16}) ([0-9]{1,15}) ([0-9]{1,15}) ([0-9]{1,15}) ([0-9]{1,15})(?: [01])?$/;
const KEY = /^[A-Za-z0-9._-]{1,64}(?:@[a-z0-9-]{1,32})?\/(.+)$/;

/** The first line. */
export function head(memory: Memory): string {
  const sample = memories.numberOf(memory, memories.SAMPLE) || 1;
  return `flights 1 ${memories.timeOf(memory) || 0} ${sample}\n`;
}

/** The line of the device in an entry of the queue; `''` where there is none, or none that is in flight. */
export function line(memory: Memory, entry: number): string {
  const key = memory.flights.get(memories.queueKey(entry));
  const text = key === undefined ? undefined : memory.flights.get(key);
  return text === undefined || !FLIGHT.test(text) ? '' : `${key} ${text}\n`;
}

/**
 * Reads devices in flight back into an empty memory, as many as there is room for, and starts its clock where that of the
 * file stood: while NGINX was not running nobody could ask. What cannot be read is left out. Returns how many lines that is.
 */
export function restore(memory: Memory, text: string, limit: number): number {
  const lines = text.split('\n');
  const found = (lines[0] as string).match(HEAD);
  if (found === null) return text === '' ? 0 : 1;
  const now = Number(found[1]);
  memory.counts.set(memories.SAMPLE, Math.max(1, Number(found[2])));
  let bad = 0;
  for (let i = 1; i < lines.length; i++) {
    const row = lines[i] as string;
    if (row !== '' && !tryLine(memory, row, now, limit)) bad++;
  }
  memory.counts.set(memories.NOW, now);
  return bad;
}

function tryLine(memory: Memory, row: string, now: number, limit: number): boolean {
  try {
    return restoreLine(memory, row, now, limit);
  } catch {
    // The memory is full.
    return false;
  }
}

function restoreLine(memory: Memory, row: string, now: number, limit: number): boolean {
  const space = row.indexOf(' ');
  const key = row.substring(0, space);
  const id = key.match(KEY);
  const text = row.substring(space + 1);
  if (!FLIGHT.test(text)) return false;
  const flight = records.decode(text);
  if (id === null || deviceId.normalize(id[1] as string) !== id[1]) return false;
  // A time that has not come would keep the device from ever being lost.
  if (flight.asked > now || flight.seen > now) return false;
  const isNew = memory.flights.get(key) === undefined;
  if (isNew && memories.numberOf(memory, memories.FLIGHTS) >= limit) return false;
  memory.flights.set(key, text);
  if (isNew) flights.enqueue(memory, key);
  return true;
}
