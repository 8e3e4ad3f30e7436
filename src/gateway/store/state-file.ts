/**
 * State files: what survives a restart of NGINX, a file for each group and each keyval zone. A file is written step by step
 * and without the lock, so that a slow disk delays nobody else, under another name and then renamed. A disk that cannot be
 * written to prevents no change: the file is stale then, and writing is retried until it succeeds.
 *
 *      ` sequence/<file>`     (a counter) number of the last change
 *      ` saved/<file>`        (a counter) number of the last change that the file contains
 *      ` writes/<file>`       (a counter) how often writing was begun
 *      ` due/<file>`          (a counter) when the file may be written next, by the platform's `clock`
 *      ` stale/<file>`        why the file cannot be written
 */
import type { Step } from '../model/steps.js';
import * as steps from '../model/steps.js';
import type { NumberDict, Platform, StringDict } from './platform.js';

/** What writing a state file needs of the platform. */
export interface StateDisk extends Pick<Platform, 'clock' | 'append' | 'rename' | 'remove' | 'warn'> {
  tables: Pick<StringDict, 'get' | 'set' | 'delete'>;
  counters: Pick<NumberDict, 'get' | 'set' | 'incr'>;
}

/** A state file. */
export interface StateFile {
  name: string;
  /** What it belongs to, for log messages: `http upstream "firmware"`. */
  owner: string;
  /** What a restart would restore from an old file, for log messages: `servers`. */
  contents: string;
}

/** The contents of a state file, part by part. */
export interface Contents {
  /** Number of the last change that they include. Later changes may be included as well. */
  sequence: number;
  head: string;
  tail: string;
  /** The number of parts, and how many are written per step. */
  parts: number;
  partsPerStep: number;
  part(i: number): string;
  /** Called when the file is in place. */
  onSaved(): void;
  /** How long not to write the file again, in ms, after writing it has taken `took` ms. */
  pause(took: number): number;
}

/** Characters that are written at a time. */
const BUFFER = 16_384;
/** Time until the next attempt if a file cannot be written, in ms. */
const RETRY = 1000;

function counted(platform: StateDisk, key: string): number {
  return platform.counters.get(key) || 0;
}

/** The number of the last change. */
export function sequenceOf(platform: StateDisk, file: string): number {
  return counted(platform, ` sequence/${file}`);
}

export function setSequence(platform: StateDisk, file: string, sequence: number): void {
  platform.counters.set(` sequence/${file}`, sequence);
}

/** Creates the counter of a file, so that numbering a change cannot fail because shared memory is full. */
export function prepareSequence(platform: Platform, file: string): void {
  platform.counters.add(` sequence/${file}`, 0);
}

/** Numbers a change. The caller holds the lock. */
export function nextSequence(platform: StateDisk, file: string): number {
  return platform.counters.incr(` sequence/${file}`, 1);
}

/** The number of the last change that the file contains. */
export function savedSequence(platform: StateDisk, file: string): number {
  return counted(platform, ` saved/${file}`);
}

/** Why the file is stale; `undefined` if it is not. */
export function staleReason(platform: StateDisk, file: string): string | undefined {
  return platform.tables.get(` stale/${file}`);
}

/** Whether the file lacks a change, or is stale. */
export function isBehind(platform: StateDisk, file: string): boolean {
  return (
    sequenceOf(platform, file) !== savedSequence(platform, file) || staleReason(platform, file) !== undefined
  );
}

/** Whether the file may be written now. */
export function isDue(platform: StateDisk, file: string): boolean {
  return platform.clock() >= counted(platform, ` due/${file}`);
}

/** Marks a file as stale and logs it once. */
export function setStale(platform: StateDisk, file: StateFile, thrown: unknown): void {
  if (staleReason(platform, file.name) !== undefined) return;
  platform.warn(
    `${file.owner}: its state cannot be written: ${String(thrown)}. Changes take effect, but a restart of NGINX would ` +
      `restore older ${file.contents}. Writing is retried until it succeeds.`,
  );
  try {
    platform.tables.set(` stale/${file.name}`, String(thrown));
  } catch {
    // Shared memory is full as well. Writing is retried nevertheless, because the file lacks changes.
  }
}

function isOvertaken(platform: StateDisk, file: StateFile, contents: Contents): boolean {
  return savedSequence(platform, file.name) > contents.sequence;
}

/** Puts a complete new file in place. */
function replace(platform: StateDisk, file: StateFile, fresh: string, contents: Contents): void {
  platform.rename(fresh, file.name);
  contents.onSaved();
  platform.counters.set(` saved/${file.name}`, contents.sequence);
  if (platform.tables.delete(` stale/${file.name}`))
    platform.warn(`${file.owner}: its state has been written again`);
}

/** The name that a file has until it is complete, by how often writing was begun. */
export function freshName(counters: Pick<NumberDict, 'get'>, file: string): string {
  return freshOf(file, counters.get(` writes/${file}`) || 0);
}

function freshOf(file: string, writes: number): string {
  return `${file}.new${writes % 2}`;
}

/**
 * Writes a state file, step by step. `open` is called until it returns the contents, which it does not while another worker
 * holds the lock. Changes that are made meanwhile are left for the next time.
 */
export function write(platform: StateDisk, file: StateFile, open: () => Contents | undefined): Step {
  const began = platform.clock();
  // A worker of another generation may be writing as well.
  const fresh = freshOf(file.name, platform.counters.incr(` writes/${file.name}`, 1));
  let contents: Contents | undefined;
  let text = '';

  function start(): boolean {
    contents = open();
    if (contents === undefined) return false;
    // A worker that crashed may have left it behind.
    platform.remove(fresh);
    text = contents.head;
    return true;
  }

  function flush(): void {
    platform.append(fresh, text);
    text = '';
  }

  function add(i: number): void {
    text += (contents as Contents).part(i);
    if (text.length > BUFFER) flush();
  }

  function finish(): void {
    const all = contents as Contents;
    text += all.tail;
    flush();
    // Another worker may have been faster, with later changes.
    if (isOvertaken(platform, file, all)) platform.remove(fresh);
    else replace(platform, file, fresh, all);
    const took = platform.clock() - began;
    platform.counters.set(` due/${file.name}`, platform.clock() + all.pause(took));
  }

  const work = steps.sequence([
    () => start,
    () => steps.each((contents as Contents).parts, (contents as Contents).partsPerStep, add),
    steps.once(finish),
  ]);
  return () => {
    try {
      return work();
    } catch (thrown) {
      // Half a file takes up room that others need.
      platform.remove(fresh);
      platform.counters.set(` due/${file.name}`, platform.clock() + RETRY);
      setStale(platform, file, thrown);
      return true;
    }
  };
}
