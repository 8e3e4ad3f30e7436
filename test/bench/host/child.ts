/** A program under measurement: a process of its own, started at a known moment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { LogBuffer } from '../../support/containers/index.js';
import { now } from '../clock.js';
import { cpuOf, rssOf } from './process-usage.js';

const SHOWN = 15;

const running = new Set<ChildProcess>();

// Whoever ends this process ends what it measures.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Child {
  /** What it has printed on standard output. */
  readonly out = new LogBuffer();
  readonly #err = new LogBuffer();
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | null>;
  /** When it was started, by {@link now}. */
  readonly startedAt: number;

  /** Starts a program with nothing of this process's environment but `PATH` and `HOME`. */
  constructor(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const { PATH = '', HOME = '' } = process.env;
    this.startedAt = now();
    this.#process = spawn(command, args, {
      env: { PATH, HOME, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.#process;
    if (stdout) this.out.follow(stdout);
    if (stderr) this.#err.follow(stderr);
    running.add(this.#process);
    this.#ended = once(this.#process, 'close').then(([code]) => {
      running.delete(this.#process);
      return code as number | null;
    });
  }

  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error('the program was not started');
    return pid;
  }

  /** CPU time so far, in ms. */
  cpu(): Promise<number> {
    return cpuOf(this.pid);
  }

  /** Resident memory, in bytes. */
  rss(): Promise<number> {
    return rssOf(this.pid);
  }

  /** Writes a line to its standard input. */
  tell(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** Resolves when it has ended well; rejects with its last words where it has not. */
  async succeeded(): Promise<void> {
    const code = await this.#ended;
    if (code !== 0)
      throw new Error(`${this.#process.spawnargs.join(' ')} ended with ${code}:\n${this.words}`);
  }

  /** The last that it printed on standard error. */
  get words(): string {
    return this.#err.lines.slice(-SHOWN).join('\n');
  }

  /** Resolves as `work` does; rejects with the last words of the program when that ends first. */
  whileRunning<T>(work: Promise<T>): Promise<T> {
    const ended = this.#ended.then((code) => {
      throw new Error(`${this.#process.spawnargs.join(' ')} ended with ${code}:\n${this.words}`);
    });
    return Promise.race([work, ended]);
  }

  /** Resolves with its exit code when it has ended; null where a signal ended it. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** Sends a signal and resolves when it has ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#process.kill(signal);
    await this.#ended;
  }
}
