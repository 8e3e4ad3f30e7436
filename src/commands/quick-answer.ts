import { readFileSync } from 'node:fs';
import { buildText, readBuild } from './build.js';
import { helpPageName, helpWidth } from './help-page.js';

/**
 * The answer to a command line that asks for the version or for help alone; undefined for any other. The parser of command
 * lines would print the same, but takes as long to load as Node.js takes to start.
 * @param main The URL of the program's entry point. The build puts help pages beside it; there are none beside the sources.
 * @param columns Looks how wide the terminal is.
 */
export function quickAnswer(
  args: readonly string[],
  main: string,
  columns: () => number | undefined,
): string | undefined {
  if (args.length === 1 && ['--version', '-V'].includes(args[0] ?? '')) {
    return `${buildText(readBuild(main))}\n`;
  }
  const words = wordsBeforeHelp(args);
  return words && readPage(new URL(`help/${helpPageName(words, helpWidth(columns()))}`, main));
}

/** The words before `--help`; undefined unless all are letters, so that the name of a page never leads out of its folder. */
function wordsBeforeHelp(args: readonly string[]): readonly string[] | undefined {
  const words = args.slice(0, -1);
  const asked = ['--help', '-h'].includes(args.at(-1) ?? '');
  return asked && words.every((word) => /^[a-z]+$/.test(word)) ? words : undefined;
}

/** A help page; undefined if there is none, as for a command that does not exist. */
function readPage(url: URL): string | undefined {
  try {
    return readFileSync(url, 'utf8');
  } catch {
    return undefined;
  }
}
