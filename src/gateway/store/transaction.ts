/** Changes of shared memory that are made completely or not at all. The caller holds the lock; requests may read in between. */
import type { StringDict } from './platform.js';

/** A dictionary inside a transaction. */
export interface Transaction {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  delete(key: string): void;
}

/** Runs `change`. If it throws, for example because shared memory is full, everything it has written is undone. */
export function run<T>(tables: StringDict, change: (transaction: Transaction) => T): T {
  const before: [string, string | undefined][] = [];
  const transaction: Transaction = {
    get: (key) => tables.get(key),
    set: (key, value) => {
      before.push([key, tables.get(key)]);
      tables.set(key, value);
    },
    delete: (key) => {
      before.push([key, tables.get(key)]);
      tables.delete(key);
    },
  };
  try {
    return change(transaction);
  } catch (thrown) {
    undo(tables, before);
    throw thrown;
  }
}

function undo(tables: StringDict, before: [string, string | undefined][]): void {
  // In reverse order, so that new values are deleted before the room is needed for old ones.
  for (let i = before.length - 1; i >= 0; i--) {
    const entry = before[i] as [string, string | undefined];
    if (entry[1] === undefined) tables.delete(entry[0]);
    else tables.set(entry[0], entry[1]);
  }
}
