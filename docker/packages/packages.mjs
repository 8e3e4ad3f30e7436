// Makes Debian packages, each unless it is there and made of the same files.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { doing, done, skipped } from '../setup/narrator.mjs';
import { ensureBuild, ensurePackages } from '../setup/npm.mjs';
import { ask, root, SetupError } from '../setup/run.mjs';
import { gatewayPackage, nodePackage, sidekickPackage } from './contents.mjs';
import { isCurrent, makePackage } from './package.mjs';

const OUTPUT = join(root, 'build');

const CONTENTS = {
  sidekick: sidekickPackage,
  'sidekick-gateway': gatewayPackage,
  'sidekick-node': nodePackage,
};

/** The names of all packages. */
export const PACKAGES = Object.keys(CONTENTS);

async function build(name, version) {
  const contents = await CONTENTS[name](version);
  if (contents.reason) {
    skipped(name, `not made: ${contents.reason}`);
    return [];
  }
  const path = join(OUTPUT, contents.file);
  if (await isCurrent(OUTPUT, contents)) {
    skipped(name, `build/${contents.file} is up to date`);
    return [path];
  }
  doing(name, `making ${contents.file}`);
  await makePackage(OUTPUT, contents);
  done(name, `build/${contents.file}`);
  return [path];
}

/**
 * Makes the packages of these names in build/, with the version of package.json or another, and resolves with their
 * paths. A package that cannot be made on this machine is left out, and the reason said.
 */
export async function buildPackages(names, version) {
  if (!(await ask('dpkg-deb', ['--version'])).ok) {
    throw new SetupError('dpkg-deb is missing', {
      hint: 'Debian and Ubuntu have it; elsewhere install dpkg',
    });
  }
  await ensurePackages();
  await ensureBuild();
  await mkdir(OUTPUT, { recursive: true });
  const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).version;
  const made = [];
  for (const name of names) made.push(...(await build(name, version ?? own)));
  return made;
}
