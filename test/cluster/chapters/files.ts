import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { say } from '../../support/report/narrator.js';
import { runLogged, vagrant } from '../vagrant.js';

const SHELL = /\.sh$|^(pre|post)(inst|rm)$/;

async function shellFiles(directory: string): Promise<string[]> {
  const root = fileURLToPath(new URL(`../../../${directory}`, import.meta.url));
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && SHELL.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Looks at the Vagrantfile and at every shell script. Rejects with what is wrong. */
export async function lookAtFiles(): Promise<void> {
  await vagrant('validate');
  const scripts = (await Promise.all(['docker', 'units', 'test/cluster'].map(shellFiles))).flat();
  if (scripts.length < 10) throw new Error(`too few shell scripts: ${scripts.join(', ')}`);
  await runLogged('shellcheck', '--external-sources', ...scripts);
  say(`the Vagrantfile is valid, and shellcheck finds nothing in ${scripts.length} scripts`);
}
