// Turns a list of files into a Debian package.
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { hashOf } from '../setup/hash.mjs';
import { root, run } from '../setup/run.mjs';

/**
 * What goes into a package.
 * @typedef {object} Contents
 * @property {string} file the package's file name
 * @property {string} control the control file, without Version and Installed-Size
 * @property {string} version
 * @property {string} [scripts] directory (relative to the root) with the maintainer scripts
 * @property {readonly string[]} [conffiles] files that belong to the administrator once installed
 * @property {readonly (readonly [from: string, to: string, mode?: number])[]} files from a path relative to the root, or an
 *   absolute one, to a path in the package; directories with everything in them
 * @property {readonly (readonly [to: string, content: string | Buffer])[]} [generated] files that are in no directory yet
 * @property {readonly string[]} [directories] empty directories
 * @property {readonly string[]} inputs what the package is made from, relative to the root
 * @property {readonly string[]} [stamps] what it is made from besides
 */

const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm'];

// Of no use at run time, and a good part of what is in the npm packages.
const LEFT_OUT = /\.(d\.[cm]?ts|map)$|\/\.bin$/;

async function filesUnder(directory) {
  const entries = await readdir(directory, { withFileTypes: true });
  const nested = await Promise.all(
    entries.map((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? filesUnder(path) : [path];
    }),
  );
  return nested.flat().sort();
}

// One umask more or less must not show in the package.
async function normalizeModes(path) {
  const info = await stat(path);
  if (info.isDirectory()) {
    await chmod(path, 0o755);
    for (const name of await readdir(path)) await normalizeModes(join(path, name));
  } else {
    await chmod(path, info.mode & 0o111 ? 0o755 : 0o644);
  }
}

async function copy(tree, [from, to, mode]) {
  const source = from.startsWith('/') ? from : join(root, from);
  const target = join(tree, to);
  await mkdir(dirname(target), { recursive: true });
  const inModules = source.includes('node_modules');
  await cp(source, target, { recursive: true, filter: (path) => !inModules || !LEFT_OUT.test(path) });
  if (mode) await chmod(target, mode);
}

async function writeControl(tree, { control, version, scripts, conffiles = [] }) {
  const files = await filesUnder(tree);
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  const kib = Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / 1024);
  const sums = await Promise.all(
    files.map(async (file) => {
      const md5 = createHash('md5')
        .update(await readFile(file))
        .digest('hex');
      return `${md5}  ${relative(tree, file)}\n`;
    }),
  );
  const directory = join(tree, 'DEBIAN');
  await mkdir(directory);
  const [first, ...rest] = control.trimEnd().split('\n');
  const fields = [
    first,
    `Version: ${version}`,
    `Installed-Size: ${kib}`,
    'Maintainer: The sidekick authors <sidekick@localhost>',
    ...rest,
  ];
  await writeFile(join(directory, 'control'), `${fields.join('\n')}\n`);
  await writeFile(join(directory, 'md5sums'), sums.join(''));
  if (conffiles.length > 0) await writeFile(join(directory, 'conffiles'), `${conffiles.join('\n')}\n`);
  for (const script of scripts ? SCRIPTS : []) {
    const content = await readFile(join(root, scripts, script)).catch(() => undefined);
    if (content) await writeFile(join(directory, script), content, { mode: 0o755 });
  }
}

async function fingerprint({ inputs, stamps = [], version }) {
  return hashOf(inputs, [version, ...stamps]);
}

const stampOf = (output, { file }) => join(output, `.${file}.inputs`);

/** True where the package is there and made of the same files. */
export async function isCurrent(output, contents) {
  const made = await stat(join(output, contents.file)).catch(() => undefined);
  const stamp = await readFile(stampOf(output, contents), 'utf8').catch(() => undefined);
  return made !== undefined && stamp === (await fingerprint(contents));
}

/** Makes the package in the directory `output`. */
export async function makePackage(output, contents) {
  const tree = await mkdtemp(join(tmpdir(), 'sidekick-deb-'));
  try {
    for (const entry of contents.files) await copy(tree, entry);
    for (const [to, content] of contents.generated ?? []) {
      await mkdir(dirname(join(tree, to)), { recursive: true });
      await writeFile(join(tree, to), content);
    }
    for (const directory of contents.directories ?? [])
      await mkdir(join(tree, directory), { recursive: true });
    await normalizeModes(tree);
    await writeControl(tree, contents);
    await run('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, join(output, contents.file)]);
    await writeFile(stampOf(output, contents), await fingerprint(contents));
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}
