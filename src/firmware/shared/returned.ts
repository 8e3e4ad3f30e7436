/**
 * Devices that are back on MQTT. NGINX's http block has devices by their ids and its stream block has ClientIds; a type's
 * pattern, such as `lamp-{id}`, leads from one to the other. NGINX runs this as well: see version.ts for what njs lacks.
 */
import * as deviceId from './device-id.js';
import * as flights from './flights.js';
import type { Memory } from './memory.js';
import * as memories from './memory.js';

/** The patterns of the types that are counted, one in a line: `<type> <pattern>`. */
const PATTERNS = ' client ids';
/** Further types are not looked for on MQTT. */
const MAX_PATTERNS = 64;
/** Where a pattern has the id. */
const ID = '{id}';

/** A ClientId, and when it was seen, in milliseconds since the epoch. */
export type Seen = [clientId: string, at: number];

/** Says by which ClientIds devices of a type are known; `''` where they are not counted, or nobody has said. */
export function setPattern(memory: Memory, type: string, pattern: string): void {
  const before = memory.flights.get(PATTERNS) || '';
  const own = pattern === '' ? '' : `${type} ${pattern}\n`;
  const start = `\n${before}`.indexOf(`\n${type} `);
  if (start < 0 && own === '') return;
  const end = start < 0 ? -1 : before.indexOf('\n', start) + 1;
  if (start >= 0 && before.substring(start, end) === own) return;
  const others = start < 0 ? before : before.substring(0, start) + before.substring(end);
  if (own !== '' && others.split('\n').length > MAX_PATTERNS) return;
  memory.flights.set(PATTERNS, others + own);
}

/** What ClientIds begin with that are to be looked for; an empty one stands for all. */
export function prefixes(memory: Memory): string[] {
  return patterns(memory).map((pattern) => pattern[1].substring(0, pattern[1].indexOf(ID)));
}

function patterns(memory: Memory): [type: string, pattern: string][] {
  const text = memory.flights.get(PATTERNS) || '';
  const lines = text.split('\n');
  const found: [string, string][] = [];
  for (let i = 0; i < lines.length - 1; i++) {
    const words = (lines[i] as string).split(' ');
    found.push([words[0] as string, words[1] as string]);
  }
  return found;
}

/** Counts the devices whose ClientIds were seen. `wall`: the time now, in milliseconds since the epoch. */
export function meet(memory: Memory, seen: Seen[], wall: number): void {
  const now = memory.counts.get(memories.NOW);
  if (now === undefined) return;
  const known = patterns(memory);
  for (let i = 0; i < seen.length; i++) {
    const one = seen[i] as Seen;
    const at = now - Math.max(0, wall - one[1]) / 1000;
    for (let k = 0; k < known.length; k++) {
      const pattern = known[k] as [string, string];
      const id = idIn(pattern[1], one[0]);
      if (id !== undefined) flights.comeBack(memory, flights.flightKey(pattern[0], id), at);
    }
  }
}

/** The id in a ClientId, in any spelling of it; undefined where it does not fit the pattern. */
function idIn(pattern: string, clientId: string): string | undefined {
  const at = pattern.indexOf(ID);
  const before = pattern.substring(0, at);
  const behind = pattern.substring(at + ID.length);
  const end = clientId.length - behind.length;
  if (end <= at || clientId.substring(0, at) !== before || clientId.substring(end) !== behind)
    return undefined;
  return deviceId.normalize(clientId.substring(at, end));
}
