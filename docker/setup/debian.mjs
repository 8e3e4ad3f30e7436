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

// Not to be broken off: half an installation would be in the way of the next.
async function apt(args) {
  return run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=3', ...args], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    unbreakable: true,
    hint: 'the Debian mirror has to be reachable, or the packages installed beforehand',
  });
}

/** Installs packages, without what they merely recommend; the package lists are fetched once. */
export async function install(packages) {
  // One source of many that does not answer fails the update, and need not have what is wanted here.
  updated ??= apt(['update']).catch(() => {});
  await updated;
  await apt(['install', '-y', '--no-install-recommends', ...packages]);
}
