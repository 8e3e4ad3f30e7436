import { writeFile } from 'node:fs/promises';
import type { Scope } from '../../config/engine/schema.js';
import type { configInitScope } from '../../config/init.js';
import { messageOf, SidekickError } from '../../core/errors.js';
import type { InvocationOf } from '../command.js';
import { printLines } from '../print-lines.js';
import { exampleConfig } from './example.js';

/**
 * `sidekick config init COMMAND`. Resolves to 0; rejects if the file exists or cannot be written.
 * @param scope That of the command.
 */
export async function initConfig(
  name: string,
  scope: Scope,
  { config, out }: InvocationOf<typeof configInitScope>,
): Promise<number> {
  const { output, force } = config.values;
  const text = exampleConfig(name, scope);
  if (output === undefined) {
    out.write(text);
    return 0;
  }
  await write(output, text, force);
  printLines(out, `${output} is written: edit it, then run sidekick config check ${name} --config ${output}`);
  return 0;
}

async function write(path: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    const reason = exists
      ? 'exists already: give another file, or --force'
      : `cannot be written: ${messageOf(error)}`;
    throw new SidekickError('OUTPUT', `output: ${path} ${reason}`, { cause: error });
  }
}
