/** A process of the harness's own, written in TypeScript, that answers questions. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Asks questions of one kind, and gets answers of a kind that depends on the question. */
export class Companion<Question extends object> implements AsyncDisposable {
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  /** Starts a program, and resolves when it has said that it is ready, whatever it says. */
  static async start<Question extends object>(
    program: URL,
    args: readonly string[] = [],
  ): Promise<Companion<Question>> {
    const child = fork(fileURLToPath(program), [...args], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    await once(child, 'message');
    return new Companion<Question>(child);
  }

  /** One question at a time. Rejects when the process ends in place of an answer. */
  async ask<Answer>(question: Question): Promise<Answer> {
    const settled = new AbortController();
    const { signal } = settled;
    const ended = once(this.#process, 'exit', { signal }).then(() => {
      throw new Error(`${this.#process.spawnargs.at(-1)} has ended`);
    });
    this.#process.send(question);
    try {
      const [answer] = (await Promise.race([once(this.#process, 'message', { signal }), ended])) as [Answer];
      return answer;
    } finally {
      settled.abort();
      ended.catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // One that has failed has ended already, and would have nothing to say a second time.
    if (!this.#process.connected) return;
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
  }
}
