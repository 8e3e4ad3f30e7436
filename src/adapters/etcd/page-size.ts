/** What a page is to hold, in bytes: one that arrives within a second also over a line of 5 Mbit/s. */
const TARGET_BYTES = 512 * 1024;
/** How long a page may take, in ms, before the next one is made smaller. */
const TARGET_TIME = 500;
/** Before anything is known of the values: as many as fit one answer even if each is as long as etcd allows (1.5 MB). */
const FIRST = 8;
/** So that also a page whose values are suddenly long is one that etcd can put together. */
const MAX = 256;
/** How fast pages grow and shrink. */
const GROWTH = 4;
const SHRINKAGE = 8;

/** What one page was. */
export interface PageFigures {
  readonly keys: number;
  readonly bytes: number;
  /** From the request to the answer, in ms. */
  readonly took: number;
}

/** How many keys the next page asks for: nobody knows how long their values are before they have come. */
export class PageSize {
  #keys = FIRST;

  get keys(): number {
    return this.#keys;
  }

  /** A page has come: the next one is made to fit the targets, if its keys are like the last ones. */
  came({ keys, bytes, took }: PageFigures): void {
    const fit = Math.min(TARGET_BYTES / Math.max(bytes, 1), TARGET_TIME / Math.max(took, 1));
    this.#keys = Math.max(1, Math.min(Math.floor(keys * fit), this.#keys * GROWTH, MAX));
  }

  /** A page was too much. Returns false where it was of one key already. */
  shrink(): boolean {
    if (this.#keys === 1) return false;
    this.#keys = Math.max(1, Math.floor(this.#keys / SHRINKAGE));
    return true;
  }
}
