import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { digestOf, type FilesRead } from '../config/engine/secret-files.js';

/** How often the files are looked at, in ms. They are small, and not every file system tells of changes. */
const INTERVAL = 2000;
/** How long they must then stay the same, in ms: a certificate and its key are two files. */
const SETTLE = 500;

/** Looks at the files that options name, and tells when there is something else in them. */
export class FileFollower {
  readonly #changed: () => void;
  #known: FilesRead = new Map();
  /** What was told last, so that files that are of no use are told of once. */
  #told: FilesRead = new Map();
  #timer: NodeJS.Timeout | undefined;

  /** @param changed Called when the files hold something else than what was read, each time that they change. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Takes note of what was read. Returns whether it is something else than what was read before. */
  follow(read: FilesRead): boolean {
    const differs = !isDeepStrictEqual(read, this.#known);
    this.#known = read;
    this.#told = read;
    clearTimeout(this.#timer);
    if (read.size > 0) this.#lookIn(INTERVAL);
    return differs;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #lookIn(ms: number, before?: FilesRead): void {
    const timer = setTimeout(() => {
      // Ended, or followed anew, while it looked: then what it saw is of no use.
      void this.#look().then((now) => timer === this.#timer && this.#judge(now, before));
    }, ms).unref();
    this.#timer = timer;
  }

  /** @param before What was seen the time before. */
  #judge(now: FilesRead, before: FilesRead | undefined): void {
    const isNew = !isDeepStrictEqual(now, this.#told);
    const isSettled = isNew && isDeepStrictEqual(now, before);
    if (isSettled) this.#told = now;
    this.#lookIn(isNew && !isSettled ? SETTLE : INTERVAL, now);
    if (isSettled) this.#changed();
  }

  async #look(): Promise<FilesRead> {
    const found = [...this.#known.keys()].map(async (path): Promise<[string, string]> => {
      const content = await readFile(path).catch(() => undefined);
      return [path, digestOf(content)];
    });
    return new Map(await Promise.all(found));
  }
}
