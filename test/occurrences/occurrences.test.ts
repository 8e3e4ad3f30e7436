/**
 * After the integration tests: the daemons under test have logged every event and recorded every metric of the tables, and
 * nothing else. It needs the whole of the integration tests: where one of their files did not run, it fails and names it.
 */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EVENTS } from '../../src/telemetry/events.js';
import { METRICS } from '../../src/telemetry/metric-table.js';
import { readOccurrences, spelledMetric } from '../support/occurrences.js';

const BUG = 'nothing but a bug of sidekick causes it; a unit test provokes it';

/** The events that do not occur in integration tests, and why. */
const ABSENT_EVENTS: Readonly<Record<string, string>> = {
  'controller-failed': BUG,
  'daemon-crashed': BUG,
  'metric-failed': BUG,
  'worker-failed': BUG,
  'host-addresses-unknown':
    'Linux tells every process its addresses, unless a host is confined beyond our unit',
};

/** The metrics that are not recorded in integration tests, and why. */
const ABSENT_METRICS: Readonly<Record<string, string>> = {
  sidekick_metric_series_dropped_total:
    'it takes 10,000 combinations of labels; a unit test writes that many',
};

const seen = readOccurrences();
const files = readdirSync('test/integration', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => `test/integration/${file}`);

/** Asserts that exactly the declared names were seen, except those that are absent for a reason. */
function expectExactly(
  names: ReadonlySet<string>,
  declared: readonly string[],
  absent: ReadonlySet<string>,
): void {
  expect({
    neverOccurred: declared.filter((name) => !names.has(name) && !absent.has(name)),
    notInTheTable: [...names].filter((name) => !declared.includes(name)),
    occurredThoughAbsent: [...absent].filter((name) => names.has(name)),
    absentAndNotInTheTable: [...absent].filter((name) => !declared.includes(name)),
  }).toEqual({ neverOccurred: [], notInTheTable: [], occurredThoughAbsent: [], absentAndNotInTheTable: [] });
}

describe('the whole of the integration tests', () => {
  it('has run before this', () => {
    expect(files.filter((file) => !seen?.files.has(file))).toEqual([]);
  });

  it('logs every event of the table and no other', () => {
    const declared = EVENTS.map(({ name }) => name);
    expectExactly(seen?.events ?? new Set(), declared, new Set(Object.keys(ABSENT_EVENTS)));
  });

  it('records every metric of the table with its labels and no other', () => {
    const spelled = new Map(METRICS.map(({ name, labels }) => [name as string, spelledMetric(name, labels)]));
    const absent = Object.keys(ABSENT_METRICS).map((name) => spelled.get(name) ?? name);
    expectExactly(seen?.metrics ?? new Set(), [...spelled.values()], new Set(absent));
  });
});
