import { isDeepStrictEqual } from 'node:util';
import type { Tree } from '../config/engine/read-values.js';
import type { Log } from '../core/ports.js';

/** Says which keys, of those that a reload passes over, are other than at the start: at each reload, not at the first alone. */
export function warnOfRestart(log: Log, fixed: readonly string[], started: Tree, now: Tree): void {
  const keys = fixed.filter((key) => !isDeepStrictEqual(started[key], now[key]));
  // No warning, though it is one: those are held back where they repeat, and this is the answer to a request.
  if (keys.length > 0) log.info({ event: 'restart-required', keys }, 'these keys change only with a restart');
}
