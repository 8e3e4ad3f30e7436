import type { CommandDescription } from '../describe.js';

/** Text in single quotes, for any POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The branches of a `case`. Patterns with the same commands share a branch. */
export function caseBranches(
  cases: readonly (readonly [pattern: string, commands: string])[],
  indent: string,
): string {
  const patterns = new Map<string, string[]>();
  for (const [pattern, commands] of cases) {
    patterns.set(commands, [...(patterns.get(commands) ?? []), quoted(pattern)]);
  }
  return [...patterns].map(([commands, same]) => `${indent}${same.join('|')}) ${commands} ;;`).join('\n');
}

/** The words that call a command, such as `config check`; empty for `sidekick` itself. */
export function pathOf({ path }: CommandDescription): string {
  return path.join(' ');
}

/** The last word of the path. */
export function nameOf({ path }: CommandDescription): string {
  return path.at(-1) ?? '';
}

/** The first sentence of a description, without its full stop. */
export function firstSentence(text: string): string {
  return /^.*?(?=\.?(?:\s\(default|\.\s|\.?$))/s.exec(text.replaceAll('\n', ' '))?.[0] ?? text;
}
