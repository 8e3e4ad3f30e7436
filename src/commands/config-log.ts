import { isDeepStrictEqual } from 'node:util';
import type { UnknownVariable } from '../config/engine/layers.js';
import type { Problem } from '../config/engine/problem.js';
import type { Tree } from '../config/engine/read-values.js';
import type { Log } from '../core/ports.js';

/** Logs what is allowed in a configuration, but is a risk or probably a mistake. */
export function logConfigWarnings(log: Log, warnings: readonly Problem[]): void {
  for (const { key, reason } of warnings) {
    log.warn(
      { event: 'config-suspicious', key, reason },
      'the configuration is a risk or probably a mistake',
    );
  }
}

/** Logs the `SIDEKICK_*` variables that belong to no option. */
export function logUnknownVariables(log: Log, variables: readonly UnknownVariable[]): void {
  for (const { name: key, meant } of variables) {
    log.warn(
      { event: 'variable-unknown', key, meant },
      'no option has this SIDEKICK_ variable: check its spelling',
    );
  }
}

/**
 * Logs which keys, of those that a reload does not change, are no longer as they were at the start. At the level info,
 * because repeated warnings are suppressed, and this is the answer to each reload.
 */
export function logRestartRequired(log: Log, keys: readonly string[], started: Tree, now: Tree): void {
  const changed = keys.filter((key) => !isDeepStrictEqual(started[key], now[key]));
  if (changed.length === 0) return;
  log.info(
    { event: 'restart-required', keys: changed },
    'these keys have changed, and take effect after a restart',
  );
}
