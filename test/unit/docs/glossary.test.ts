/** docs/glossary.md against the code and the documents: the words that it rules out are not there. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const GLOSSARY = 'docs/glossary.md';
/** It names what has been renamed. */
const HISTORY = 'docs/upgrading.md';
/** Where the words are looked for. Help texts and messages are part of src. */
const PLACES = [
  'src',
  'units',
  'docs',
  'docker/gateway/README.md',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
];

/** The rows of the tables of a document, each as its cells. */
function rowsOf(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| Term'))
    .map((line) => line.split('|').slice(1, -1));
}

/** The words in code style of the last column: they are used for nothing. */
function ruledOut(): string[] {
  const cells = rowsOf(readFileSync(join(ROOT, GLOSSARY), 'utf8')).map((row) => row[3] ?? '');
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word));
}

/** Identifiers and prose alike as words: `LeaseKeeper`, `lease-keeper` and `LEASE_KEEPER` are "lease keeper". */
function wordsOf(text: string): string {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[-_]/g, ' ')
    .replace(/[^\S\n]+/g, ' ')
    .toLowerCase();
}

function filesOf(place: string): string[] {
  if (statSync(join(ROOT, place)).isFile()) return [place];
  return readdirSync(join(ROOT, place)).flatMap((name) => filesOf(`${place}/${name}`));
}

interface Line {
  readonly place: string;
  readonly text: string;
  readonly words: string;
}

/** The lines of a file; the first is its name. */
function linesOf(file: string): Line[] {
  const lines = [file, ...readFileSync(join(ROOT, file), 'utf8').split('\n')];
  return lines.map((text, number) => ({ place: `${file}:${number}`, text, words: wordsOf(text) }));
}

const LINES = PLACES.flatMap(filesOf)
  .filter((file) => file !== GLOSSARY && file !== HISTORY)
  .flatMap(linesOf);

/** The lines with this word or its plural. */
function linesWith(word: string): string[] {
  const pattern = new RegExp(`(?<![a-z0-9])${word}s?(?![a-z0-9])`);
  return LINES.filter(({ words }) => pattern.test(words)).map(
    ({ place, text }) => `${place}: ${text.trim()}`,
  );
}

describe('the glossary', () => {
  it.each(ruledOut())('excludes "%s", which is in no file', (word) => {
    expect(linesWith(word)).toEqual([]);
  });

  it('excludes words in every spelling of an identifier', () => {
    expect(['LeaseKeeper', 'lease-keeper', 'LEASE_KEEPER', 'leaseKeepers'].map(wordsOf)).toEqual([
      'lease keeper',
      'lease keeper',
      'lease keeper',
      'lease keepers',
    ]);
  });

  it('defines each term once', () => {
    const terms = rowsOf(readFileSync(join(ROOT, GLOSSARY), 'utf8')).map(([term = '']) => term.trim());
    expect(terms.length).toBeGreaterThan(40);
    expect(terms.filter((term, index) => terms.indexOf(term) !== index)).toEqual([]);
  });
});
