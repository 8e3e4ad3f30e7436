// What the set-up asks of the host when it is Debian or Ubuntu and the user is root.
import { readFile } from 'node:fs/promises';
import { run } from './run.mjs';

let updated;

/** True where packages can be installed: root, on Debian or a distribution made from it, Ubuntu included. */
export async function canInstall() {
  if (process.getuid?.() !== 0) return false;
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
}

// It must not be interrupted: an installation that stops half-way makes the next one fail.
async function apt(args) {
  return run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=3', ...args], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    unbreakable: true,
    hint: 'the Debian mirror has to be reachable, or the packages installed beforehand',
  });
}

/** Installs packages, without what they merely recommend; the package lists are fetched once. */
export async function install(packages) {
  // The update fails when one of several sources does not answer; the packages may come from another one.
  updated ??= apt(['update']).catch(() => {});
  await updated;
  await apt(['install', '-y', '--no-install-recommends', ...packages]);
}
