import { createHash } from 'node:crypto';

/** A ClientId of this watcher's own for each purpose, which every broker takes: at most 23 letters and digits. */
export function clientIdOf(purpose: string): string {
  return `sidekick${createHash('sha256').update(purpose).digest('hex').slice(0, 12)}`;
}
