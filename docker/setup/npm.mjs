// The npm packages and the TypeScript build, each only when it is missing or older than what it is made from.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashOf } from './hash.mjs';
import { doing, done, skipped } from './narrator.mjs';
import { ask, excerpt, root, run, SetupError } from './run.mjs';

const NPM_TIMEOUT_MS = 600_000;
const BUILD_INPUTS = [
  'src',
  'docker/gateway/bundle.mjs',
  'docker/dashboard.mjs',
  'docker/sidekick/bundle.mjs',
  'docker/sidekick/help-pages.mjs',
  'docker/build-info.mjs',
  'tsconfig.json',
  'package-lock.json',
];
const BUILD_OUTPUTS = ['dist'];
const BUILD_STAMP = join(root, 'node_modules/.cache/sidekick/build.json');

async function readJson(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The packages of the lock file: `[path, entry]`, the project itself left out. */
export async function lockedPackages() {
  const lock = await readJson(join(root, 'package-lock.json'));
  return Object.entries(lock.packages).filter(([path]) => path !== '');
}

// npm lists what it installed; an optional package for another platform may be missing.
async function packagesAreCurrent() {
  const installed = await readJson(join(root, 'node_modules/.package-lock.json'));
  if (!installed) return false;
  return (await lockedPackages()).every(
    ([path, entry]) => entry.optional || installed.packages[path]?.version === entry.version,
  );
}

/** Installs what the lock file names, unless it is there. */
export async function ensurePackages() {
  const step = 'npm packages';
  if (await packagesAreCurrent()) return skipped(step, 'installed as package-lock.json says');
  doing(step, 'npm ci');
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
  const { ok, output } = await ask('npm', ['ci', ...quiet], { timeout: NPM_TIMEOUT_MS });
  if (!ok && !output.includes('EUSAGE')) {
    throw new SetupError('npm ci failed', {
      output: excerpt(output),
      hint: 'npm needs its registry, or a cache that holds every package of package-lock.json',
    });
  }
  if (!ok && !['', 'false', '0'].includes(process.env.CI ?? '')) {
    // npm install may then fetch other versions than the lock file names, and CI would test those.
    throw new SetupError('npm ci finds that package-lock.json and package.json do not agree', {
      output: excerpt(output),
      hint: 'run npm install where you develop, and commit package-lock.json',
    });
  }
  if (!ok) {
    // A registry that lacks packages for other platforms makes npm leave them out of the lock file when it writes it,
    // and npm ci then refuses that file.
    doing(step, 'package-lock.json lacks packages: npm install');
    await run('npm', ['install', '--no-save', ...quiet]);
  }
  done(step, 'installed');
}

/** Builds `dist` from `src`, unless both are what they were after the last build. */
export async function ensureBuild() {
  const step = 'build';
  const inputs = await hashOf(BUILD_INPUTS);
  const stamp = await readJson(BUILD_STAMP);
  if (stamp?.inputs === inputs && stamp.outputs === (await hashOf(BUILD_OUTPUTS))) {
    return skipped(step, 'dist is up to date');
  }
  doing(step, 'building dist from src');
  await run('npm', ['run', '--silent', 'build'], { hint: 'the sources do not compile; see the lines above' });
  await mkdir(dirname(BUILD_STAMP), { recursive: true });
  await writeFile(BUILD_STAMP, JSON.stringify({ inputs, outputs: await hashOf(BUILD_OUTPUTS) }));
  done(step, 'dist is up to date');
}
