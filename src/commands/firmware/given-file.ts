import { readFileSync } from 'node:fs';
import { messageOf, UsageError } from '../../core/errors.js';

/** The content of a file that an option or an argument of this name names. Throws a UsageError. */
export function readGiven(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`${name}: must be a file that can be read: ${messageOf(error)}`);
  }
}
