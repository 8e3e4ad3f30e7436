/** Appends to the file of the devices in flight what has changed since it was written. */
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import fs from 'fs';
import type { Numbers } from '../../firmware/shared/memory.js';
import * as stateFile from '../store/state-file.js';

/** The file's name among those of store/state-file.ts; where it is, the configuration says. */
export const NAME = 'flights';

/** When writing the file anew was begun: meanwhile no entry of the queue is moved, and the new file gets changes as well. */
export const SAVING = ' saving';

/** The path of a file whose name begins with {@link NAME}. `path`: that of the file itself. */
export function pathOf(path: string, name: string): string {
  return path + name.substring(NAME.length);
}

/**
 * Appends lines. To the new file first: if that takes the place of the old one in between, it has them. Where the disk takes
 * nothing, they are lost with the next restart: that the file cannot be written is said when it is written anew.
 */
export function append(counts: Numbers, path: string, lines: string): void {
  try {
    if (counts.get(SAVING) !== undefined)
      fs.appendFileSync(pathOf(path, stateFile.freshName(counts, NAME)), lines);
    fs.appendFileSync(path, lines);
  } catch {
    // See above.
  }
}
