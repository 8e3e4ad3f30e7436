/** The standard output without `process.stdout`, which takes as long to load as all else that a quick answer needs. */
import { fstatSync, writeSync } from 'node:fs';

const STDOUT = 1;

/** How wide the terminal is; undefined if the output goes elsewhere. */
export function terminalColumns(): number | undefined {
  return fstatSync(STDOUT).isCharacterDevice() ? process.stdout.columns : undefined;
}

/**
 * Prints a text. A reader that has seen enough and closed its pipe, such as `head`, is no error.
 * @param write Writes some of the bytes; returns how many.
 * @param writeLater Writes bytes when the reader of a full pipe has made room for them.
 */
export function printAtOnce(
  text: string,
  write = (bytes: Uint8Array): number => writeSync(STDOUT, bytes),
  writeLater = (bytes: Uint8Array): void => void process.stdout.write(bytes),
): void {
  let left: Uint8Array = Buffer.from(text);
  try {
    while (left.length > 0) left = left.subarray(write(left));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') writeLater(left);
  }
}
