/**
 * Shared memory that is reserved for changes that do not add a server, so that servers of a full zone can still be drained
 * and removed. It is allocated as a value of the dictionary, and freed when such a change needs it.
 */
import type { Platform } from './platform.js';

const RESERVE = ' reserve';
/** The size in bytes. It is in the same dictionary as the reserve, because a reload that resizes the zone loses both. */
const RESERVED = ' reserved';
/** A generous estimate of the memory that a server takes, in bytes. */
const SERVER_SIZE = 256;

/** Makes sure that enough memory is reserved to rewrite a group of so many servers. Throws njs's error if there is too little. */
export function reserve(platform: Platform, servers: number): void {
  let size = 2 * SERVER_SIZE;
  while (size < (servers + 1) * SERVER_SIZE) size *= 2;
  if (Number(platform.tables.get(RESERVED) || 0) >= size) return;
  platform.tables.set(RESERVE, ' '.repeat(size));
  platform.tables.set(RESERVED, `${size}`);
}

/** Frees the reserve. Returns false if there was none. */
export function freeReserve(platform: Platform): boolean {
  platform.tables.delete(RESERVED);
  return platform.tables.delete(RESERVE);
}
