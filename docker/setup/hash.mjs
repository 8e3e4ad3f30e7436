// Content hashes: they tell the set-up whether something was made from the files that are there now.
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { root } from './run.mjs';

async function filesUnder(path) {
  const found = await stat(path).catch(() => undefined);
  if (!found) return [];
  if (!found.isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true });
  const nested = await Promise.all(entries.map((entry) => filesUnder(join(path, entry.name))));
  return nested.flat();
}

/** SHA-256 over the names and contents of files and directories (relative to the root), and of extra strings. */
export async function hashOf(paths, extra = []) {
  const files = (await Promise.all(paths.map((path) => filesUnder(join(root, path))))).flat();
  files.sort((a, b) => (a < b ? -1 : 1));
  const hash = createHash('sha256');
  for (const part of extra) hash.update(`${part}\0`);
  for (const file of files) {
    hash.update(`${relative(root, file)}\0`);
    hash.update(await readFile(file));
  }
  return hash.digest('hex');
}
