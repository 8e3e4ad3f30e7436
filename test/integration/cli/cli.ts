/** `sidekick …` as a process of the operating system, from the source: what a user types, sees and presses. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { LogBuffer, type LoggedEvent, noteEvents, parseEvent } from '../../support/containers/index.js';
import { noteExposition } from '../../support/occurrences.js';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A running `sidekick`. It does not outlive its test. */
export class Cli {
  readonly out = new LogBuffer();
  readonly err = new LogBuffer();
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    // Nothing of the environment of the tests gets in.
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.out.follow(child.stdout);
    this.err.follow(child.stderr);
    noteEvents(this.err);
    this.#ended = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      out: this.out.lines.join('\n'),
      err: this.err.lines.join('\n'),
    }));
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await this.#ended;
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves when it has ended. */
  ended(): Promise<Ended> {
    return this.#ended;
  }

  /** The events logged so far. */
  events(name: string): readonly LoggedEvent[] {
    return this.err.lines.flatMap((line) => parseEvent(line) ?? []).filter(({ event }) => event === name);
  }

  /** Resolves with the first event of a name, logged already or to come, from line `from` of the log on. */
  async event(name: string, from = 0): Promise<LoggedEvent> {
    const line = await this.err.waitFor((text) => parseEvent(text)?.event === name, { from });
    return parseEvent(line) as LoggedEvent;
  }
}

export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Cli {
  return new Cli(args, env);
}

/** What a daemon exposes on /metrics of its admin address. */
export async function metricsOf(admin: string): Promise<string> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  noteExposition(text);
  return text;
}

/** Runs a command to its end. */
export function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return start(args, env).ended();
}
