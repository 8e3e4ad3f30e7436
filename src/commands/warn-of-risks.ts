import type { Problem } from '../config/engine/problem.js';
import type { Log } from '../core/ports.js';

/** Says what works in a configuration, and is a risk or most likely not what was meant. */
export function warnOfRisks(log: Log, warnings: readonly Problem[]): void {
  for (const { key, reason } of warnings) {
    log.warn(
      { event: 'config-warning', key, reason },
      'the configuration works, but it is a risk or a mistake',
    );
  }
}
