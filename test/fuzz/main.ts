/**
 * `npm run test:fuzz -- [--seed N] [--minutes M] [--only TEXT] [--unit]`: gives every part that reads what others wrote a
 * stream of inputs that nobody means well with, and counts what became of them. `--only`: the targets whose name holds the
 * text; `--unit`: those without containers. A failure prints its seed and the input as a test.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fatal, figures } from './journal.js';
import { literal } from './literal.js';
import { report } from './report.js';
import { REAL_TARGETS, UNIT_TARGETS } from './targets/index.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    minutes: { type: 'string', default: '30' },
    only: { type: 'string', default: '' },
    unit: { type: 'boolean', default: false },
  },
});

function main(): boolean {
  const groups = [
    { project: 'unit', targets: UNIT_TARGETS },
    ...(values.unit ? [] : [{ project: 'integration', targets: REAL_TARGETS }]),
  ]
    .map(({ project, targets }) => ({
      project,
      count: targets.filter(({ name }) => name.includes(values.only)).length,
    }))
    .filter(({ count }) => count > 0);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  if (count === 0) throw new Error(`no target has a name with ${JSON.stringify(values.only)} in it`);
  console.log(`seed ${values.seed}, ${count} target(s), ${values.minutes} minutes in all`);
  const directory = mkdtempSync(join(tmpdir(), 'sidekick-fuzz-'));
  try {
    const ms = (Number(values.minutes) * 60_000) / count;
    const passed = groups.map(({ project }) => fuzz(project, directory, ms));
    for (const input of fatal(directory)) console.log(`a process died of ${literal(input)}`);
    return report(figures(directory), count) && passed.every(Boolean);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

// By vitest, whose clock some targets need, and whose set-up has the images and removes the containers.
function fuzz(project: string, directory: string, ms: number): boolean {
  const { status } = spawnSync(
    'npx',
    ['vitest', 'run', '--project', project, `test/${project}/fuzz/fuzz.test.ts`],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        FUZZ_DIR: directory,
        FUZZ_SEED: values.seed,
        FUZZ_MS: String(ms),
        FUZZ_ONLY: values.only,
      },
    },
  );
  return status === 0;
}

process.exitCode = main() ? 0 : 1;
