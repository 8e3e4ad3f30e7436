import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { digestOf, type FilesRead } from '../config/engine/secret-files.js';

/** How often the files are read, in ms. They are small, and not every file system reports changes. */
const INTERVAL = 2000;
/** How long changed files must stay the same, in ms, because a certificate and its key are two files. */
const SETTLE_TIME = 500;

/** Reads the files that options name again and again, and reports when their content has changed. */
export class FileMonitor {
  readonly #changed: () => void;
  #known: FilesRead = new Map();
  /** The content that was reported last, so that content that cannot be used is reported once. */
  #reported: FilesRead = new Map();
  #timer: NodeJS.Timeout | undefined;

  /** @param changed Called each time that the files have changed and then stayed the same for a moment. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Begins to monitor the files that have just been read. Returns whether they are others than before, or have changed. */
  monitor(read: FilesRead): boolean {
    const differs = !isDeepStrictEqual(read, this.#known);
    this.#known = read;
    this.#reported = read;
    clearTimeout(this.#timer);
    if (read.size > 0) this.#checkIn(INTERVAL);
    return differs;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** @param before What the files held at the check before. */
  #checkIn(ms: number, before?: FilesRead): void {
    const timer = setTimeout(() => {
      // If the monitor was stopped or given other files in the meantime, what was read means nothing.
      void this.#read().then((now) => timer === this.#timer && this.#compare(now, before));
    }, ms).unref();
    this.#timer = timer;
  }

  #compare(now: FilesRead, before: FilesRead | undefined): void {
    const isNew = !isDeepStrictEqual(now, this.#reported);
    const isSettled = isNew && isDeepStrictEqual(now, before);
    if (isSettled) this.#reported = now;
    this.#checkIn(isNew && !isSettled ? SETTLE_TIME : INTERVAL, now);
    if (isSettled) this.#changed();
  }

  async #read(): Promise<FilesRead> {
    const found = [...this.#known.keys()].map(async (path): Promise<[string, string]> => {
      const content = await readFile(path).catch(() => undefined);
      return [path, digestOf(content)];
    });
    return new Map(await Promise.all(found));
  }
}
