#!/usr/bin/env node
// npm run test:node: runs the tests under each Node.js that sidekick supports: all unit tests, the contract tests of the
// fakes, and a short integration run. The versions come from the npm package `node`, into build/node/.
//
//   node test/node/main.mjs [--only=22,24] [--unit]      --unit leaves out what needs containers
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { doing, done, headline } from '../../docker/setup/narrator.mjs';
import { root, run } from '../../docker/setup/run.mjs';

const VERSIONS = ['20', '22', '24'];

/** What each version runs: a name, and the arguments of vitest. */
const RUNS = [
  ['unit', ['--project', 'unit']],
  [
    'contract',
    ['--project', 'contract', 'test/contract/nginx/fake.test.ts', 'test/contract/registry/fake.test.ts'],
  ],
  [
    'integration',
    [
      '--project',
      'integration',
      'test/integration/cli/usage.test.ts',
      'test/integration/cli/daemons.test.ts',
    ],
  ],
];

function option(args, name) {
  return args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
}

/** Installs a version unless it is there; resolves to its program. */
async function ensureNode(version) {
  const directory = join(root, 'build/node', version);
  const program = join(directory, 'node_modules/node/bin/node');
  if (!existsSync(program)) {
    doing(`Node.js ${version}`, 'npm install');
    await mkdir(directory, { recursive: true });
    await run('npm', [
      'install',
      '--prefix',
      directory,
      '--no-save',
      '--no-audit',
      '--no-fund',
      `node@${version}`,
    ]);
  }
  done(`Node.js ${version}`, (await run(program, ['--version'])).trim());
  return program;
}

function runTests(program, args) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const env = { ...process.env, PATH: `${join(program, '..')}:${process.env.PATH}` };
  return spawnSync(program, [vitest, 'run', ...args], { cwd: root, env, stdio: 'inherit' }).status === 0;
}

const args = process.argv.slice(2);
const versions = option(args, 'only')?.split(',') ?? VERSIONS;
const runs = args.includes('--unit') ? RUNS.filter(([name]) => name === 'unit') : RUNS;
const failed = [];
for (const version of versions) {
  headline(`Testing under Node.js ${version}`);
  const program = await ensureNode(version);
  for (const [name, arguments_] of runs)
    if (!runTests(program, arguments_)) failed.push(`${String(name)} under ${version}`);
}
if (failed.length > 0) {
  process.stderr.write(`failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
}
