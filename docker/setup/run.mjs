// Runs other programs: their output is kept for the case of failure, and one abort ends them all.
import { spawn } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

const HEAD_LINES = 10;
const TAIL_LINES = 20;
const aborter = new AbortController();
// Every program that runs listens to it, and a dozen may run at a time.
setMaxListeners(0, aborter.signal);

/** Ends every program that runs and lets none start. */
export function abortAll(reason) {
  aborter.abort(reason);
}

/** Fails the set-up with a message, the output that led to it, and a hint. */
export class SetupError extends Error {
  constructor(message, { output = '', hint = '' } = {}) {
    super(message);
    this.output = output;
    this.hint = hint;
  }
}

/**
 * Starts a program without waiting for it; its stdout and stdin are streams. It is ended by SIGTERM when the set-up is
 * aborted; an `unbreakable` one is not, nor does Ctrl-C reach it, and the set-up ends after it.
 */
export function start(command, args, { env, stdin = 'ignore', unbreakable = false } = {}) {
  aborter.signal.throwIfAborted();
  return spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: [stdin, 'pipe', 'pipe'],
    ...(unbreakable ? { detached: true } : { signal: aborter.signal }),
  });
}

/**
 * Resolves with the exit code and everything a started program printed. Rejects where it could not be run, and where the
 * set-up was aborted; then, too, not before the program and all that it started have ended.
 */
export function finished(child) {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let output = '';
    let failure;
    child.stdout.on('data', (data) => {
      stdout += data;
      output += data;
    });
    child.stderr.on('data', (data) => {
      output += data;
    });
    child.on('error', (error) => {
      // Why the set-up was aborted says more than that it was.
      failure = aborter.signal.reason ?? error;
      if (child.pid === undefined) reject(failure);
    });
    child.on('close', (code, signal) => {
      if (failure) reject(failure);
      else resolve({ code: code ?? signal, stdout, output });
    });
  });
}

/** The first and the last lines of a program's output: some say the reason at the start, some at the end. */
export function excerpt(output) {
  const lines = output.trim().split('\n');
  if (lines.length <= HEAD_LINES + TAIL_LINES) return lines.join('\n');
  return [...lines.slice(0, HEAD_LINES), '…', ...lines.slice(-TAIL_LINES)].join('\n');
}

/** Runs a program to its end and resolves with its stdout. Fails with a {@link SetupError} unless it exits 0. */
export async function run(command, args, { hint, ...options } = {}) {
  const { code, stdout, output } = await finished(start(command, args, options));
  if (code === 0) return stdout;
  throw new SetupError(`${command} ${args.slice(0, 3).join(' ')} … ended with ${code}`, {
    output: excerpt(output),
    hint,
  });
}

/** Runs a program that may fail. Resolves with `{ok, stdout, output}`; not ok after `timeout` ms. */
export async function ask(command, args, { timeout = 15_000, ...options } = {}) {
  const child = start(command, args, options);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
  try {
    const { code, stdout, output } = await finished(child);
    return { ok: code === 0, stdout: stdout.trim(), output };
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EACCES') throw error;
    return { ok: false, stdout: '', output: error.message };
  } finally {
    clearTimeout(timer);
  }
}
