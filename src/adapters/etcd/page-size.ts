/** How long a page should be, in bytes: it arrives within a second over a line of 5 Mbit/s. */
const TARGET_BYTES = 512 * 1024;
/** How long a page should take, in ms; after a slower one the next is smaller. */
const TARGET_TIME = 500;
/** Keys of the first page: they fit one answer even if each value is as long as etcd allows (1.5 MB). */
const FIRST = 8;
/** The most keys of a page, so that etcd can answer one whose values are suddenly long. */
const MAX = 256;
/** By how much pages grow and shrink at most. */
const GROWTH = 4;
const SHRINKAGE = 8;

/** What one page took. */
interface PageStats {
  readonly keys: number;
  readonly bytes: number;
  /** From the request to the answer, in ms. */
  readonly took: number;
}

/** How many keys to request for the next page: how long their values are shows only when they arrive. */
export class PageSize {
  #keys = FIRST;

  get keys(): number {
    return this.#keys;
  }

  /** Records a page that arrived: the next one fits the targets if its keys are like these. */
  record({ keys, bytes, took }: PageStats): void {
    const fit = Math.min(TARGET_BYTES / Math.max(bytes, 1), TARGET_TIME / Math.max(took, 1));
    this.#keys = Math.max(1, Math.min(Math.floor(keys * fit), this.#keys * GROWTH, MAX));
  }

  /** Makes the next page smaller after one that was too large. Returns false where that had one key already. */
  shrink(): boolean {
    if (this.#keys === 1) return false;
    this.#keys = Math.max(1, Math.floor(this.#keys / SHRINKAGE));
    return true;
  }
}
