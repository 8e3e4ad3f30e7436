/** The help page of a command as a file: which one it is, for the build that writes it and for the program that prints it. */

const NARROW = 80;
const WIDE = 100;

/** The widths that there are pages of, in columns. */
export const HELP_WIDTHS: readonly number[] = [NARROW, WIDE];

/**
 * The width of help on a terminal.
 * @param columns Of the terminal; undefined for a pipe or a file.
 */
export function helpWidth(columns: number | undefined): number {
  return columns !== undefined && columns < WIDE ? NARROW : WIDE;
}

/** The name of the file with the help of a command, given by its words after `sidekick`. */
export function helpPageName(words: readonly string[], width: number): string {
  return `${['sidekick', ...words].join('_')}.${width}.txt`;
}
