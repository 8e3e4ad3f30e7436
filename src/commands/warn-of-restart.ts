import { isDeepStrictEqual } from 'node:util';
import type { Tree } from '../config/resolve.js';
import type { Log } from '../core/ports.js';

/** Says which changed keys a reload passes over. */
export function warnOfRestart(log: Log, fixed: readonly string[], before: Tree, after: Tree): void {
  const keys = fixed.filter((key) => !isDeepStrictEqual(before[key], after[key]));
  if (keys.length > 0) log.warn({ event: 'restart-needed', keys }, 'these keys change only with a restart');
}
