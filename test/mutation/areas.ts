import { existsSync, readdirSync } from 'node:fs';

/** A part of the source whose unit tests must notice a fault in it. */
export interface Area {
  readonly name: string;
  /** What faults are put into. */
  readonly mutate: readonly string[];
  /** The unit tests that have to notice them. */
  readonly tests: readonly string[];
}

/** The pure files of the daemons that have a unit test of their own. */
const DAEMON = [
  'lease/key-ledger',
  'watcher/known-servers',
  'watcher/probe-budget',
  'watcher/schedule',
  'watcher/upstream-memory',
];

/** Pure code, and for each part the tests of its own that must be enough. */
export const AREAS: readonly Area[] = [
  {
    name: 'core',
    mutate: ['src/core/**/*.ts', '!src/core/ports.ts'],
    tests: ['test/unit/core/**/*.test.ts'],
  },
  { name: 'async', mutate: ['src/async/**/*.ts'], tests: ['test/unit/async/**/*.test.ts'] },
  { name: 'firmware', mutate: ['src/firmware/**/*.ts'], tests: ['test/unit/firmware/**/*.test.ts'] },
  {
    name: 'daemon',
    mutate: DAEMON.map((name) => `src/daemon/${name}.ts`),
    tests: DAEMON.map((name) => `test/unit/daemon/${name}.test.ts`),
  },
  {
    name: 'gateway',
    mutate: ['src/gateway/model/**/*.ts'],
    tests: ['test/unit/gateway/model/**/*.test.ts'],
  },
];

export function areaOf(name: string | undefined): Area {
  const area = AREAS.find((candidate) => candidate.name === name);
  if (area) return area;
  throw new Error(`no area ${name ?? ''}: there are ${AREAS.map((known) => known.name).join(', ')}`);
}

/**
 * Some files of an area, with the unit tests of each where it has some of its own: that is quick. A file may end in a range
 * of lines (`src/core/guard.ts:80-95`).
 */
export function partOf(area: Area, files: readonly string[]): Area {
  const own = files.map(ownTests);
  return { ...area, mutate: files, tests: own.every((tests) => tests.length > 0) ? own.flat() : area.tests };
}

/** The tests of `src/core/plan.ts`: `test/unit/core/plan.test.ts`, or those in the folder `test/unit/core/plan`. */
function ownTests(file: string): readonly string[] {
  const subject = file.replace(/^src/, 'test/unit').replace(/\.ts(:.*)?$/, '');
  const candidates = [`${subject}.test.ts`];
  if (existsSync(subject)) candidates.push(...readdirSync(subject).map((name) => `${subject}/${name}`));
  return candidates.filter((test) => test.endsWith('.test.ts') && existsSync(test));
}
