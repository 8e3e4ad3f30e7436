/**
 * Ends this process when it blocks on an input: a loop without end, an expression that backtracks for ever. Nothing in the
 * process itself can, so a second thread does, and prints what the process was busy with.
 */
import { Worker } from 'node:worker_threads';

/** In ms; longer than any bound of a target. */
const BLOCKED = 60_000;

// Its own text, since a thread that is started from a TypeScript file would need what compiles it.
const SCRIPT = `
const { workerData: { beats, path, limit } } = require('node:worker_threads');
const { readFileSync, writeSync } = require('node:fs');
const { deserialize } = require('node:v8');
const { inspect } = require('node:util');
let seen = -1;
let since = Date.now();
setInterval(() => {
  const beat = Atomics.load(beats, 0);
  if (beat !== seen || beat % 2 === 0) [seen, since] = [beat, Date.now()];
  if (Date.now() - since < limit) return;
  const input = inspect(deserialize(readFileSync(path)), { depth: null, maxStringLength: 400 });
  writeSync(2, '\\nblocked for ' + limit + ' ms by ' + path + ':\\n' + input + '\\n');
  process.kill(process.pid, 'SIGKILL');
}, 1000);
`;

export class Watchdog implements Disposable {
  /** Odd while an input is judged. */
  readonly #beats = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;

  /** @param path The file that holds the input. */
  constructor(path: string) {
    this.#worker = new Worker(SCRIPT, {
      eval: true,
      workerData: { beats: this.#beats, path, limit: BLOCKED },
    });
    this.#worker.unref();
  }

  beat(): void {
    Atomics.add(this.#beats, 0, 1);
  }

  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }
}
