import { type ChildProcess, spawn } from 'node:child_process';
import type { Probe } from '../../core/ports.js';
import type { ExecProbeSpec } from './spec.js';

/** Healthy when the program exits with 0. */
export function createExecProbe({ command, env }: ExecProbeSpec): Probe {
  const [program, ...args] = command;
  return async (signal) => {
    signal.throwIfAborted();
    // In a process group of its own, so that its children are killed with it.
    const child = spawn(program, args, {
      stdio: 'ignore',
      env: { ...process.env, ...env },
      detached: true,
    });
    const abort = () => killGroup(child);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await outcome(child, program);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  };
}

function outcome(child: ChildProcess, program: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`${program} could not be run: ${error.message}`)));
    child.on('exit', (code, killedBy) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ended with ${code ?? killedBy}`));
    });
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended in the meantime.
  }
}
