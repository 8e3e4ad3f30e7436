#!/usr/bin/env node
// npm run test:node: runs the tests under each Node.js that sidekick supports: all unit tests, the contract tests of the
// fakes, and a short integration run. The versions come from the npm package `node`, into build/node/.
//
//   node test/node/main.mjs [--only=22,24] [--unit] [--short]
//
// --only names the versions; --unit leaves out what needs containers. --short is for the end of npm test, whose own Node.js
// has run everything: it leaves that version out, and of the older ones runs only what deals with Node.js itself.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { doing, done, failed, headline } from '../../docker/setup/narrator.mjs';
import { root, run } from '../../docker/setup/run.mjs';

const VERSIONS = ['20', '22', '24'];
const NEWEST = VERSIONS.at(-1);

/** A run of vitest: the name of its project, and the folders and files that it is limited to. */
const UNIT = ['unit'];
const CONTRACT = ['contract', 'test/contract/nginx/fake.test.ts', 'test/contract/registry/fake.test.ts'];
const USAGE = ['integration', 'test/integration/cli/usage.test.ts'];
const DAEMONS = ['integration', 'test/integration/cli/usage.test.ts', 'test/integration/cli/daemons.test.ts'];
/** Sockets, TLS, HTTP, files, signals and timers: what another Node.js may do otherwise. */
const PLATFORM = [
  'unit',
  'test/unit/adapters',
  'test/unit/async',
  'test/unit/commands',
  'test/unit/telemetry',
];

function runsOf(version, args) {
  if (args.includes('--unit')) return [UNIT];
  if (!args.includes('--short')) return [UNIT, CONTRACT, DAEMONS];
  return [version === NEWEST ? UNIT : PLATFORM, USAGE];
}

function versionsOf(args) {
  const only = args.find((arg) => arg.startsWith('--only='));
  const versions = only ? only.slice('--only='.length).split(',') : VERSIONS;
  const own = process.versions.node.split('.')[0];
  return args.includes('--short') ? versions.filter((version) => version !== own) : versions;
}

/** Installs a version unless it is there; resolves to its program. */
async function ensureNode(version) {
  const directory = join(root, 'build/node', version);
  const program = join(directory, 'node_modules/node/bin/node');
  const step = `Node.js ${version}`;
  if (!existsSync(program)) {
    doing(step, 'npm install');
    await mkdir(directory, { recursive: true });
    const quiet = ['--no-save', '--no-audit', '--no-fund'];
    await run('npm', ['install', '--prefix', directory, ...quiet, `node@${version}`], {
      hint: 'the npm package `node` has no such version, or no program for this platform, or the registry does not answer',
    });
  }
  done(step, (await run(program, ['--version'])).trim());
  return program;
}

function succeeds(program, [project, ...paths]) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const env = { ...process.env, PATH: [dirname(program), process.env.PATH].join(delimiter) };
  const args = [vitest, 'run', '--project', project, ...paths];
  return spawnSync(program, args, { cwd: root, env, stdio: 'inherit' }).status === 0;
}

async function main(args) {
  const failures = [];
  for (const version of versionsOf(args)) {
    headline(`Testing under Node.js ${version}`);
    const program = await ensureNode(version);
    for (const tests of runsOf(version, args))
      if (!succeeds(program, tests)) failures.push(`${tests.join(' ')} under Node.js ${version}`);
  }
  for (const failure of failures) process.stderr.write(`failed: ${failure}\n`);
  return failures.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  failed(error);
  process.exitCode = 1;
}
