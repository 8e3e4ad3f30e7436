import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../core/errors.js';
import { show } from './format.js';
import type { Problem } from './problem.js';

/** Files that were read: the path of each, and a digest of what was in it. */
export type FilesRead = ReadonlyMap<string, string>;

/** Reads the files that options name: passwords, keys, certificates. What goes wrong is collected in `problems`. */
export interface FileReader {
  /** The content of the file; undefined where the option is not set, or the file cannot be read. */
  read(key: string, path: string | undefined): Buffer | undefined;
  /** The first line of the file. */
  password(key: string, path: string | undefined): string | undefined;
  /** The same of a bearer token, which goes into a header and so must be without spaces and control characters. */
  token(key: string, path: string | undefined): string | undefined;
  readonly problems: Problem[];
  /** What was read so far. A file that could not be read is among it, with an empty digest. */
  readonly filesRead: FilesRead;
}

/**
 * A bare name (without a slash) is looked for among systemd's credentials where there are any.
 * Source: systemd.exec(5), `LoadCredential=` and `$CREDENTIALS_DIRECTORY`.
 */
export function createFileReader(env: Readonly<Record<string, string | undefined>>): FileReader {
  const problems: Problem[] = [];
  const filesRead = new Map<string, string>();
  const directory = env.CREDENTIALS_DIRECTORY;

  function read(key: string, path: string | undefined): Buffer | undefined {
    if (path === undefined) return undefined;
    const file = directory && !path.includes('/') ? join(directory, path) : path;
    try {
      const content = readFileSync(file);
      filesRead.set(file, digestOf(content));
      return content;
    } catch (error) {
      filesRead.set(file, digestOf(undefined));
      problems.push({
        key,
        reason: `must be a file that can be read, got ${show(path)}: ${messageOf(error)}`,
      });
      return undefined;
    }
  }

  function password(key: string, path: string | undefined): string | undefined {
    const line = firstLine(key, path);
    if (line === '') {
      problems.push({ key, reason: `must be a file whose first line is the password, got ${show(path)}` });
    }
    return line;
  }

  function token(key: string, path: string | undefined): string | undefined {
    const line = firstLine(key, path)?.trim();
    if (line !== undefined && !/^[\x21-\x7e]+$/.test(line)) {
      problems.push({ key, reason: `must be a file whose first line is the token, got ${show(path)}` });
    }
    return line;
  }

  function firstLine(key: string, path: string | undefined): string | undefined {
    return read(key, path)?.toString('utf8').split(/\r?\n/)[0];
  }

  return { read, password, token, problems, filesRead };
}

/** A digest of what is in a file; empty where it cannot be read. */
export function digestOf(content: Buffer | undefined): string {
  return content === undefined ? '' : createHash('sha256').update(content).digest('hex');
}
