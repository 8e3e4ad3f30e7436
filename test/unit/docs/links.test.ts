/** What the documents point to is there: files, headings and npm scripts. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DOCUMENTS, ROOT, read } from './documents.js';

const SCRIPTS = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found = '']) => found);
}

/** The anchors of the headings of a document, as GitHub makes them. */
function anchorsOf(path: string): string[] {
  return matches(read(path), /^#+ (.+)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}

/** `{a,b}.ts` as `a.ts` and `b.ts`. */
function expand(path: string): string[] {
  const {
    before = '',
    choices,
    after = '',
  } = /^(?<before>[^{]*)\{(?<choices>[^}]*)\}(?<after>.*)$/.exec(path)?.groups ?? {};
  return choices === undefined
    ? [path]
    : choices.split(',').flatMap((one) => expand(`${before}${one}${after}`));
}

/** What does not exist of the paths in code style that begin with a folder of the repository. */
function missingPaths(text: string): string[] {
  const paths = matches(text, /`((?:src|test|docs|docker|units|lint)\/[^\s`]+)`/g);
  return paths
    .filter((path) => !/[<*…]/.test(path))
    .flatMap(expand)
    .filter((path) => !existsSync(join(ROOT, path)));
}

/** The names of all files of the repository's own folders. */
function fileNames(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? fileNames(`${folder}/${entry.name}`) : [entry.name],
  );
}
const FILE_NAMES = new Set(['src', 'test', 'docker', 'units', 'lint'].flatMap(fileNames));

/** What does not exist of the source files that are named in code style without their folder. */
function missingNames(text: string): string[] {
  return matches(text, /`([\w.-]+\.(?:ts|mjs|sh))`/g).filter((name) => !FILE_NAMES.has(name));
}

function missingLinks(path: string): string[] {
  return matches(read(path), /\]\(([^)\s]+)\)/g)
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });
}

describe.each(DOCUMENTS)('%s', (path) => {
  it('links to nothing that is missing', () => {
    expect(missingLinks(path)).toEqual([]);
  });

  it('names no file that is missing', () => {
    expect([...missingPaths(read(path)), ...missingNames(read(path))]).toEqual([]);
  });

  it('names no npm script that is missing', () => {
    const named = matches(read(path), /npm run ([a-z:-]+)/g);
    expect(named.filter((name) => !SCRIPTS.includes(name))).toEqual([]);
  });
});
