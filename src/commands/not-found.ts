import { SidekickError } from '../core/errors.js';
import { printable } from '../core/printable.js';

/** The names that a message lists before it only counts them. */
const MAX_NAMES = 8;

/** The longest name in a list and the longest line, in characters. */
const MAX_NAME = 80;
const MAX_LINE = 1000;

/** An operator's command did not find what it was told to change: exit code 1. Empty lines are left out. */
export function notFound(...lines: readonly string[]): SidekickError {
  const text = lines
    .filter((line) => line !== '')
    .map((line) => printable(line, MAX_LINE))
    .join('\n');
  return new SidekickError('NOT_FOUND', text);
}

/** The first few names as text. They are escaped, because anyone may have written them. */
export function nameList(names: readonly string[]): string {
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  return `${names
    .slice(0, MAX_NAMES)
    .map((name) => printable(name, MAX_NAME))
    .join(', ')}${more}`;
}
