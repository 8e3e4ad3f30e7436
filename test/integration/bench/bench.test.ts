/** A short run of the benchmark: that it works, and finds what it should. Its numbers mean nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fullTables } from '../../bench/report/markdown.js';
import type { PartReport, Report } from '../../bench/report/report.js';

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));
const TIMEOUT = 300_000;

/** The rows of each part, and who has a figure in them. */
const ROWS = {
  change: [
    '10 servers in one group: lone changes, 400 ms apart, p50',
    '10 servers in one group: lone changes, 400 ms apart, p99',
    '10 servers in one group: 20 changes a second, p50',
    '10 servers in one group: 20 changes a second, p99',
    '10 servers in one group: CPU for a lone change',
  ],
  register: ['`register` start to its key in etcd', '`register`: memory'],
  rollout: [
    '2 gateways, each with its watcher: a rollout, p50',
    '2 gateways, each with its watcher: a rollout, p99',
  ],
};

describe('npm run bench -- --quick', () => {
  let directory: string;
  let code: number | null;
  let printed: string;
  let report: Report;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidekick-bench-test-'));
    const json = join(directory, 'bench.json');
    const args = ['--import', 'tsx', MAIN, '--quick', `--only=${Object.keys(ROWS).join()}`, `--json=${json}`];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    [printed, [code]] = (await Promise.all([text(child.stdout), once(child, 'close')])) as [string, [number]];
    report = JSON.parse(await readFile(json, 'utf8')) as Report;
  }, TIMEOUT);

  afterAll(() => rm(directory, { recursive: true }));

  const part = (name: string) => report.parts.find((each) => each.name === name) as PartReport;

  // A request that did not arrive breaks its part off.
  it('completes every part, and every request arrives', () => {
    expect(report.parts.map(({ name, error }) => [name, error])).toEqual(
      Object.keys(ROWS).map((name) => [name, undefined]),
    );
    expect(code).toBe(0);
  });

  it.each(Object.entries(ROWS))('writes every row of the part %s', (name, rows) => {
    expect(part(name).rows.map(({ work }) => work)).toEqual(rows);
  });

  it('measures the baseline, sidekick and the shell loop alike', () => {
    for (const { work, figures } of part('change').rows) {
      expect(Object.keys(figures), work).toEqual(['floor', 'sidekick', 'shell loop']);
      for (const { value } of Object.values(figures)) expect(value, work).toBeGreaterThan(0);
    }
  });

  it('prints every row with its target', () => {
    for (const row of Object.values(ROWS).flat()) expect(printed).toContain(row);
    expect(printed).toMatch(/round 1 of 1: sidekick/);
  });

  it('writes every row into the documents', () => {
    const document = fullTables(report);
    for (const row of Object.values(ROWS).flat()) expect(document).toContain(`| ${row} |`);
  });
});
