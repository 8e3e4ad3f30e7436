// The documents of a package: a text, and everything that it refers to in this repository, at the same places as here, so
// that every link leads somewhere on an installed system too.
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { root } from '../setup/run.mjs';

const LINK = /\]\(([^)\s#]+)[^)]*\)/g;

function linksOf(text, path) {
  const targets = [...text.matchAll(LINK)].map(([, target]) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => normalize(join(dirname(path), target)).replace(/\/$/, ''));
}

/** The paths, relative to the root, of texts and of all that they and what they link to link to. */
export async function documentsOf(paths) {
  const found = new Set();
  const waiting = [...paths];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (found.has(path)) continue;
    const absolute = join(root, path);
    const info = await stat(absolute).catch(() => undefined);
    if (!info) throw new Error(`a document links to ${path}, which does not exist`);
    found.add(path);
    if (info.isFile() && path.endsWith('.md')) {
      waiting.push(...linksOf(await readFile(absolute, 'utf8'), path));
    }
  }
  return [...found].sort((a, b) => (a < b ? -1 : 1));
}

/** The same as entries of a package, in its directory for documents. */
export async function documentFiles(packageName, paths) {
  const directory = `usr/share/doc/${packageName}`;
  return (await documentsOf(paths)).map((path) => [path, `${directory}/${path}`]);
}
