// `npm run bench`: sets up what the benchmark needs and runs it. What only tells of the benchmark needs nothing but the packages.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const TSX = fileURLToPath(new URL('node_modules/tsx/dist/cli.mjs', root));
const TELLING = ['--list', '--help'];

/** Runs a program of this repository, which gets every signal that ends this one. Resolves with its exit code. */
async function run(file, ...args) {
  const program = spawn(process.execPath, [file, ...args], { stdio: 'inherit', cwd: fileURLToPath(root) });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => program.kill(signal));
  const [code] = await once(program, 'close');
  return code ?? 1;
}

const args = process.argv.slice(2);
const needsSetup = !existsSync(TSX) || !args.some((arg) => TELLING.includes(arg));
process.exitCode =
  (needsSetup && (await run('docker/setup.mjs', 'bench', '--brief'))) ||
  (await run(TSX, 'test/bench/main.ts', ...args));
