import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { messageOf, UsageError } from '../core/errors.js';
import { show } from './format.js';

/**
 * Reads the file that an option names: a password, a key, a certificate. A bare name (without a slash) is looked for
 * among systemd's credentials where there are any.
 * Source: systemd.exec(5), `LoadCredential=` and `$CREDENTIALS_DIRECTORY`.
 * @param key The option, for the message.
 */
export function readFileOption(
  key: string,
  path: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Buffer {
  const directory = env.CREDENTIALS_DIRECTORY;
  const resolved = directory && !isAbsolute(path) && !path.includes('/') ? join(directory, path) : path;
  try {
    return readFileSync(resolved);
  } catch (error) {
    throw new UsageError(`${key}: must be a file that can be read, got ${show(path)}: ${messageOf(error)}`);
  }
}

/** Reads a password from its file: the first line, without its end. */
export function readPassword(
  key: string,
  path: string,
  env?: Readonly<Record<string, string | undefined>>,
): string {
  const [line = ''] = readFileOption(key, path, env).toString('utf8').split(/\r?\n/);
  if (line !== '') return line;
  throw new UsageError(
    `${key}: must be a file whose first line is the password, got an empty one: ${show(path)}`,
  );
}
