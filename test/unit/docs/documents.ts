/** The documents that people read, and what is written in them as code. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Their paths from the root of the repository. */
export const DOCUMENTS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
  'docker/gateway/README.md',
  'test/mutation/survivors.md',
].filter((path) => path.endsWith('.md') && existsSync(join(ROOT, path)));

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

const BLOCK = /^```(.*)\n([\s\S]*?)^```/gm;

/** The lines of all code blocks in a language (the empty one by default), those that end in `\` joined with the next. */
export function linesOfCode(text: string, language = ''): readonly string[] {
  return [...text.matchAll(BLOCK)]
    .filter(([, found]) => found === language)
    .flatMap(([, , block = '']) => block.replace(/\\\n\s*/g, ' ').split('\n'));
}

/** What stands in `code style` in the running text. */
export function inlineCode(text: string): readonly string[] {
  return [...text.replace(BLOCK, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}
