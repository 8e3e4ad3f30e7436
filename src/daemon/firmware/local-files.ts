import type { Log } from '../../core/ports.js';
import type { WantedFile } from '../../firmware/holdings.js';
import type { BlobStore, StoredFile } from '../../firmware/ports.js';

/**
 * Which files this host's firmware server holds, each proved by its content: at first sight, and whenever its size or
 * mtime has changed since.
 */
export class LocalFiles {
  readonly #store: BlobStore;
  readonly #log: Log;
  /** The files whose content was proved, as they were then. */
  readonly #proved = new Map<string, StoredFile>();

  constructor(store: BlobStore, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  /** The SHA-256 of every file that is held. */
  get held(): ReadonlySet<string> {
    return new Set(this.#proved.keys());
  }

  /** Looks at the directory: proves what is new or changed, and removes files whose content is not what their name says. */
  async refresh(signal: AbortSignal): Promise<void> {
    const stored = new Map((await this.#store.list()).map((file) => [file.sha256, file]));
    for (const sha256 of this.#proved.keys()) if (!stored.has(sha256)) this.#proved.delete(sha256);
    for (const file of stored.values()) {
      if (isSame(this.#proved.get(file.sha256), file)) continue;
      this.#proved.delete(file.sha256);
      if ((await this.#store.digest(file.sha256, signal)) === file.sha256)
        this.#proved.set(file.sha256, file);
      else await this.#discard(file.sha256);
    }
  }

  /** Gives files the mtime of their release, on which NGINX's ETag depends: a resume on another server then works. */
  async alignMtimes(wanted: ReadonlyMap<string, WantedFile>): Promise<void> {
    for (const [sha256, file] of this.#proved) {
      const mtime = wanted.get(sha256)?.mtime;
      if (mtime === undefined || mtime === file.mtime) continue;
      await this.#store.setMtime(sha256, mtime);
      this.#proved.set(sha256, { ...file, mtime });
    }
  }

  /** Takes up a file that has just been put in place and proved. */
  add({ sha256, size, mtime }: WantedFile): void {
    this.#proved.set(sha256, { sha256, size, mtime });
  }

  async #discard(sha256: string): Promise<void> {
    await this.#store.remove(sha256);
    const message = 'a firmware file was damaged and has been removed; it is fetched again';
    this.#log.warn({ event: 'firmware-file-damaged', file: sha256 }, message);
  }
}

function isSame(proved: StoredFile | undefined, file: StoredFile): boolean {
  return proved?.size === file.size && proved.mtime === file.mtime;
}
