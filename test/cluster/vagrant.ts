/** Vagrant with its docker provider. */
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LOG = fileURLToPath(new URL('../../build/vagrant.log', import.meta.url));
const TAIL_LINES = 40;

/** Runs a program in the repository's root, its output in build/vagrant.log, and rejects with the end of it. */
export async function runLogged(command: string, ...args: string[]): Promise<void> {
  mkdirSync(fileURLToPath(new URL('../../build', import.meta.url)), { recursive: true });
  const log = createWriteStream(LOG, { flags: 'a' });
  let output = '';
  log.write(`\n$ ${command} ${args.join(' ')}\n`);
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, VAGRANT_DEFAULT_PROVIDER: 'docker', VAGRANT_CHECKPOINT_DISABLE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString();
      log.write(data);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  await new Promise((resolve) => log.end(resolve));
  if (code === 0) return;
  const tail = output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  throw new Error(`${command} ${args.slice(0, 2).join(' ')} … ended with ${code}:\n${tail}`);
}

export function vagrant(...args: string[]): Promise<void> {
  return runLogged('vagrant', ...args);
}
