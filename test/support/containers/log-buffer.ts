/** What a container has printed, line by line, and a way to wait for what it will print. */
import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';

const DEFAULT_TIMEOUT_MS = 60_000;
const SHOWN_ON_TIMEOUT = 30;

export class LogBuffer {
  readonly lines: string[] = [];
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  #partial = '';

  /** Takes lines from a stream of text until it ends. */
  follow(stream: Readable): void {
    stream.on('data', (data: string | Buffer) => {
      const parts = (this.#partial + data.toString()).split('\n');
      this.#partial = parts.pop() ?? '';
      for (const line of parts) this.#add(line);
    });
    stream.once('end', () => {
      if (this.#partial) this.#add(this.#partial);
      this.#partial = '';
    });
  }

  #add(line: string): void {
    this.lines.push(line);
    this.#emitter.emit('line', line);
  }

  /** Calls `listener` with every line from now on. Returns what ends that. */
  onLine(listener: (line: string) => void): () => void {
    this.#emitter.on('line', listener);
    return () => this.#emitter.off('line', listener);
  }

  /**
   * Resolves with the first line that satisfies `predicate`, among those from number `from` on (default 0: everything
   * printed so far counts). Rejects, showing the last lines, when there is none within `timeoutMs` (default 60 000).
   */
  waitFor(
    predicate: RegExp | ((line: string) => boolean),
    { from = 0, timeoutMs = DEFAULT_TIMEOUT_MS }: { from?: number; timeoutMs?: number } = {},
  ): Promise<string> {
    const matches = predicate instanceof RegExp ? (line: string) => predicate.test(line) : predicate;
    const present = this.lines.slice(from).find(matches);
    if (present !== undefined) return Promise.resolve(present);
    return new Promise((resolve, reject) => {
      const stop = this.onLine((line) => {
        if (!matches(line)) return;
        stop();
        clearTimeout(timer);
        resolve(line);
      });
      const timer = setTimeout(() => {
        stop();
        const shown = this.lines.slice(-SHOWN_ON_TIMEOUT).join('\n');
        reject(
          new Error(
            `no line matched ${String(predicate)} within ${timeoutMs} ms; the last lines were:\n${shown}`,
          ),
        );
      }, timeoutMs);
    });
  }
}
