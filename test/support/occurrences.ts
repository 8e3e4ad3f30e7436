/**
 * Which events the daemons under test have logged, and which metrics they have recorded, in one run of the integration
 * tests. Each test file adds what it saw to the same directory; test/occurrences compares that with the tables.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

// Not `SIDEKICK_…`: sidekick would take it for a misspelled option and say so.
const DIRECTORY_VARIABLE = 'TEST_OCCURRENCES';

type List = 'files' | 'events' | 'metrics';

/** What a run has seen. */
export interface Occurrences {
  /** The test files that ran, relative to the root of the repository. */
  readonly files: ReadonlySet<string>;
  /** Names of events. */
  readonly events: ReadonlySet<string>;
  /** Metrics with the names of their labels, as {@link spelledMetric} spells them. */
  readonly metrics: ReadonlySet<string>;
}

/** The directory of this test file's run; undefined in tests that are not recorded. */
let directory: string | undefined;
const noted = new Set<string>();

/** Makes the directory in which the processes of this run note what they see. Returns what removes it. */
export function beginOccurrences(): () => void {
  const made = mkdtempSync(path.join(tmpdir(), 'sidekick-occurrences-'));
  process.env[DIRECTORY_VARIABLE] = made;
  return () => rmSync(made, { recursive: true, force: true });
}

/** What is seen from now on counts as seen in this test file. */
export function recordOccurrences(file: string): void {
  directory = process.env[DIRECTORY_VARIABLE];
  note('files', path.relative(process.cwd(), file));
}

/** What has been seen in this run; undefined where nothing is recorded. */
export function readOccurrences(): Occurrences | undefined {
  const from = process.env[DIRECTORY_VARIABLE];
  if (from === undefined) return undefined;
  const read = (list: List) => {
    const file = path.join(from, list);
    return new Set(existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []);
  };
  return { files: read('files'), events: read('events'), metrics: read('metrics') };
}

/** An event was logged. */
export function noteEvent(name: unknown): void {
  if (typeof name === 'string') note('events', name);
}

/** A metric was recorded with these labels. */
export function noteMetric(name: string, labels: Readonly<Record<string, unknown>> = {}): void {
  note('metrics', spelledMetric(name, Object.keys(labels)));
}

/**
 * Notes what a daemon exposes on /metrics, in the text format of Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/): each metric that has a sample other than 0.
 */
export function noteExposition(text: string): void {
  for (const [, name = '', labels = '', value] of text.matchAll(/^(sidekick_\w+?)(?:\{(.*)\})? (\S+)$/gm)) {
    if (value === '0') continue;
    const names = [...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label = '']) => label);
    const own = names.filter((label) => label !== 'le');
    note('metrics', spelledMetric(name.replace(/_(bucket|sum|count)$/, ''), own));
  }
}

/** `name{label,label}`, the labels in alphabetical order. */
export function spelledMetric(name: string, labels: readonly string[]): string {
  return `${name}{${[...labels].sort().join()}}`;
}

function note(list: List, entry: string): void {
  const line = `${list} ${entry}`;
  if (directory === undefined || noted.has(line)) return;
  noted.add(line);
  appendFileSync(path.join(directory, list), `${entry}\n`);
}
