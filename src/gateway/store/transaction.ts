/** Several changes of shared memory of which all are made or none. The caller holds the lock; requests read in between. */
import type { StringDict } from './platform.js';

/** What a change needs of a dictionary, and a way back. */
export interface Transaction {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  delete(key: string): void;
  /** Restores what was there before. */
  undo(): void;
}

/** Begins a transaction. */
export function begin(tables: StringDict): Transaction {
  const before: [string, string | undefined][] = [];
  return {
    get: (key) => tables.get(key),
    set: (key, value) => {
      before.push([key, tables.get(key)]);
      tables.set(key, value);
    },
    delete: (key) => {
      before.push([key, tables.get(key)]);
      tables.delete(key);
    },
    undo: () => {
      // First away with what is new: it makes the room for what was there.
      for (let i = before.length - 1; i >= 0; i--) {
        const entry = before[i] as [string, string | undefined];
        if (entry[1] === undefined) tables.delete(entry[0]);
        else tables.set(entry[0], entry[1]);
      }
    },
  };
}
