/**
 * What became of candidates, as one NGINX has counted it, for `GET /firmware/outcomes`. NGINX runs this as well: see
 * version.ts for what njs lacks.
 */
import * as admission from './admission.js';
import * as journals from './journal.js';
import type { Memory } from './memory.js';
import * as memories from './memory.js';

/** The outcomes in a report: all of them, in the order in which a device comes to them. */
const OUTCOMES = ['offered', 'downloaded', 'booted', 'failed', 'recovered', 'lost', 'found', 'unknown'];

const OUTCOME_KEY = /^of ([^ ]+) ([^ ]+) ([a-z]+)$/;
const SHADOW_KEY = /^shadow ([^ ]+) ([^ ]+) ([^ ]+)$/;
/** Followed by type and version: when a version was first seen to be of no use any more. */
const UNUSED = ' unused';
/** How long (s) counters outlive their version. */
const KEEP_UNUSED = 3600;

/** Names this life of the memory, which is not over with a restart whose counters are read back, unless it has a name. `fresh` is 16 hexadecimal digits that nobody else has. */
export function nameEpoch(memory: Memory, fresh: string): void {
  const journal = memory.journal;
  if (memory.flights.add(memories.EPOCH, fresh) && journal !== undefined) journal(journals.epochLine(fresh));
}

type Tree = { [name: string]: Tree | number };

/** The report, as JSON. */
export function render(memory: Memory): string {
  const counts = branch();
  const shadow = branch();
  const items = memory.counts.items(memories.ALL);
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as [string, number];
    const found = item[0].match(OUTCOME_KEY);
    if (found !== null) {
      const outcomes = of(of(counts, found[1] as string), found[2] as string);
      if (outcomes.offered === undefined)
        for (let k = 0; k < OUTCOMES.length; k++) outcomes[OUTCOMES[k] as string] = 0;
      outcomes[found[3] as string] = item[1];
      continue;
    }
    const seen = item[0].match(SHADOW_KEY);
    if (seen !== null) of(of(shadow, seen[1] as string), seen[2] as string)[seen[3] as string] = item[1];
  }
  return JSON.stringify({
    epoch: memory.flights.get(memories.EPOCH) || '',
    sample: memories.numberOf(memory, memories.SAMPLE) || 1,
    flights: memories.numberOf(memory, memories.FLIGHTS),
    downloads: admission.downloads(memory),
    counts: counts,
    shadow: shadow,
  });
}

/** An object without a prototype: types may be called `constructor`. */
function branch(): Tree {
  return Object.create(null);
}

function of(tree: Tree, name: string): Tree {
  if (tree[name] === undefined) tree[name] = branch();
  return tree[name] as Tree;
}

/** The types of which anything was counted. */
export function types(memory: Memory): string[] {
  const found: string[] = [];
  const items = memory.counts.items(memories.ALL);
  for (let i = 0; i < items.length; i++) {
    const type = versionOf((items[i] as [string, number])[0])[0];
    if (type !== undefined && found.indexOf(type) < 0) found.push(type);
  }
  return found;
}

/** The type and the version of a counter; nothing for other numbers. */
function versionOf(key: string): string[] {
  const found = key.match(OUTCOME_KEY) || key.match(SHADOW_KEY);
  return found === null ? [] : [found[1] as string, found[2] as string];
}

/**
 * Forgets the counters of a type's versions that have been of no use for an hour: whatever reads the report has read them.
 * @param used The versions that are offered, or that shadow what is.
 */
export function forgetUnused(memory: Memory, type: string, used: string[]): void {
  const now = memories.timeOf(memory) || 0;
  const items = memory.counts.items(memories.ALL);
  const marked: string[] = [];
  for (let i = 0; i < items.length; i++) {
    const key = (items[i] as [string, number])[0];
    const found = versionOf(key);
    if (found[0] !== type) continue;
    const version = found[1] as string;
    const mark = `${UNUSED} ${type} ${version}`;
    const since = memory.counts.get(mark);
    if (used.indexOf(version) >= 0) memory.counts.delete(mark);
    else if (since === undefined) memory.counts.set(mark, now);
    else if (now - since >= KEEP_UNUSED) {
      memory.counts.delete(key);
      memory.counts.delete(`${memories.SHADOW_VERSIONS} ${type} ${version}`);
      marked.push(mark);
    }
  }
  for (let i = 0; i < marked.length; i++) memory.counts.delete(marked[i] as string);
}
