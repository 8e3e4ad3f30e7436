import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.js';
import type { Problem } from './problem.js';
import { show } from './redact.js';

/** Files that were read: the path of each, and a digest of what was in it. */
export type FilesRead = ReadonlyMap<string, string>;

/** Reads the files that options name: passwords, keys, certificates. What goes wrong is collected in `problems`. */
export interface FileReader {
  /** The content of the file; undefined where the option is not set, or the file cannot be read. */
  read(key: string, path: string | undefined): Buffer | undefined;
  /** The first line of the file. */
  password(key: string, path: string | undefined): string | undefined;
  /** The first line, for a bearer token: it is sent in a header, so it must have no spaces and no control characters. */
  token(key: string, path: string | undefined): string | undefined;
  readonly problems: Problem[];
  /** The files that were read so far. One that could not be read has an empty digest. */
  readonly filesRead: FilesRead;
  /** What works, but is a risk or probably a mistake. */
  readonly warnings: Problem[];
}

/** Where systemd keeps the credentials of each running unit. Source: systemd.exec(5), `$CREDENTIALS_DIRECTORY`. */
const CREDENTIALS = '/run/credentials';

/**
 * A bare name (without a slash) is looked for among systemd's credentials where there are any. An operator's command has
 * none of its own: for it, those of the sidekick's own units are looked through, which root may read while they run.
 * Source: systemd.exec(5), `LoadCredential=` and `$CREDENTIALS_DIRECTORY`.
 * @param credentials For tests; default where systemd has them.
 */
export function createFileReader(
  env: Readonly<Record<string, string | undefined>>,
  credentials = CREDENTIALS,
): FileReader {
  const problems: Problem[] = [];
  const filesRead = new Map<string, string>();
  const directory = env.CREDENTIALS_DIRECTORY;

  /** The file that a path or bare name stands for. */
  function locate(path: string): string {
    if (path.includes('/')) return path;
    if (directory) return join(directory, path);
    const places = [path, ...ownUnits(credentials).map((unit) => join(credentials, unit, path))];
    return places.find((place) => existsSync(place)) ?? path;
  }

  function read(key: string, path: string | undefined): Buffer | undefined {
    if (path === undefined) return undefined;
    const file = locate(path);
    try {
      const content = readFileSync(file);
      filesRead.set(file, digestOf(content));
      return content;
    } catch (error) {
      filesRead.set(file, digestOf(undefined));
      const how = directory || path.includes('/') ? '' : HOW_TO_NAME;
      const reason = `must be a file that can be read, got ${show(path)}: ${messageOf(error)}${how}`;
      problems.push({ key, reason });
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

  return { read, password, token, problems, warnings: [], filesRead };
}

/** A digest of what is in a file; empty where it cannot be read. */
export function digestOf(content: Buffer | undefined): string {
  return content === undefined ? '' : createHash('sha256').update(content).digest('hex');
}

const HOW_TO_NAME =
  '; a bare name is a systemd credential, which only its unit has, and root while the unit runs: run this as root, or give the path of the file';

/** The units of this project that have credentials now. */
function ownUnits(credentials: string): readonly string[] {
  try {
    return readdirSync(credentials).filter((unit) => unit.startsWith('sidekick'));
  } catch {
    return [];
  }
}
